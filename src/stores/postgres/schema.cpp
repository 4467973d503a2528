#include "schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace flame::inline v0::session::postgres {
namespace {

constexpr std::string_view comment_begin = "flame-session, schema ";

struct Wanted {
  std::string_view name, type, rest;
};
/// In the order of the table: numbers first need no padding.
constexpr std::array<Wanted, 7> wanted_columns{{{"token", "bigint", "NOT NULL"},
                                                {"created_at", "bigint", "NOT NULL"},
                                                {"last_seen", "bigint", "NOT NULL"},
                                                {"expires_at", "bigint", "NOT NULL"},
                                                {"key", "bytea", "PRIMARY KEY"},
                                                {"owner", "bytea", "NOT NULL DEFAULT ''"},
                                                {"blob", "bytea", "NOT NULL"}}};

std::string owners_of(const TableName& table) {
  return " ON " + quoted(table) + " (owner, key) WHERE owner <> ''";
}

/// Others may have the name: tables whose names begin alike, too.
std::string index_of_owners(const TableName& table, bool other_name = false) {
  const auto name = other_name ? table.table.substr(0, 40) + '_' + hash_of(table.table)
                               : table.table.substr(0, 57);
  return "CREATE INDEX IF NOT EXISTS \"" + name + "_owner\"" + owners_of(table);
}

std::string run(const std::string& statement) { return ": run: " + statement; }

/// The server finds a name for it: another relation may have ours.
std::string complaint_of_owner_index(const TableFacts& facts, const TableName& table) {
  const auto& invalid = facts.invalid_owner_index;
  const auto create = "CREATE INDEX" + owners_of(table);
  if (invalid.empty()) return "has no index for owners" + run(create);
  return "has an invalid index for owners" + run("DROP INDEX " + invalid + "; " + create);
}

std::string columns() {
  std::string all;
  for (const auto& [name, type, rest] : wanted_columns)
    all.append(all.empty() ? "" : ", ")
        .append(name)
        .append(" ")
        .append(type)
        .append(" ")
        .append(rest);
  return all;
}

/// As text of SQL.
std::string identifier(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

int version_in(std::string_view comment) noexcept {
  int version = schema_version;  // a comment of somebody else's says nothing
  if (comment.starts_with(comment_begin)) {
    comment.remove_prefix(comment_begin.size());
    const auto [_, error] =
        std::from_chars(comment.data(), comment.data() + comment.size(), version);
    if (error == std::errc::result_out_of_range) return std::numeric_limits<int>::max();
  }
  return version;
}

std::string complaint_of_column(const TableFacts& facts, const Wanted& wanted,
                                const TableName& table) {
  const auto at = std::ranges::find(facts.columns, wanted.name, &Column::name);
  const std::string name(wanted.name);
  if (at == facts.columns.end()) {
    const std::string other =
        wanted.type == "bytea" ? " NOT NULL DEFAULT ''" : " NOT NULL DEFAULT 0";
    return "has no column " + name +
           run("ALTER TABLE " + quoted(table) + " ADD COLUMN " + name + " " +
               std::string(wanted.type) + other);
  }
  if (at->type == wanted.type) return {};
  return "has a column " + name + " of another type than " + std::string(wanted.type) +
         ": name another table, or make place for a new one" +
         run("ALTER TABLE " + quoted(table) + " RENAME TO \"" + table.table.substr(0, 59) +
             "_old\"");
}

std::string complaint_of_stranger(const TableFacts& facts, const TableName& table) {
  for (const auto& column : facts.columns) {
    if (!column.not_null || column.has_default ||
        std::ranges::find(wanted_columns, column.name, &Wanted::name) != wanted_columns.end())
      continue;
    return "has a column that must be given and is not the library's" +
           run("ALTER TABLE " + quoted(table) + " ALTER COLUMN " + identifier(column.name) +
               " DROP NOT NULL");
  }
  return {};
}

/// None of a release of ours, and no table made by hand that lacks a column.
bool is_strange(const TableFacts& facts) {
  return std::ranges::count_if(wanted_columns, [&](const Wanted& wanted) {
           return std::ranges::find(facts.columns, wanted.name, &Column::name) ==
                  facts.columns.end();
         }) > 1;
}

std::string complaint_of_columns(const TableFacts& facts, const TableName& table) {
  if (is_strange(facts)) return "is not one of flame-session's: name another one";
  for (const auto& wanted : wanted_columns) {
    auto text = complaint_of_column(facts, wanted, table);
    if (!text.empty()) return text;
  }
  return complaint_of_stranger(facts, table);
}

std::string complaint_of_rights(const TableFacts& facts, const TableName& table,
                                const std::string& user) {
  if (!facts.usage)
    return "lies in a schema that this user may not use" +
           run("GRANT USAGE ON SCHEMA \"" + table.schema + "\" TO " + identifier(user));
  if (!facts.rights)
    return "gives this user too few rights" + run("GRANT SELECT, INSERT, UPDATE, DELETE ON " +
                                                  quoted(table) + " TO " + identifier(user));
  return {};
}

std::string complaint_of(const TableFacts& facts, const TableName& table, const std::string& user) {
  if (facts.kind != 'r') return "is no plain table: name another one";
  if (version_in(facts.comment) > schema_version)
    return "is of a later release of flame-session: use that, or name another table";
  if (auto text = complaint_of_rights(facts, table, user); !text.empty()) return text;
  if (auto text = complaint_of_columns(facts, table); !text.empty()) return text;
  if (!facts.key_index)
    return "has no unique index on key" + run("CREATE UNIQUE INDEX ON " + quoted(table) + " (key)");
  if (!facts.owner_index) return complaint_of_owner_index(facts, table);
  if (facts.rows_hidden)
    return "has row security, which hides sessions from this user" +
           run("ALTER TABLE " + quoted(table) + " DISABLE ROW LEVEL SECURITY");
  return {};
}

}  // namespace

std::vector<std::string> making(const TableName& table) {
  return {
      "CREATE TABLE IF NOT EXISTS " + quoted(table) + " (" + columns() + ") WITH (fillfactor = 80)",
      index_of_owners(table),
      "COMMENT ON TABLE " + quoted(table) + " IS '" + std::string(comment_begin) +
          std::to_string(schema_version) + "'"};
}

std::string complaint(const std::optional<TableFacts>& facts, const TableName& table,
                      const std::string& user) {
  const auto begin = "postgres store: the table " + quoted(table) + " ";
  if (facts) {
    const auto text = complaint_of(*facts, table, user);
    return text.empty() ? text : begin + text;
  }
  std::string all;
  for (const auto& statement : making(table)) all += statement + "; ";
  all.pop_back();
  return begin + "is missing: start with init_table, or run: " + all;
}

std::vector<std::string> to_be_made(const std::optional<TableFacts>& facts, const TableName& table,
                                    const std::string& user, bool other_name) {
  if (!facts) return making(table);
  auto with_index = *facts;
  with_index.owner_index = true;
  if (facts->owner_index || !complaint_of(with_index, table, user).empty()) return {};
  return {index_of_owners(table, other_name)};
}

std::vector<std::string> warnings(const TableFacts& table, const ServerFacts& server) {
  std::vector<std::string> all;
  const auto warn = [&](bool holds, const char* text) {
    if (holds) all.push_back(std::string("postgres store: ") + text);
  };
  warn(server.fsync == "off", "fsync is off: a power cut may destroy all sessions: set it to on");
  warn(server.full_page_writes == "off",
       "full_page_writes is off: a power cut may destroy sessions: set it to on");
  warn(server.synchronous_commit == "off",
       "synchronous_commit is off: a crash of the server may lose saves and bring ended sessions "
       "back: set it to on, for this user or database");
  warn(server.synchronous_commit == "local" && !server.synchronous_standby_names.empty(),
       "synchronous_commit is local: a failover to a standby may lose saves and bring ended "
       "sessions back: set it to on, for this user or database");
  warn(table.persistence == 'u',
       "the table is UNLOGGED: a crash of the server empties it: ALTER TABLE … SET LOGGED");
  warn(table.moving_index,
       "an index on token, last_seen, expires_at or blob makes each save cost more and the table "
       "grow: drop it");
  warn(server.version > 0 && server.version < 140000,
       "a server before PostgreSQL 14 reads the whole table for each step of a sweep: upgrade it");
  warn(server.hides_plaintext,
       "the connection goes over a network without TLS: set sslmode=verify-full, or "
       "sslmode=disable where that is meant");
  return all;
}

}  // namespace flame::inline v0::session::postgres
