#include "schema.hpp"

namespace flame::inline v0::session::postgres {
namespace {

/// Two processes that make it at once would fail one another. Of no other use of these locks.
constexpr std::int64_t making_lock = 0x666c616d65736573;

const std::string of_table =
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1::text AND "
    "CASE WHEN $2::text = '' THEN "
    "pg_table_is_visible(c.oid) ELSE n.nspname = $2::text END";

/// One that list() can be read from, if it is valid. How a condition is written depends on the
/// session's settings, as names of types do.
const std::string of_owner_index =
    " FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam "
    "JOIN pg_attribute o ON o.attrelid = c.oid AND o.attname = 'owner' JOIN pg_attribute k ON "
    "k.attrelid = c.oid AND k.attname = 'key' WHERE i.indrelid = c.oid AND m.amname = 'btree' AND "
    "i.indnkeyatts >= 2 AND i.indkey[0] = o.attnum AND i.indkey[1] = k.attnum AND "
    "coalesce(translate(pg_get_expr(i.indpred, c.oid), chr(92) || '\"', ''), '') IN ('', "
    "'(owner <> ''''::bytea)', '(owner <> ''x''::bytea)')";

const std::string table_query =
    "SELECT c.relkind::text, c.relpersistence::text, coalesce(obj_description(c.oid, 'pg_class'), "
    "''), has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT') AND "
    "has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND "
    "has_table_privilege(c.oid, 'DELETE'), row_security_active(c.oid), "
    "EXISTS (SELECT FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = "
    "'key' WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND "
    "i.indimmediate AND i.indnkeyatts = 1 AND i.indkey[0] = k.attnum), EXISTS (SELECT" +
    of_owner_index + " AND i.indisvalid), coalesce((SELECT format('%I.%I', n.nspname, x.relname)" +
    of_owner_index +
    " AND NOT i.indisvalid LIMIT 1), ''), "
    "EXISTS (SELECT FROM pg_index i JOIN pg_attribute m ON m.attrelid = c.oid AND m.attnum = ANY "
    "(i.indkey::int2[]) WHERE i.indrelid = c.oid AND m.attname IN ('token', 'last_seen', "
    "'expires_at', 'blob'))" +
    of_table;

const std::string column_query =
    "SELECT a.attname::text, CASE a.atttypid WHEN 'pg_catalog.int8'::regtype THEN "
    "'bigint' WHEN 'pg_catalog.bytea'::regtype THEN 'bytea' ELSE '' END, a.attnotnull, a.atthasdef "
    "OR "
    "a.attidentity <> ''" +
    of_table.substr(0, of_table.find(" WHERE")) +
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped" +
    of_table.substr(of_table.find(" WHERE"));

const std::string server_query =
    "SELECT current_user::text, current_setting('fsync'), current_setting('full_page_writes'), "
    "current_setting('synchronous_commit'), current_setting('synchronous_standby_names')";

struct Facts {
  std::optional<TableFacts> table{};
  ServerFacts server{};
};

TableFacts read_table(const Result& row) {
  const auto letter = [&](int column) {
    const auto text = row.bytes(0, column);
    return text.empty() ? ' ' : text.front();
  };
  return {.kind = letter(0),
          .persistence = letter(1),
          .comment = std::string(row.bytes(0, 2)),
          .usage = row.flag(0, 3),
          .rights = row.flag(0, 4),
          .rows_hidden = row.flag(0, 5),
          .key_index = row.flag(0, 6),
          .owner_index = row.flag(0, 7),
          .invalid_owner_index = std::string(row.bytes(0, 8)),
          .moving_index = row.flag(0, 9)};
}

void read(const Result& result, int which, Facts& facts) {
  if (which == 0 && result.rows() > 0) facts.table = read_table(result);
  for (int row = 0; which == 1 && facts.table && row < result.rows(); ++row)
    facts.table->columns.push_back({std::string(result.bytes(row, 0)),
                                    std::string(result.bytes(row, 1)), result.flag(row, 2),
                                    result.flag(row, 3)});
  if (which != 2 || result.rows() == 0) return;
  facts.server.user = result.bytes(0, 0);
  facts.server.fsync = result.bytes(0, 1);
  facts.server.full_page_writes = result.bytes(0, 2);
  facts.server.synchronous_commit = result.bytes(0, 3);
  facts.server.synchronous_standby_names = result.bytes(0, 4);
}

bool is_near(std::string_view address) noexcept {  // empty: a socket
  return address.empty() || address.starts_with("127.") || address == "::1";
}

Facts look(Link& link, const Settings& settings, Deadline until) {
  Facts facts;
  Parameters name;
  name << settings.table.table << settings.table.schema;
  link.start();
  link.ask(table_query, name);
  link.ask(column_query, name);
  link.ask(server_query, {});
  link.end_group();
  link.send(until);
  for (int which = 0; const auto result = link.next(until); ++which) read(result, which, facts);
  const auto end = link.group_end();
  link.finish();
  if (end.failure) throw error_of(*end.failure, end.sqlstate);
  facts.server.version = PQserverVersion(link.get());
  const char* const address = PQhostaddr(link.get());
  facts.server.hides_plaintext = !PQsslInUse(link.get()) && !is_near(address ? address : "") &&
                                 settings.find("sslmode").empty();
  return facts;
}

void make(Link& link, const TableName& table, const std::vector<std::string>& statements,
          Deadline until) {
  Parameters lock;
  lock << making_lock;
  link.start();
  link.ask("SELECT pg_advisory_xact_lock($1::bigint)", lock);
  for (const auto& statement : statements) link.ask(statement, {});
  link.end_group();
  link.send(until);
  while (link.next(until)) {
  }
  const auto end = link.group_end();
  link.finish();
  if (end.failure && end.sqlstate == "42710")
    throw StoreError(StoreError::Kind::refused,
                     "postgres store: the table " + quoted(table) +
                         " cannot be made, for a type has its name: name another table");
  if (end.failure) throw error_of(*end.failure, end.sqlstate);
}

}  // namespace

std::optional<StoreError> meddler(Link& link, Deadline until) {
  const auto result = link.only(Ask::meddler, {}, until);
  const auto text = result.bytes(0, 0);
  if (text.empty()) return std::nullopt;
  return StoreError(StoreError::Kind::refused,
                    "postgres store: the table " + link.table() + " " + std::string(text));
}

std::vector<std::string> prepare_table(Link& link, const Settings& settings, Deadline until) {
  auto facts = look(link, settings, until);
  for (const bool other_name : {false, true}) {
    if (!settings.init_table) break;
    const auto statements = to_be_made(facts.table, settings.table, facts.server.user, other_name);
    if (statements.empty()) break;
    make(link, settings.table, statements, until);
    facts = look(link, settings, until);
  }
  // Here the next release migrates a table of this one's version, under the same lock.
  if (auto text = complaint(facts.table, settings.table, facts.server.user); !text.empty())
    throw StoreError(StoreError::Kind::refused, text);
  if (const auto found = meddler(link, until)) throw StoreError(*found);
  auto told = warnings(*facts.table, facts.server);
  if (!settings.find("connect_timeout").empty())
    told.push_back(
        "postgres store: connect_timeout in the dsn has no use, for the store's deadline ends a "
        "connect: leave it out");
  return told;
}

}  // namespace flame::inline v0::session::postgres
