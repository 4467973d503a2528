#pragma once

#include <string>
#include <vector>

#include "statement.hpp"

namespace flame::inline v0::session::sqlite {

/// Goes up with each release that writes another schema; kept as a comment in the table's own
/// statement, which SQLite keeps word for word.
inline constexpr int schema_version = 1;

[[nodiscard]] std::string quoted(const std::string& name);
[[nodiscard]] std::string owner_index(const std::string& table);
[[nodiscard]] std::string expiry_index(const std::string& table);

/// What has the name that an index of the store's needs.
enum class IndexName : std::uint8_t {
  free,
  ours,      ///< the index
  unfit,     ///< an index of the table's, with other columns
  strangers  ///< a table, or another table's index
};

/// What the database says of a table.
struct TableFacts {
  struct Column {
    std::string name{}, type{};
    bool needs_value = false;  ///< not null, and no default
  };
  std::string type{};  ///< table, view, virtual …; empty: it is not there
  std::string sql{};
  bool has_rowid = true;
  std::vector<Column> columns{};
  bool key_index = false;
  IndexName owner_index = IndexName::free, expiry_index = IndexName::free;
  std::string ignoring_trigger{};  ///< one with RAISE(IGNORE)
};

/// The statements that make a table, in order.
[[nodiscard]] std::vector<std::string> making(const std::string& table);
/// What the operator must mend, with what does; empty: it fits.
[[nodiscard]] std::string complaint(const TableFacts& facts, const std::string& table);
/// The statements that make of it what it should be, where nothing else is wrong with it.
[[nodiscard]] std::vector<std::string> to_be_made(const TableFacts& facts,
                                                  const std::string& table);

/// Throws StoreError refused: a trigger keeps a row from being changed.
[[noreturn]] void refuse_triggers(Database& database, const std::string& table);

/// Sees to the journal mode and the table: makes what is to be made, or throws StoreError refused.
void prepare_table(Database& database, const std::string& table, bool make);

}  // namespace flame::inline v0::session::sqlite
