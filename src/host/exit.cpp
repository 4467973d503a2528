#include "exit.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
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
  const pid_t process = ::getpid();
};

/// Leaked on purpose: it is used until the process ends. A child of fork() has none of the threads
/// of those before, one of which may hold their lock: it begins anew.
Serving& serving() {
  static std::atomic<Serving*> latest{nullptr};
  auto* all = latest.load();
  if (all != nullptr && all->process == ::getpid()) return *all;
  auto* const made = new Serving;
  if (latest.compare_exchange_strong(all, made)) return *made;
  delete made;  // another thread came first
  return *all;
}

void end_all() {
  auto& all = serving();
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
