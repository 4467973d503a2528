#include "schema.hpp"

#include <algorithm>

#include "forms.hpp"

namespace flame::inline v0::session::mysql {
namespace {

struct Column {
  std::string_view name, type;
};
constexpr Column wanted_columns[] = {{"session_key", "binary(12)"}, {"token", "bigint unsigned"},
                                     {"created_at", "bigint"},      {"last_seen", "bigint"},
                                     {"expires_at", "bigint"},      {"owner", "varbinary(320)"},
                                     {"content", "mediumblob"}};
constexpr Column wanted_indexes[] = {
    {"PRIMARY", "session_key"}, {"owner", "owner,session_key"}, {"expires_at", "expires_at"}};

/// MariaDB, and MySQL before 8.0.19, tell the width that numbers are shown with.
std::string without_width(std::string type) {
  const auto at = type.find("bigint(");
  if (at != type.npos) type.erase(at + 6, type.find(')', at) + 1 - (at + 6));
  return type;
}

/// Names compare as the server's file system does: by their bytes, or in any case.
std::string where(const TableName& name) {
  const auto schema = name.schema.empty() ? "DATABASE()" : "_utf8mb4'" + name.schema + "'";
  return " WHERE TABLE_SCHEMA = " + schema + " AND TABLE_NAME = _utf8mb4'" + name.table +
         "' AND (@@lower_case_table_names <> 0 OR BINARY TABLE_NAME = '" + name.table + "')";
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return out;
}

std::string identifier(const std::string& name) {
  std::string out = "`";
  for (const char c : name) out.append(c == '`' ? 2 : 1, c);
  return out + '`';
}

std::string column_problem(const TableFacts& facts, const std::string& table) {
  for (const auto& [name, type] : wanted_columns) {
    const auto at = facts.columns.find(std::string(name));
    if (at == facts.columns.end())
      return "lacks the column " + std::string(name) + ": run: ALTER TABLE " + table +
             " ADD COLUMN " + std::string(name) + " " + upper(type) + " NOT NULL";
    if (at->second.type != type)
      return "has a column " + std::string(name) + " of type " + at->second.type +
             ": run: ALTER TABLE " + table + " MODIFY COLUMN " + std::string(name) + " " +
             upper(type) + " NOT NULL";
  }
  for (const auto& [name, column] : facts.columns) {
    if (column.needs_value &&
        std::ranges::find(wanted_columns, name, &Column::name) == std::end(wanted_columns))
      return "has a column that is not the store's and has no default: drop it, or give it one";
  }
  return {};
}

std::string index_problem(const TableFacts& facts, const std::string& table) {
  for (const auto& [name, columns] : wanted_indexes) {
    const auto at = facts.indexes.find(std::string(name));
    if (at != facts.indexes.end() && at->second.columns == columns) continue;
    const std::string what = name == "PRIMARY" ? "PRIMARY KEY" : "INDEX " + std::string(name);
    const std::string drop =
        at == facts.indexes.end()
            ? ""
            : "DROP " + what.substr(0, name == "PRIMARY" ? 11 : what.npos) + ", ";
    return "lacks an index: run: ALTER TABLE " + table + " " + drop + "ADD " + what + " (" +
           std::string(columns) + ")";
  }
  return {};
}

/// A create that meets such an index finds its key taken, or is written over another session.
std::string unique_problem(const TableFacts& facts, const std::string& table) {
  for (const auto& [name, index] : facts.indexes) {
    if (!index.unique || ("," + index.columns + ",").find(",session_key,") != std::string::npos)
      continue;
    const auto* const ours = std::ranges::find(wanted_indexes, name, &Column::name);
    const auto again = ours == std::end(wanted_indexes)
                           ? ""
                           : ", ADD INDEX " + name + " (" + std::string(ours->type) + ")";
    return "has a unique index that is not the store's: run: ALTER TABLE " + table +
           " DROP INDEX " + identifier(name) + again;
  }
  return {};
}

}  // namespace

std::string create_statement(const TableName& table) {
  return "CREATE TABLE IF NOT EXISTS " + quoted(table) +
         " (session_key BINARY(12) NOT NULL, token BIGINT UNSIGNED NOT NULL,"
         " created_at BIGINT NOT NULL, last_seen BIGINT NOT NULL, expires_at BIGINT NOT NULL,"
         " owner VARBINARY(320) NOT NULL, content MEDIUMBLOB NOT NULL, PRIMARY KEY (session_key),"
         " INDEX owner (owner, session_key), INDEX expires_at (expires_at))"
         " ENGINE=InnoDB COMMENT='" +
         std::string(schema_comment) + "'";
}

std::string table_query(const TableName& table) {
  return "SELECT ENGINE, TABLE_COMMENT FROM information_schema.TABLES" + where(table);
}

std::string columns_query(const TableName& table) {
  return "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT IS NULL, EXTRA"
         " FROM information_schema.COLUMNS" +
         where(table);
}

std::string indexes_query(const TableName& table) {
  return "SELECT INDEX_NAME, COLUMN_NAME, NON_UNIQUE, SUB_PART FROM information_schema.STATISTICS" +
         where(table) + " ORDER BY INDEX_NAME, SEQ_IN_INDEX";
}

TableFacts read_facts(const Rows& table, const Rows& columns, const Rows& indexes) {
  TableFacts facts;
  if (table.empty()) return facts;
  facts.exists = true;
  facts.engine = table[0][0];
  facts.comment = table[0][1];
  for (const auto& row : columns)
    facts.columns[row[0]] = {without_width(row[1]),
                             row[2] == "NO" && row[3] == "1" && row[4].empty()};
  for (const auto& row : indexes) {
    auto& [all, unique] = facts.indexes[row[0]];
    all.append(all.empty() ? "" : ",").append(row[1]);
    if (!row[3].empty()) all.append("(" + row[3] + ")");
    unique = row[2] == "0";
  }
  return facts;
}

std::string problem_of(const TableFacts& facts, const TableName& name) {
  const auto table = quoted(name);
  if (!facts.exists)
    return "mysql: the table " + table +
           " is not there: set init_table, or run: " + create_statement(name);
  if (facts.comment != schema_comment) {
    const bool newer = facts.comment.starts_with("flame-session schema ");
    return "mysql: the table " + table +
           (newer ? " is of another release of flame-session: run that one, or set another table"
                  : " is not one of flame-session's: set another table, or rename it and run: " +
                        create_statement(name));
  }
  auto problem = column_problem(facts, table);
  if (problem.empty()) problem = index_problem(facts, table);
  if (problem.empty()) problem = unique_problem(facts, table);
  return problem.empty() ? problem : "mysql: the table " + table + " " + problem;
}

}  // namespace flame::inline v0::session::mysql
