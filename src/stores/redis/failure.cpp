#include "failure.hpp"

#include <algorithm>
#include <array>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::redis {
namespace {

struct Row {
  std::string_view begin;  // of the error
  Failure failure;
};

constexpr auto no_right =
    "redis store: this user lacks a right: ACL SETUSER it with ~<key_prefix>* +get +mget +set "
    "+getrange +setrange +unlink +eval +evalsha +zadd +zrem +zrange +zremrangebyscore +pexpire "
    "+pttl +time +ping +select +role +info +config|get +client|setname, and +scan to end or copy "
    "everyone's sessions";
constexpr auto no_cluster =
    "redis store: the server belongs to a cluster whose other nodes have some of the keys: name a "
    "server that has all of them";
constexpr auto no_command =
    "redis store: the server lacks a command: it must be Redis 6.2 or later, or Valkey, with no "
    "command renamed";

constexpr std::array rows{
    Row{"NOSCRIPT", {Meaning::no_script}},
    Row{"CROSSSLOT", {Meaning::one_slot}},
    Row{"MOVED", {Meaning::moved, no_cluster}},
    Row{"ASK", {Meaning::moved, no_cluster}},
    Row{"TRYAGAIN", {Meaning::later}},
    Row{"CLUSTERDOWN", {Meaning::later}},
    Row{"BUSY",
        {Meaning::away,
         "redis store: the server runs a script or function of somebody that does not end: SCRIPT "
         "KILL or FUNCTION KILL ends it"}},
    Row{"READONLY", {Meaning::away, "redis store: the server is a replica now"}},
    Row{"MASTERDOWN", {Meaning::away, "redis store: the server is a replica without its master"}},
    Row{"NOREPLICAS",
        {Meaning::full,
         "redis store: the server takes no writes while the replicas that min-replicas-to-write "
         "asks for are away: bring them back"}},
    Row{"LOADING", {Meaning::away, "redis store: the server is starting"}},
    Row{"NOAUTH",
        {Meaning::away, "redis store: the server asks for a password: set one, or a newer one"}},
    Row{"WRONGPASS",
        {Meaning::refused, "redis store: username or password is wrong, or the user is disabled"}},
    Row{"NOPERM", {Meaning::refused, no_right}},
    Row{"ERR The user executing the script can't", {Meaning::refused, no_right}},
    Row{"ERR ACL failure in script", {Meaning::refused, no_right}},
    Row{"OOM", {Meaning::full, "redis store: the server has used up its memory: raise maxmemory"}},
    Row{"MISCONF Errors writing to the AOF file: No space left on device",
        {Meaning::full, "redis store: the server's disk is full: free some space there"}},
    Row{"MISCONF",
        {Meaning::full,
         "redis store: the server takes no writes, for it cannot save to its disk: see its log"}},
    Row{"WRONGTYPE",
        {Meaning::foreign,
         "redis store: a key holds what no session store wrote: choose another key_prefix"}},
    Row{"DENIED",
        {Meaning::refused,
         "redis store: the server is in protected mode: set a password there, or bind it to "
         "loopback"}},
    Row{"ERR max number of clients",
        {Meaning::later, "redis store: the server has no connection left: raise its maxclients"}},
    Row{"ERR Protocol error", {Meaning::lost, "redis store: the server understood no command"}},
    Row{"ERR DB index",
        {Meaning::refused, "redis store: db is no database of the server: choose a smaller one"}},
    Row{"ERR invalid DB index",
        {Meaning::refused, "redis store: db is no database of the server: choose a smaller one"}},
    Row{"ERR SELECT is not allowed",
        {Meaning::refused, "redis store: a cluster has database 0 alone: leave db out"}},
    Row{"ERR AUTH",
        {Meaning::refused,
         "redis store: a password is given, but the server has none for this user: leave it out, "
         "or set it there"}},
    Row{"ERR unknown command", {Meaning::refused, no_command}},
    Row{"ERR Unknown Redis command", {Meaning::refused, no_command}},  // in a script
    Row{"ERR Unknown command called", {Meaning::refused, no_command}},
};

constexpr Failure otherwise{Meaning::refused,
                            "redis store: the server refused a command: see its log"};

/// Redis 6 wraps what went wrong in a script: "ERR Error running script (…): …: -CODE text".
std::string_view unwrapped(std::string_view error) noexcept {
  if (!error.starts_with("ERR Error running script")) return error;
  const auto at = error.rfind(": -");
  return at == error.npos ? error : error.substr(at + 3);
}

}  // namespace

Failure failure_of(std::string_view error) noexcept {
  const auto text = unwrapped(error);
  const auto* const row =
      std::ranges::find_if(rows, [&](const Row& each) { return text.starts_with(each.begin); });
  return row == rows.end() ? otherwise : row->failure;
}

void throw_failure(const Failure& failure) {
  const auto kind_of = [](Meaning meaning) {
    switch (meaning) {
      case Meaning::moved:
      case Meaning::foreign:
      case Meaning::refused:
        return StoreError::Kind::refused;
      case Meaning::full:
        return StoreError::Kind::full;
      case Meaning::lost:
        return StoreError::Kind::connection_lost;
      case Meaning::away:
        return StoreError::Kind::away;
      default:
        return StoreError::Kind::later;
    }
  };
  throw StoreError(kind_of(failure.meaning),
                   *failure.text ? failure.text : "redis store: the server cannot answer now");
}

void throw_strange_reply() {
  throw StoreError(StoreError::Kind::connection_lost,
                   "redis store: the server sent a reply that its command cannot have");
}

}  // namespace flame::inline v0::session::redis
