#include "statements.hpp"

#include <cstdint>

namespace flame::inline v0::session::postgres {
namespace {

/// `?` stands for the table.
std::string text_of(Ask ask) {
  switch (ask) {
    case Ask::load:
      // Key by key, whatever the planner thinks of the table's size: it plans for one row of each.
      return "SELECT s.* FROM unnest($1::bytea[]) AS k(key), LATERAL (SELECT t.key, t.token, "
             "t.owner, t.created_at, t.last_seen, t.expires_at, t.blob FROM ? t WHERE t.key = "
             "k.key "
             "LIMIT 1) s";
    case Ask::create:
      return "INSERT INTO ? AS t (key, token, owner, created_at, last_seen, expires_at, blob) "
             "VALUES ($1::bytea, $2::bigint, $3::bytea, $4::bigint, $5::bigint, $6::bigint, "
             "$7::bytea) ON CONFLICT (key) DO UPDATE SET token = EXCLUDED.token, owner = "
             "EXCLUDED.owner, created_at = EXCLUDED.created_at, last_seen = EXCLUDED.last_seen, "
             "expires_at = EXCLUDED.expires_at, blob = EXCLUDED.blob WHERE t.expires_at <= "
             "$8::bigint";
    case Ask::replace:
      return "UPDATE ? SET token = $2::bigint, owner = $3::bytea, created_at = $4::bigint, "
             "last_seen = CASE WHEN last_seen > $8::bigint THEN $5::bigint ELSE "
             "greatest(last_seen, $5::bigint) END, expires_at = CASE WHEN last_seen > $8::bigint "
             "THEN $6::bigint ELSE greatest(expires_at, $6::bigint) END, blob = $7::bytea WHERE "
             "key = $1::bytea AND token = $9::bigint AND expires_at > $8::bigint";
    case Ask::touch:
      return "UPDATE ? SET last_seen = CASE WHEN last_seen > $4::bigint THEN $2::bigint ELSE "
             "greatest(last_seen, $2::bigint) END, expires_at = CASE WHEN last_seen > $4::bigint "
             "THEN $3::bigint ELSE greatest(expires_at, $3::bigint) END WHERE key = $1::bytea AND "
             "expires_at > $4::bigint";
    case Ask::erase:
      // A row that was there, and was not deleted, another one has deleted, or a trigger kept.
      return "WITH gone AS (DELETE FROM ? WHERE key = $1::bytea RETURNING key) SELECT EXISTS "
             "(SELECT FROM gone) OR NOT EXISTS (SELECT FROM ? WHERE key = $1::bytea)";
    case Ask::relax:
      return "SELECT set_config('synchronous_commit', 'off', true)";
    case Ask::list:
      return "SELECT key, token, created_at, last_seen, expires_at FROM ? WHERE owner = $1::bytea "
             "AND owner <> ''::bytea AND key > $2::bytea AND expires_at > $3::bigint ORDER BY key "
             "LIMIT $4::bigint";
    case Ask::scan:
      return "SELECT key FROM ? WHERE key > $1::bytea ORDER BY key LIMIT $2::bigint";
    case Ask::blocks:
      return "SELECT pg_relation_size('?'::regclass) / current_setting('block_size')::bigint";
    case Ask::sweep:
      // The end asks for the time again: what was locked may have been touched before.
      return "WITH gone AS (DELETE FROM ? WHERE ctid = ANY (ARRAY (SELECT ctid FROM ? WHERE ctid "
             ">= $1::tid AND ctid < $2::tid AND expires_at <= $3::bigint LIMIT $4::bigint FOR "
             "UPDATE SKIP LOCKED)) AND expires_at <= $3::bigint RETURNING ctid) SELECT count(*), "
             "max(ctid) FROM gone";
    case Ask::time:
      return "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    case Ask::takes_writes:
      return "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'";
    case Ask::meddler:
      // Bits of tgtype: of each row 1, before 2, of an insert, delete or update 28.
      return "SELECT coalesce((SELECT format('has a rule, which may keep sessions from being saved "
             "or ended: run: DROP RULE %I ON ?', rulename) FROM pg_catalog.pg_rewrite WHERE "
             "ev_class = '?'::regclass AND rulename <> '_RETURN' AND ev_enabled IN ('O', 'A') "
             "ORDER BY rulename LIMIT 1), (SELECT format('has a trigger before each row, which may "
             "keep sessions from being saved or ended: make it one after, or run: DROP TRIGGER %I "
             "ON ?', tgname) FROM pg_catalog.pg_trigger WHERE tgrelid = '?'::regclass AND NOT "
             "tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 3 = 3 AND tgtype & 28 <> 0 "
             "ORDER BY tgname LIMIT 1), '')";
  }
  return {};
}

Statement statement(Ask ask, const std::string& table) {
  Statement made;
  for (const char c : text_of(ask)) {
    if (c == '?')
      made.text += table;
    else
      made.text += c;
  }
  made.name = "flame_" + hash_of(made.text);
  return made;
}

}  // namespace

Statements::Statements(const TableName& table) : table_(quoted(table)) {
  for (std::size_t i = 0; i < number_of_asks; ++i) all_[i] = statement(static_cast<Ask>(i), table_);
}

/// FNV-1a.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash >> shift & 15];
  return digits;
}

std::string quoted(const TableName& table) {
  const auto name = '"' + table.table + '"';
  return table.schema.empty() ? name : '"' + table.schema + "\"." + name;
}

}  // namespace flame::inline v0::session::postgres
