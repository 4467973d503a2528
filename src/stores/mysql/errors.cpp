#include "errors.hpp"

#include <algorithm>
#include <iterator>

namespace flame::inline v0::session::mysql {
namespace {

struct Row {
  unsigned error;
  Verdict verdict;
  std::string_view text;
};

// Numbers, not names of macros: MySQL's and MariaDB's own are not all in the driver's headers.
constexpr Row rows[] = {
    {1020, Verdict::later, "a row changed since it was read"},
    {1021, Verdict::full, "the server's disk is full: free space on it"},
    {1030, Verdict::refused, "the storage engine failed: see the server's error log"},
    {1037, Verdict::refused, "the server is out of memory: see its error log"},
    {1038, Verdict::refused, "the server is out of sort memory: raise sort_buffer_size"},
    {1040, Verdict::lost, "the server has no connection left: raise max_connections"},
    {1041, Verdict::refused, "the server is out of memory: see its error log"},
    {1044, Verdict::refused,
     "the user may not use the database: grant it, or set another in the DSN"},
    {1045, Verdict::refused, "the server refuses the user or the password: set them in the DSN"},
    {1047, Verdict::away, "this node of the cluster is not ready"},
    {1049, Verdict::refused, "the database is not there: create it, or set another in the DSN"},
    {1053, Verdict::lost, "the server is going down"},
    {1054, Verdict::refused, "the table lacks a column: see the store's README for its schema"},
    {1114, Verdict::full, "the table is full: free space on the server's disk"},
    {1129, Verdict::refused, "the server blocks this host: type mysqladmin flush-hosts there"},
    {1130, Verdict::refused, "the server takes no connection from this host: grant it to the user"},
    {1153, Verdict::refused,
     "the record is larger than the server takes: raise max_allowed_packet"},
    {1158, Verdict::lost, "the server could not read from the connection"},
    {1159, Verdict::lost, "the server waited too long for the connection"},
    {1160, Verdict::lost, "the server could not write to the connection"},
    {1161, Verdict::lost, "the server waited too long for the connection"},
    {1180, Verdict::unknown, "the server failed while it committed"},
    {1203, Verdict::lost, "the user has no connection left: raise max_user_connections"},
    {1205, Verdict::later, "a lock was not to be had in time"},
    {1206, Verdict::later, "the server has no room for locks: raise innodb_buffer_pool_size"},
    {1213, Verdict::later, "a deadlock was broken"},
    {1226, Verdict::lost, "the user has used up what it may: raise its limits"},
    {1227, Verdict::refused,
     "the user lacks a right: GRANT it SELECT, INSERT, UPDATE and DELETE on the table"},
    {1243, Verdict::away, "the server lost a prepared statement: connect without a pooler"},
    {1290, Verdict::away, "this server is read-only now: set the DSN to one that is not"},
    {1317, Verdict::later, "the statement was interrupted"},
    {1370, Verdict::refused,
     "the user lacks a right: GRANT it SELECT, INSERT, UPDATE and DELETE on the table"},
    {1412, Verdict::later, "the table was changed meanwhile"},
    {1461, Verdict::refused,
     "the server has no prepared statement left: raise max_prepared_stmt_count"},
    {1615, Verdict::later, "the table was changed meanwhile"},
    {1637, Verdict::later, "the server has too many transactions under way"},
    {1665, Verdict::refused,
     "the server's binary log takes no READ COMMITTED: set binlog_format=ROW"},
    {1698, Verdict::refused, "the server refuses the user: it takes no password for it"},
    {1792, Verdict::away, "this server is read-only now: set the DSN to one that is not"},
    {1820, Verdict::refused, "the user's password has expired: set another"},
    {1836, Verdict::away, "this server is read-only now: set the DSN to one that is not"},
    {1862, Verdict::refused, "the user's password has expired: set another"},
    {1927, Verdict::lost, "the server ended the connection"},
    {1969, Verdict::later,
     "the statement took longer than the server allows: see max_statement_time"},
    {2005, Verdict::lost, "the server's host is not known"},
    {2006, Verdict::lost, "the server ended the connection"},
    {2013, Verdict::lost, "the server ended the connection"},
    {2020, Verdict::refused, "the record is larger than the driver takes"},
    {2026, Verdict::refused,
     "no TLS with a server that proves its name: check the DSN's host and ca, the server's "
     "certificate and its date, and whether it speaks TLS"},
    {2049, Verdict::refused,
     "the user's way to sign in is too old: give it another authentication plugin"},
    {2059, Verdict::refused,
     "the driver lacks the plugin for the user's way to sign in: install it"},
    {2061, Verdict::refused,
     "the user's way to sign in needs TLS: set tls=true, or another authentication plugin for it"},
    {3024, Verdict::later,
     "the statement took longer than the server allows: see max_execution_time"},
    {3100, Verdict::later, "the group of servers did not take the commit"},
    {3101, Verdict::later, "the group of servers did not take the commit"},
    {3118, Verdict::refused, "the user's account is locked: unlock it"},
    {3159, Verdict::refused, "the server takes only connections with TLS: set tls=true"},
    {3572, Verdict::later, "a lock was not to be had at once"},
    {3955, Verdict::refused, "the user's account is locked after wrong passwords: unlock it"},
    {4025, Verdict::refused, "the table has a constraint that is not the store's: drop it"},
    {4031, Verdict::lost, "the server closed a connection that was idle"},
    {4151, Verdict::refused, "the user's account is locked: unlock it"},
    {5010, Verdict::refused,
     "the server asked for the password in the clear: set tls=true, or another authentication "
     "plugin for the user"},
    {no_session_memory, Verdict::refused,
     "the session has all the memory that it may have: raise max_session_mem_used"},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::error));

const Row* find(unsigned error) noexcept {
  const auto* const at = std::ranges::lower_bound(rows, error, {}, &Row::error);
  return at != std::end(rows) && at->error == error ? at : nullptr;
}

bool is_drivers(unsigned error) noexcept {
  return (error >= 2000 && error < 3000) || (error >= 5000 && error < 6000);
}

std::string number_of(unsigned error) {
  return " (error " + std::to_string(error == no_session_memory ? 1290 : error) + ")";
}

}  // namespace

Verdict judge(unsigned error, Phase phase) noexcept {
  // Of a connection that had TLS it says no more than that reading or writing failed.
  if (error == 2026 && phase == Phase::connected) return Verdict::lost;
  if (const auto* row = find(error)) return row->verdict;
  // A statement that the server refused, it undid.
  return is_drivers(error) || error == 0 ? Verdict::lost : Verdict::refused;
}

std::string explain(unsigned error) {
  std::string text = "mysql: ";
  if (const auto* row = find(error))
    text += row->text;
  else
    text += is_drivers(error) || error == 0 ? "the connection failed"
                                            : "the server refused a statement";
  return text + number_of(error);
}

void DriverError::tell(const std::string& remedy) const {
  using Kind = StoreError::Kind;
  const auto text = remedy.empty() ? explain(error_) : remedy + number_of(error_);
  switch (verdict()) {
    case Verdict::refused:
      throw StoreError(Kind::refused, text);
    case Verdict::full:
      throw StoreError(Kind::full, text);
    case Verdict::later:
      throw StoreError(Kind::later, text);
    case Verdict::away:
      throw StoreError(Kind::away, text);
    case Verdict::unknown:
    case Verdict::lost:
      break;
  }
  throw StoreError(Kind::connection_lost, text);
}

}  // namespace flame::inline v0::session::mysql
