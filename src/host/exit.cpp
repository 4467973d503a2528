#include "exit.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "server.hpp"

namespace flame::inline v0::detail {
namespace {

struct Serving {
  std::mutex mutex{};
  std::vector<Server*> servers{};
  pid_t process = ::getpid();
};

/// Leaked on purpose: it is used until the process ends.
Serving& serving() {
  static auto& all = *new Serving;
  return all;
}

void end_all() {
  auto& all = serving();
  if (all.process != ::getpid()) return;  // a child of fork() has none of their threads
  const std::scoped_lock lock(all.mutex);
  for (auto* server : all.servers) server->stop_for_exit();
  for (auto* server : all.servers) server->wait_for_exit();
}

}  // namespace

std::unique_lock<std::mutex> end_at_exit(Server& server) {
  auto& all = serving();
  std::unique_lock lock(all.mutex);
  all.servers.push_back(&server);
  if (std::atexit(end_all) == 0) return lock;
  all.servers.pop_back();
  throw std::bad_alloc();
}

void end_no_more(Server& server) noexcept {
  auto& all = serving();
  const std::scoped_lock lock(all.mutex);
  std::erase(all.servers, &server);
}

}  // namespace flame::inline v0::detail
