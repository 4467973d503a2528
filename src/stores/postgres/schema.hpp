#pragma once

#include <optional>
#include <string>
#include <vector>

#include "link.hpp"

namespace flame::inline v0::session::postgres {

/// Goes up with each release that writes another schema; kept in the table's comment.
inline constexpr int schema_version = 1;

struct Column {
  std::string name{}, type{};
  bool not_null = false, has_default = false;
};

/// What the catalog says of a table.
struct TableFacts {
  char kind = 'r', persistence = 'p';
  std::string comment{};
  bool usage = true,
       rights = true;        ///< of this user: of the schema; of the table, all that it needs
  bool rows_hidden = false;  ///< by row security
  bool key_index = true, owner_index = true;
  std::string invalid_owner_index{};  ///< in quotes, with its schema
  bool moving_index = false;          ///< one on a column that each save writes
  std::vector<Column> columns{};
};

/// What it says of the server.
struct ServerFacts {
  std::string user{}, fsync{}, full_page_writes{}, synchronous_commit{},
      synchronous_standby_names{};
  int version = 0;
  bool hides_plaintext = false;  ///< in the clear, over a network, and nobody said so
};

/// The statements that make the table, in order.
[[nodiscard]] std::vector<std::string> making(const TableName& table);
/// What the operator must mend, with the statement that does; empty: it fits. `facts` is empty
/// where the table is missing.
[[nodiscard]] std::string complaint(const std::optional<TableFacts>& facts, const TableName& table,
                                    const std::string& user);
/// The statements that make of it what it should be: all of making(), or the index of owners where
/// nothing else is wrong. None: it fits, or is for the operator to mend. `other_name`: the first
/// one for the index is taken.
[[nodiscard]] std::vector<std::string> to_be_made(const std::optional<TableFacts>& facts,
                                                  const TableName& table, const std::string& user,
                                                  bool other_name);
[[nodiscard]] std::vector<std::string> warnings(const TableFacts& table, const ServerFacts& server);

/// What of the table may keep a write from being done, and says nothing.
[[nodiscard]] std::optional<StoreError> meddler(Link& link, Deadline until);

/// Looks, makes what is to be made, and throws StoreError refused or answers what to warn of.
[[nodiscard]] std::vector<std::string> prepare_table(Link& link, const Settings& settings,
                                                     Deadline until);

}  // namespace flame::inline v0::session::postgres
