#include "schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace flame::inline v0::session::sqlite {
namespace {

constexpr std::string_view version_begin = "flame-session schema ";

struct Wanted {
  std::string_view name, type, rest;
};
constexpr std::array<Wanted, 7> wanted_columns{{{"key", "BLOB", "NOT NULL PRIMARY KEY"},
                                                {"token", "INTEGER", "NOT NULL"},
                                                {"created_at", "INTEGER", "NOT NULL"},
                                                {"last_seen", "INTEGER", "NOT NULL"},
                                                {"expires_at", "INTEGER", "NOT NULL"},
                                                {"owner", "BLOB", "NOT NULL"},
                                                {"blob", "BLOB", "NOT NULL"}}};

std::string making_table(const std::string& table) {
  std::string all;
  for (const auto& [name, type, rest] : wanted_columns)
    all.append(all.empty() ? "" : ", ")
        .append(name)
        .append(" ")
        .append(type)
        .append(" ")
        .append(rest);
  return "CREATE TABLE IF NOT EXISTS " + quoted(table) + " (/* " + std::string(version_begin) +
         std::to_string(schema_version) + " */ " + all + ") STRICT";
}

std::string making_owner_index(const std::string& table) {
  return "CREATE INDEX IF NOT EXISTS " + quoted(owner_index(table)) + " ON " + quoted(table) +
         " (owner, key) WHERE owner <> x''";
}

std::string making_expiry_index(const std::string& table) {
  return "CREATE INDEX IF NOT EXISTS " + quoted(expiry_index(table)) + " ON " + quoted(table) +
         " (expires_at)";
}

std::string joined(const std::vector<std::string>& statements) {
  std::string all;
  for (const auto& each : statements) all.append(all.empty() ? "" : "; ").append(each);
  return all;
}

int version_in(std::string_view sql) noexcept {
  int version = schema_version;  // of a table that was made by hand
  if (const auto at = sql.find(version_begin); at != sql.npos) {
    sql.remove_prefix(at + version_begin.size());
    std::from_chars(sql.data(), sql.data() + sql.size(), version);
  }
  return version;
}

/// Makes room for one that fits.
std::string put_aside(const std::string& table) {
  return "name another table, or run: DROP INDEX IF EXISTS " + quoted(owner_index(table)) +
         "; DROP INDEX IF EXISTS " + quoted(expiry_index(table)) + "; ALTER TABLE " +
         quoted(table) + " RENAME TO " + quoted(table + "_old");
}

std::string complaint_of_columns(const TableFacts& facts, const std::string& table) {
  for (const auto& wanted : wanted_columns) {
    const auto at = std::ranges::find(facts.columns, wanted.name, &TableFacts::Column::name);
    if (at == facts.columns.end() || at->type != wanted.type)
      return "has no column " + std::string(wanted.name) + " of type " + std::string(wanted.type) +
             ": " + put_aside(table);
  }
  const bool stranger = std::ranges::any_of(facts.columns, [](const auto& column) {
    return column.needs_value &&
           std::ranges::find(wanted_columns, column.name, &Wanted::name) == wanted_columns.end();
  });
  if (!stranger) return {};
  return "has a column that is not the library's and has no default: drop it, or give it one";
}

std::string complaint_of(const TableFacts& facts, const std::string& table) {
  if (facts.type != "table" || !facts.has_rowid)
    return "is no table with row IDs: " + put_aside(table);
  if (version_in(facts.sql) > schema_version)
    return "is of a later release of flame-session: use that, or name another table";
  if (auto text = complaint_of_columns(facts, table); !text.empty()) return text;
  if (!facts.key_index) return "has no unique index of key: " + put_aside(table);
  if (!facts.owner_index) return "has no index of owners: run: " + making_owner_index(table);
  if (!facts.expiry_index) return "has no index of expires_at: run: " + making_expiry_index(table);
  return {};
}

std::string text_of(const Statement::Rows& rows, int column) {
  return std::string(rows.bytes(column));
}

std::string only_text(Database& database, std::string sql, const std::string& argument = {}) {
  Statement statement(database, std::move(sql));
  auto rows = argument.empty() ? statement() : statement(argument.c_str());
  return rows.next() ? text_of(rows, 0) : std::string();
}

void read_columns(Database& database, const std::string& table, TableFacts& facts) {
  Statement columns(database,
                    "SELECT name, type, \"notnull\" AND dflt_value IS NULL AND hidden = 0"
                    " FROM pragma_table_xinfo(?, 'main')");
  for (auto rows = columns(table.c_str()); rows.next();)
    facts.columns.push_back({text_of(rows, 0), text_of(rows, 1), rows.number(2) != 0});
}

void read_indexes(Database& database, const std::string& table, TableFacts& facts) {
  Statement indexes(database,
                    "SELECT name, \"unique\" AND NOT partial,"
                    " (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(l.name,"
                    " 'main') ORDER BY seqno)) FROM pragma_index_list(?, 'main') AS l");
  for (auto rows = indexes(table.c_str()); rows.next();) {
    const auto name = text_of(rows, 0), columns = text_of(rows, 2);
    if (rows.number(1) != 0 && columns == "key") facts.key_index = true;
    if (name == owner_index(table) && columns == "owner,key") facts.owner_index = true;
    if (name == expiry_index(table) && columns == "expires_at") facts.expiry_index = true;
  }
}

TableFacts read_facts(Database& database, const std::string& table) {
  TableFacts facts;
  Statement itself(
      database,
      "SELECT l.type, l.wr, s.sql FROM pragma_table_list AS l"
      " JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view')"
      " WHERE l.schema = 'main' AND l.name = ? COLLATE NOCASE");
  {
    auto rows = itself(table.c_str());
    if (!rows.next()) return facts;
    facts.type = text_of(rows, 0);
    facts.has_rowid = rows.number(1) == 0;
    facts.sql = text_of(rows, 2);
  }
  read_columns(database, table, facts);
  read_indexes(database, table, facts);
  return facts;
}

/// Of a database that others use the journal mode is theirs to choose.
bool is_ours(Database& database) {
  return only_text(database,
                   "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view')"
                   " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                   " AND coalesce(sql, '') NOT LIKE '%" +
                       std::string(version_begin) + "%' LIMIT 1")
      .empty();
}

void need_wal(Database& database) {
  const auto mode = [&](const char* sql) { return only_text(database, sql); };
  if (mode("PRAGMA main.journal_mode") == "wal") return;
  if (!is_ours(database))
    fail(StoreError::Kind::refused,
         "the database is not in WAL mode, which sessions need, and has tables of others: give "
         "another path, or run: PRAGMA journal_mode = WAL");
  for (;;) {  // others may be doing the same: that is not always waited for
    try {
      if (mode("PRAGMA main.journal_mode = WAL") == "wal") return;
      break;
    } catch (const SqliteError& error) {
      if (error.verdict() != Verdict::later || !database.wait_for_lock()) throw;
    }
  }
  fail(StoreError::Kind::refused,
       "the file system of the database can't share memory between processes, which WAL mode "
       "needs: give a path on a local disk");
}

}  // namespace

std::string quoted(const std::string& name) { return '"' + name + '"'; }
std::string owner_index(const std::string& table) { return table + "_owner"; }
std::string expiry_index(const std::string& table) { return table + "_expires_at"; }

std::vector<std::string> making(const std::string& table) {
  return {making_table(table), making_owner_index(table), making_expiry_index(table)};
}

std::string complaint(const TableFacts& facts, const std::string& table) {
  const auto begin = "the table " + quoted(table) + " ";
  if (facts.type.empty())
    return begin + "is missing: start with init_table, or run: " + joined(making(table));
  const auto text = complaint_of(facts, table);
  return text.empty() ? text : begin + text;
}

std::vector<std::string> to_be_made(const TableFacts& facts, const std::string& table) {
  if (facts.type.empty()) return making(table);
  auto with_indexes = facts;
  with_indexes.owner_index = with_indexes.expiry_index = true;
  if (!complaint_of(with_indexes, table).empty()) return {};
  std::vector<std::string> statements;
  if (!facts.owner_index) statements.push_back(making_owner_index(table));
  if (!facts.expiry_index) statements.push_back(making_expiry_index(table));
  return statements;
}

void prepare_table(Database& database, const std::string& table, bool make) {
  need_wal(database);
  auto facts = read_facts(database, table);
  if (make && !to_be_made(facts, table).empty()) {
    Transaction transaction(database);
    // Another process may have made it meanwhile.
    for (const auto& statement : to_be_made(read_facts(database, table), table))
      database.execute(statement);
    transaction.commit();
    facts = read_facts(database, table);
  }
  if (const auto text = complaint(facts, table); !text.empty())
    fail(StoreError::Kind::refused, text);
}

}  // namespace flame::inline v0::session::sqlite
