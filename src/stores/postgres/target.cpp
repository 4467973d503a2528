#include "target.hpp"

#include <stdlib.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include <flame/session/resolve.hpp>
#include <flame/session/share_of.hpp>

namespace flame::inline v0::session::postgres {
namespace {

constexpr std::string_view watch = "-c client_connection_check_interval=2000 ";

/// By the DSN, or else by the environment.
std::string given(const Settings& settings, std::string_view keyword) {
  auto value = settings.find(keyword);
  return value.empty() ? Settings{.keywords = default_keywords()}.find(keyword) : value;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= list.size();) {
    const auto end = std::min(list.find(',', from), list.size());
    parts.push_back(list.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

bool is_name(const std::string& host) noexcept {
  return !host.empty() && host.front() != '/' && host.front() != '@';  // sockets
}

std::string nth(const std::vector<std::string>& list, std::size_t n) {
  return list.size() == 1 ? list.front() : n < list.size() ? list[n] : std::string();
}

}  // namespace

std::vector<Target> find_targets(const Settings& settings, Waiter& waiter, Deadline until) {
  if (!settings.find("service").empty()) return {Target{}};  // libpq alone knows what it says
  const auto hosts = split(given(settings, "host")), ports = split(given(settings, "port"));
  if (const auto addresses = split(given(settings, "hostaddr")); !addresses.front().empty()) {
    std::vector<Target> targets;
    for (std::size_t i = 0; i < addresses.size(); ++i)
      targets.push_back({nth(hosts, i), addresses[i], nth(ports, i)});
    return targets;
  }
  std::vector<Target> targets;
  std::optional<StoreError> unknown;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (!is_name(hosts[i])) {
      targets.push_back({hosts[i], {}, nth(ports, i)});
      continue;
    }
    try {
      for (auto& address : resolve(hosts[i], waiter, share_of(until, hosts.size() - i)))
        targets.push_back({hosts[i], std::move(address), nth(ports, i)});
    } catch (const StoreError& error) {
      waiter.check(until);
      unknown = error;
    }
  }
  if (targets.empty() && unknown) throw StoreError(*unknown);
  return targets;
}

Keywords keywords_for(const Settings& settings, const Target& target, std::string password,
                      bool watched) {
  // Of a keyword that is there twice libpq takes the last.
  Keywords all{{"keepalives_idle", "30"},
               {"keepalives_interval", "5"},
               {"keepalives_count", "3"},
               {"tcp_user_timeout", "15000"},
               {"fallback_application_name", settings.connections.application_name}};
  // Kerberos asks its servers for as long as it likes.
  if (!::getenv("PGGSSENCMODE")) all.emplace_back("gssencmode", "disable");
  const bool chosen = target != Target{};
  std::ranges::copy_if(settings.keywords, std::back_inserter(all), [&](const auto& each) {
    const auto& name = each.first;  // lists of all targets
    return !chosen || (name != "host" && name != "hostaddr" && name != "port");
  });
  // Of a service libpq alone knows what options it has.
  if (watched && settings.find("service").empty())
    all.emplace_back("options", std::string(watch).append(given(settings, "options")));
  all.emplace_back("target_session_attrs", "any");  // asked for once it is connected
  if (!target.host.empty()) all.emplace_back("host", target.host);
  if (!target.hostaddr.empty()) all.emplace_back("hostaddr", target.hostaddr);
  if (!target.port.empty()) all.emplace_back("port", target.port);
  if (!password.empty()) all.emplace_back("password", std::move(password));
  return all;
}

}  // namespace flame::inline v0::session::postgres
