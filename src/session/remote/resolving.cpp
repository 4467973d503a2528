#include "resolving.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "runner/fork.hpp"

namespace flame::inline v0::session {
namespace {

[[noreturn]] void fail(const std::string& host, const std::string& why) {
  throw StoreError(StoreError::Kind::connection_lost,
                   "the name of the store's host, `" + host + "`, " + why);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

Resolved ask_system(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (status != 0) return {{}, ::gai_strerror(status)};
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  Resolved out;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0)
      out.addresses.emplace_back(text);
  }
  return out;
}

/// Shared with the thread that asks: whoever comes last frees it.
struct Asking {
  Asking() = default;
  ~Asking() {
    if (answered >= 0) ::close(answered);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  const int answered = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // what a Waiter can wait for
  std::mutex mutex{};
  Resolved answer{};
};

/// Threads that ask, of one generation: a child of fork() has none of its parent's.
struct Asked {
  unsigned generation = 0;
  int now = 0;
};
std::atomic<Asked> asked{};

/// False: too many hang.
bool take_place() noexcept {
  const auto generation = fork_generation();
  auto before = asked.load();
  for (;;) {
    const int now = before.generation == generation ? before.now : 0;
    if (now >= most_resolving) return false;
    if (asked.compare_exchange_weak(before, {generation, now + 1})) return true;
  }
}

void give_place_back() noexcept {
  auto before = asked.load();
  while (!asked.compare_exchange_weak(before, {before.generation, before.now - 1})) {
  }
}

void ask(Resolver resolver, const std::string& host, Asking& asking) noexcept {
  Resolved answer;
  try {
    answer = resolver(host);
  } catch (...) {  // out of memory
  }
  const std::scoped_lock lock(asking.mutex);
  asking.answer = std::move(answer);
  static_cast<void>(::eventfd_write(asking.answered, 1));
}

void start(Resolver resolver, const std::string& host, std::shared_ptr<Asking> asking) try {
  std::thread([resolver, host, asking = std::move(asking)] {
    ask(resolver, host, *asking);
    give_place_back();
  }).detach();
} catch (const std::system_error&) {
  give_place_back();
  fail(host, "could not be looked up: no thread could be started");
} catch (...) {
  give_place_back();
  throw;
}

void wait_for(const Asking& asking, const std::string& host, Waiter& waiter, Deadline until) try {
  static_cast<void>(waiter.wait(asking.answered, POLLIN, until));
} catch (const StoreError&) {
  waiter.check({});
  if (until == Deadline{} || std::chrono::steady_clock::now() < until) throw;
  fail(host, "was not found in time: check /etc/resolv.conf and its servers");
}

}  // namespace

std::vector<std::string> resolve_with(Resolver resolver, const std::string& host, Waiter& waiter,
                                      Deadline until) {
  const auto asking = std::make_shared<Asking>();
  if (asking->answered < 0)
    fail(host, "could not be looked up: no descriptor is left: raise the limit (ulimit -n)");
  if (!take_place())
    fail(host, "was not looked up: the resolver hangs: check /etc/resolv.conf and its servers");
  start(resolver, host, asking);
  wait_for(*asking, host, waiter, until);
  const std::scoped_lock lock(asking->mutex);
  if (asking->answer.addresses.empty()) fail(host, "is not known: " + asking->answer.error);
  return std::move(asking->answer.addresses);
}

std::vector<std::string> resolve(const std::string& host, Waiter& waiter, Deadline until) {
  if (auto numeric = ask_system(host, AI_NUMERICHOST); !numeric.addresses.empty())
    return std::move(numeric.addresses);
  return resolve_with([](const std::string& name) { return ask_system(name, 0); }, host, waiter,
                      until);
}

}  // namespace flame::inline v0::session
