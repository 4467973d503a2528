#include "exit.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "server.hpp"

namespace flame::inline v0::detail {
namespace {

/// Threads: each may have begun to exit before the first one is where it keeps the others back.
constexpr int exits_at_once = 64;

struct Serving {
  std::mutex mutex{};
  std::vector<Server*> servers{};
  std::atomic<std::thread::id> exits{};
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

void end_all();

/// Where two threads exit at once, the C library has each of them run what the other has not begun
/// with: the second would destroy what the first one waits for. It is to find this here, and waits.
void let_no_other_exit(Serving& all) {
  static_cast<void>(std::atexit(end_all));  // for the next one that comes; it runs before the rest
  std::thread::id exits;
  const auto self = std::this_thread::get_id();
  if (all.exits.compare_exchange_strong(exits, self) || exits == self) return;
  for (;;) ::pause();
}

void end_all() {
  auto& all = serving();
  if (all.exits.load() != std::this_thread::get_id()) let_no_other_exit(all);
  const std::scoped_lock lock(all.mutex);
  for (auto* server : all.servers) server->stop_for_exit();
  for (auto* server : all.servers) server->wait_for_exit();
  all.servers.clear();  // this comes again, for each start
}

}  // namespace

std::unique_lock<std::mutex> end_at_exit(Server& server) {
  auto& all = serving();
  std::unique_lock lock(all.mutex);
  all.servers.push_back(&server);
  for (int i = 0; i < exits_at_once; ++i)
    if (std::atexit(end_all) != 0) {
      all.servers.pop_back();
      throw std::bad_alloc();
    }
  return lock;
}

void end_no_more(Server& server) noexcept {
  auto& all = serving();
  const std::scoped_lock lock(all.mutex);
  std::erase(all.servers, &server);
}

}  // namespace flame::inline v0::detail
