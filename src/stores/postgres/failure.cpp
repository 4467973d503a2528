#include "failure.hpp"

#include <algorithm>
#include <array>

#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session::postgres {
namespace {

using Kind = StoreError::Kind;

struct Row {
  std::string_view code;  // an SQLSTATE, or the class that it begins with
  Verdict verdict;
};

constexpr std::string_view look_in_log = "the server refused a statement: its log says why";
constexpr std::string_view not_fitting =
    "the table does not fit: start again, and do what that says";

/// The first row that a code begins with counts.
constexpr std::array rows{
    Row{"0A000", {Meaning::away, "a statement no longer fits the table, which was changed"}},
    Row{"08", {Meaning::lost, "the connection broke, or a pooler has none for us"}},
    Row{"25006", {Meaning::away, "the server takes no writes: it is a standby, or read-only"}},
    Row{"25P0", {Meaning::lost, "the server ended a session that did nothing"}},
    Row{"26000", {Meaning::statement_lost, "the pooler loses prepared statements"}},
    Row{"28P01",
        {Meaning::refused,
         "the password is wrong: mend the dsn, PGPASSWORD, PGPASSFILE or "
         "connections.password"}},
    Row{"28",
        {Meaning::refused,
         "the server does not let this user in from here: check the user, "
         "sslmode, and the server's pg_hba.conf"}},
    Row{"3D000",
        {Meaning::refused,
         "the database does not exist: create it, or name another one in the dsn or PGDATABASE"}},
    Row{"3F000",
        {Meaning::refused, "the schema of the table does not exist: create it, or name another"}},
    Row{"40003", {Meaning::unknown, "the server does not know whether it committed"}},
    Row{"40", {Meaning::later, "the server broke a deadlock, or a conflict of transactions"}},
    Row{"42501",
        {Meaning::refused,
         "this user lacks a right: it needs SELECT, INSERT, UPDATE and DELETE on "
         "the table and USAGE of its schema; and CREATE there to make it"}},
    Row{"42P01",
        {Meaning::refused, "the table is missing: restore it, or start again with init_table"}},
    Row{"42P05", {Meaning::statement_lost, "the pooler mixes prepared statements"}},
    Row{"42", {Meaning::refused, not_fitting}},
    Row{"53100", {Meaning::full, "the server's disk is full: free some space"}},
    Row{"53200", {Meaning::later, "the server is out of memory"}},
    Row{"53300",
        {Meaning::lost,
         "no connection is left, of the server's, the database's or this user's: lower readers and "
         "writers, or raise max_connections, or the CONNECTION LIMIT of database or user, "
         "whichever it is"}},
    Row{"55006", {Meaning::later, "the table is in use"}},
    Row{"55P03", {Meaning::later, "a lock could not be had"}},
    Row{"57014",
        {Meaning::later,
         "the server cancelled a statement: its statement_timeout is too short, or "
         "somebody did"}},
    Row{"57P03", {Meaning::away, "the server is starting, stopping or recovering"}},
    Row{"57P", {Meaning::lost, "the server ended the connection"}},
    Row{"XX001", {Meaning::damaged, "a row is damaged: check the server's disk"}},
    Row{"XX002", {Meaning::damaged, "an index is damaged: REINDEX the table"}},
};

/// The SQLSTATE that a message at PQERRORS_SQLSTATE ends with.
std::string_view code_at_end(std::string_view message) noexcept {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' '))
    message.remove_suffix(1);
  if (message.size() < 6 || message[message.size() - 6] != ' ') return {};
  const auto code = message.substr(message.size() - 5);
  const bool is_code = std::ranges::all_of(
      code, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  return is_code ? code : std::string_view();
}

/// A broken handshake is no reason to refuse a start; whatever else is wrong with TLS is.
bool is_about_tls(std::string_view message) noexcept {
  // Before that stands where it connected to, which may be called anything.
  constexpr std::string_view failed = " failed: ";
  if (const auto at = message.rfind(failed); at != message.npos)
    message.remove_prefix(at + failed.size());
  const auto has = [&](std::string_view word) { return message.find(word) != message.npos; };
  return (has("SSL") && !has("SYSCALL")) || has("certificate");
}

Kind kind_of(Meaning meaning) noexcept {
  switch (meaning) {
    case Meaning::later:
    case Meaning::statement_lost:
      return Kind::later;
    case Meaning::away:
      return Kind::away;
    case Meaning::refused:
    case Meaning::damaged:
      return Kind::refused;
    case Meaning::full:
      return Kind::full;
    case Meaning::lost:
    case Meaning::unknown:
      break;
  }
  return Kind::connection_lost;
}

StoreError error(Kind kind, std::string_view text) {
  return {kind, std::string("postgres store: ").append(text)};
}

}  // namespace

Verdict judge(std::string_view sqlstate, bool fatal) noexcept {
  const auto* const row =
      std::ranges::find_if(rows, [&](const Row& each) { return sqlstate.starts_with(each.code); });
  Verdict verdict{Meaning::refused, look_in_log};
  if (row != rows.end())
    verdict = row->verdict;
  else if (sqlstate.empty())
    verdict = {Meaning::lost, "the connection broke"};
  // An end in the middle may come after the commit.
  if (fatal) verdict.meaning = Meaning::lost;
  return verdict;
}

StoreError connect_error(const ConnectFailure& failure) {
  if (const auto code = code_at_end(failure.message); !code.empty())
    return error_of(judge(code, false), code);
  if (failure.needs_password)
    return error(
        Kind::refused,
        "the server asks for a password, and there is none: set it in the dsn, PGPASSWORD, "
        "PGPASSFILE or connections.password");
  const auto says = [&](std::string_view words) {
    return failure.message.find(words) != failure.message.npos;
  };
  if (says("response to SSL negotiation") || says("expected authentication request"))
    return {Kind::connection_lost, no_answer(failure.address, "PostgreSQL", false)};
  if (is_about_tls(failure.message) && !failure.wants_tls)
    return error(Kind::refused,
                 "TLS with the server failed, which it offers and nobody asked for: set "
                 "sslmode=verify-full and sslrootcert for it, or sslmode=disable to go without");
  if (is_about_tls(failure.message))
    return error(Kind::refused,
                 "TLS with the server failed: it must offer TLS, with a certificate of the host "
                 "name in the dsn that is signed by one in sslrootcert, and in date");
  if (failure.message.starts_with("invalid "))
    return error(Kind::refused,
                 "libpq does not take a value in the dsn, or in a PG… environment variable: check "
                 "port, sslmode and the like");
  return {Kind::connection_lost, unreachable(failure.address, connect_error_in(failure.message))};
}

bool may_be_for_options(std::string_view message) noexcept {
  constexpr std::array<std::string_view, 4> codes{"08P01", "0A000", "22023", "42704"};
  return std::ranges::find(codes, code_at_end(message)) != codes.end();
}

bool says_unconfirmed(std::string_view sqlstate, std::string_view source_file) noexcept {
  // A warning of a trigger has this code too, and another source.
  return source_file.empty() ? sqlstate == "01000" : source_file.ends_with("syncrep.c");
}

StoreError error_of(const Verdict& verdict, std::string_view sqlstate, std::string_view table) {
  std::string text = "postgres store: ";
  if (!table.empty() && sqlstate.starts_with("42")) text.append(table).append(": ");
  text.append(verdict.text);
  if (!sqlstate.empty()) text.append(" (SQLSTATE ").append(sqlstate).append(")");
  return {kind_of(verdict.meaning), text};
}

void lose(std::string_view text) { throw error(Kind::connection_lost, text); }

}  // namespace flame::inline v0::session::postgres
