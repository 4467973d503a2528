#include "server_checks.hpp"

#include <array>

namespace flame::inline v0::session::redis {
namespace {

constexpr auto other_layout =
    "redis store: the keys with this key_prefix are of a later release: use that, or another "
    "key_prefix";

/// Of another process that starts at once one sets it: so what counts is what it is then. Where the
/// server takes no writes for now, the next start makes it.
void make_layout(Routing& routing, Commands& commands, const Call& call) {
  auto& to = routing.to_any();
  commands.set_layout(to);
  commands.ask_layout(to);
  std::array<Reply, 2> replies;
  routing.exchange(
      [&](std::size_t command, Reply& reply) { replies.at(command) = std::move(reply); },
      call.deadline);
  for (const auto& reply : replies) {
    if (reply.type != Reply::Type::error) continue;
    const auto failure = failure_of(reply.text);
    if (failure.meaning == Meaning::full) return;
    throw_failure(failure);
  }
  if (replies[1].text != layout) throw StoreError(StoreError::Kind::refused, other_layout);
}

void check_layout(const Reply& found, Routing& routing, Commands& commands, const Call& call) {
  if (found.type == Reply::Type::error) throw_failure(failure_of(found.text));
  if (found.type == Reply::Type::nil) return make_layout(routing, commands, call);
  if (found.text != layout) throw StoreError(StoreError::Kind::refused, other_layout);
}

ServerSettings settings_in(const Reply& memory, const Reply& persistence, const Reply& save) {
  ServerSettings out;
  out.maxmemory_policy = info_field(memory.text, "maxmemory_policy");
  if (const auto limit = info_field(memory.text, "maxmemory")) out.has_limit = *limit != "0";
  if (const auto aof = info_field(persistence.text, "aof_enabled")) out.appends = *aof == "1";
  if (save.type == Reply::Type::array && save.elements.size() == 2)
    out.saves = !save.elements[1].text.empty();
  return out;
}

}  // namespace

std::optional<std::string> info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const auto end = std::min(info.find('\n', at), info.size());
    auto line = info.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return std::string(line.substr(name.size() + 1));
    at = end + 1;
  }
  return std::nullopt;
}

std::vector<std::string> warnings(const ServerSettings& settings) {
  std::vector<std::string> out;
  if (!settings.maxmemory_policy || !settings.appends) {
    out.emplace_back(
        "redis store: the server does not tell this user its settings (INFO): see for yourself "
        "that maxmemory-policy is noeviction and appendonly yes");
    return out;
  }
  if (*settings.maxmemory_policy != "noeviction" && settings.has_limit.value_or(true))
    out.push_back("redis store: the server's maxmemory-policy is " + *settings.maxmemory_policy +
                  ": it drops sessions that live when its memory is used up: set noeviction");
  if (!*settings.appends && !settings.saves.value_or(false))
    out.emplace_back(std::string("redis store: the server's appendonly is no") +
                     (settings.saves ? ", and it saves no snapshots" : "") +
                     ": when it ends, sessions are lost: set appendonly yes");
  return out;
}

std::vector<std::string> check_server(Routing& routing, Commands& commands, const Call& call) {
  auto& to = routing.to_any();
  commands.ask_layout(to);
  to.add_command({"INFO", "memory"});
  to.add_command({"INFO", "persistence"});
  to.add_command({"CONFIG", "GET", "save"});
  std::array<Reply, 4> replies;
  routing.exchange(
      [&](std::size_t command, Reply& reply) { replies.at(command) = std::move(reply); },
      call.deadline);
  check_layout(replies[0], routing, commands, call);
  return warnings(settings_in(replies[1], replies[2], replies[3]));
}

}  // namespace flame::inline v0::session::redis
