#include "schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

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

bool has_version(std::string_view sql) noexcept { return sql.find(version_begin) != sql.npos; }

int version_in(std::string_view sql) noexcept {
  if (!has_version(sql)) return schema_version;  // of a table that was made by hand
  sql.remove_prefix(sql.find(version_begin) + version_begin.size());
  int version = schema_version;
  const auto [_, error] = std::from_chars(sql.data(), sql.data() + sql.size(), version);
  return error == std::errc::result_out_of_range ? std::numeric_limits<int>::max() : version;
}

/// Makes room for one that fits. What is not the library's is its owner's to move.
std::string put_aside(const TableFacts& facts, const std::string& table) {
  std::string text = "name another table";
  if (facts.type != "table" || !has_version(facts.sql)) return text;
  text += ", or run: ";
  for (const auto& [state, name] : {std::pair(facts.owner_index, owner_index(table)),
                                    std::pair(facts.expiry_index, expiry_index(table))}) {
    if (state == IndexName::ours || state == IndexName::unfit)
      text += "DROP INDEX " + quoted(name) + "; ";
  }
  return text + "ALTER TABLE " + quoted(table) + " RENAME TO " + quoted(table + "_old");
}

std::string complaint_of_name(const TableFacts& facts, const std::string& table) {
  for (const auto& [state, name] : {std::pair(facts.owner_index, owner_index(table)),
                                    std::pair(facts.expiry_index, expiry_index(table))}) {
    if (state == IndexName::strangers)
      return "needs an index " + quoted(name) +
             ", and something else has that name: name another "
             "table";
  }
  return {};
}

std::string complaint_of_index(IndexName state, const std::string& name, const std::string& making,
                               const std::string& what) {
  if (state == IndexName::ours) return {};
  return "has no index of " + what +
         ": run: " + (state == IndexName::unfit ? "DROP INDEX " + quoted(name) + "; " : "") +
         making;
}

std::string drop_trigger(const std::string& name) {
  std::string all = "DROP TRIGGER \"";
  for (const char c : name) all.append(c == '"' ? 2 : 1, c);
  return all + '"';
}

std::string complaint_of_columns(const TableFacts& facts, const std::string& table) {
  for (const auto& wanted : wanted_columns) {
    const auto at = std::ranges::find(facts.columns, wanted.name, &TableFacts::Column::name);
    if (at == facts.columns.end() || at->type != wanted.type)
      return "has no column " + std::string(wanted.name) + " of type " + std::string(wanted.type) +
             ": " + put_aside(facts, table);
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
    return "is no table with row IDs: " + put_aside(facts, table);
  if (version_in(facts.sql) > schema_version)
    return "is of a later release of flame-session: use that, or name another table";
  if (auto text = complaint_of_columns(facts, table); !text.empty()) return text;
  if (!facts.key_index) return "has no unique index of key: " + put_aside(facts, table);
  if (auto text = complaint_of_name(facts, table); !text.empty()) return text;
  if (auto text = complaint_of_index(facts.owner_index, owner_index(table),
                                     making_owner_index(table), "owners");
      !text.empty())
    return text;
  if (auto text = complaint_of_index(facts.expiry_index, expiry_index(table),
                                     making_expiry_index(table), "expires_at");
      !text.empty())
    return text;
  if (facts.ignoring_trigger.empty()) return {};
  return "has a trigger with RAISE(IGNORE), which keeps sessions from being saved or ended: run: " +
         drop_trigger(facts.ignoring_trigger);
}

std::string text_of(const Statement::Rows& rows, int column) {
  return std::string(rows.bytes(column));
}

std::string only_text(Database& database, std::string sql, const std::string& argument = {}) {
  Statement statement(database, std::move(sql));
  auto rows = argument.empty() ? statement() : statement(argument.c_str());
  return rows.next() ? text_of(rows, 0) : std::string();
}

/// As SQLite compares names.
bool same_name(const std::string& a, const std::string& b) noexcept {
  return sqlite3_stricmp(a.c_str(), b.c_str()) == 0;
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
    const auto read = [&](IndexName& state, const std::string& wanted, std::string_view of) {
      if (same_name(name, wanted)) state = columns == of ? IndexName::ours : IndexName::unfit;
    };
    read(facts.owner_index, owner_index(table), "owner,key");
    read(facts.expiry_index, expiry_index(table), "expires_at");
  }
}

bool is_taken(Database& database, const std::string& name) {
  return !only_text(database, "SELECT name FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE",
                    name)
              .empty();
}

void read_names(Database& database, const std::string& table, TableFacts& facts) {
  const auto read = [&](IndexName& state, const std::string& name) {
    if (state == IndexName::free && is_taken(database, name)) state = IndexName::strangers;
  };
  read(facts.owner_index, owner_index(table));
  read(facts.expiry_index, expiry_index(table));
}

/// Whatever blanks are between.
std::string ignoring_trigger(Database& database, const std::string& table) {
  return only_text(database,
                   "SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND"
                   " tbl_name = ? COLLATE NOCASE AND replace(replace(replace(replace(sql, ' ', ''),"
                   " char(9), ''), char(10), ''), char(13), '') LIKE '%raise(ignore)%'",
                   table);
}

/// What several statements read is of one moment: another process may be making the table.
class OneMoment {
 public:
  explicit OneMoment(Database& database) : database_(database) {
    database_.execute("SAVEPOINT one_moment");
  }
  ~OneMoment() {
    sqlite3_exec(database_.handle(), "RELEASE one_moment", nullptr, nullptr, nullptr);
  }
  OneMoment(const OneMoment&) = delete;
  OneMoment& operator=(const OneMoment&) = delete;

 private:
  Database& database_;
};

TableFacts read_facts(Database& database, const std::string& table) {
  const OneMoment at_once(database);
  TableFacts facts;
  Statement itself(
      database,
      "SELECT l.type, l.wr, s.sql FROM pragma_table_list AS l"
      " JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view')"
      " WHERE l.schema = 'main' AND l.name = ? COLLATE NOCASE");
  {
    auto rows = itself(table.c_str());
    if (!rows.next()) {
      read_names(database, table, facts);
      return facts;
    }
    facts.type = text_of(rows, 0);
    facts.has_rowid = rows.number(1) == 0;
    facts.sql = text_of(rows, 2);
  }
  read_columns(database, table, facts);
  read_indexes(database, table, facts);
  read_names(database, table, facts);
  facts.ignoring_trigger = ignoring_trigger(database, table);
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
  if (facts.type.empty() && !complaint_of_name(facts, table).empty())
    return begin + complaint_of_name(facts, table);
  if (facts.type.empty())
    return begin + "is missing: start with init_table, or run: " + joined(making(table));
  const auto text = complaint_of(facts, table);
  return text.empty() ? text : begin + text;
}

std::vector<std::string> to_be_made(const TableFacts& facts, const std::string& table) {
  if (!complaint_of_name(facts, table).empty()) return {};
  if (facts.type.empty()) return making(table);
  auto with_indexes = facts;
  with_indexes.owner_index = with_indexes.expiry_index = IndexName::ours;
  if (!complaint_of(with_indexes, table).empty()) return {};
  std::vector<std::string> statements;
  if (facts.owner_index == IndexName::free) statements.push_back(making_owner_index(table));
  if (facts.expiry_index == IndexName::free) statements.push_back(making_expiry_index(table));
  return statements;
}

void refuse_triggers(Database& database, const std::string& table) {
  const auto name = ignoring_trigger(database, table);
  fail(StoreError::Kind::refused, "a trigger of the table " + quoted(table) +
                                      " keeps a session from being saved or ended: " +
                                      (name.empty() ? "drop it" : "run: " + drop_trigger(name)));
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
