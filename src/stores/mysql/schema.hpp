#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::mysql {

/// Kept in the table's comment. A release that needs another schema tells it by this.
inline constexpr std::string_view schema_comment = "flame-session schema 1";

[[nodiscard]] std::string create_statement(const TableName& table);

/// What information_schema tells of a table.
struct TableFacts {
  struct Column {
    std::string type{};
    bool needs_value = false;  ///< not null, and no default
  };
  struct Index {
    std::string columns{};  ///< with commas between; one of which it holds the beginning: `name(4)`
    bool unique = false;
  };
  bool exists = false;
  std::string engine{}, comment{};
  std::map<std::string, Column> columns{};
  std::map<std::string, Index> indexes{};  ///< by name
};

/// Queries for that, whose rows read_*() takes.
[[nodiscard]] std::string table_query(const TableName& table);  // engine, comment
[[nodiscard]] std::string columns_query(
    const TableName& table);  // name, type, nullable, default, extra
[[nodiscard]] std::string indexes_query(
    const TableName& table);  // name, column, whether not unique, how much of the column

using Rows = std::vector<std::vector<std::string>>;
[[nodiscard]] TableFacts read_facts(const Rows& table, const Rows& columns, const Rows& indexes);

/// Empty where the table fits; else one line with the statement to run.
[[nodiscard]] std::string problem_of(const TableFacts& facts, const TableName& table);

}  // namespace flame::inline v0::session::mysql
