#include "resolving.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "runner/fork.hpp"

namespace flame::inline v0::session {
namespace {

[[noreturn]] void fail(const std::string& name, const char* why) {
  throw StoreError(StoreError::Kind::connection_lost, name + ' ' + why);
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

/// Told by the thread that asks; shared, for whoever comes last closes it.
class Ended {
 public:
  Ended() = default;
  ~Ended() {
    if (event_ >= 0) ::close(event_);
  }
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;
  [[nodiscard]] int event() const noexcept { return event_; }
  void tell() noexcept { static_cast<void>(::eventfd_write(event_, 1)); }

 private:
  const int event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

/// Threads that ask, of one generation: a child of fork() has none of its parent's. Aligned to its
/// size: clang calls libatomic for less, which nobody links.
struct alignas(8) Asked {
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
    if (now >= most_looking_up) return false;
    if (asked.compare_exchange_weak(before, {generation, now + 1})) return true;
  }
}

void give_place_back() noexcept {
  auto before = asked.load();
  while (!asked.compare_exchange_weak(before, {before.generation, before.now - 1})) {
  }
}

std::thread start(const std::string& name, std::function<void()> ask,
                  std::shared_ptr<Ended> ended) try {
  return std::thread([ask = std::move(ask), ended = std::move(ended)] {
    try {
      ask();
    } catch (...) {
    }
    ended->tell();
    give_place_back();
  });
} catch (const std::system_error&) {
  give_place_back();
  fail(name, "could not be looked up: no thread could be started");
} catch (...) {
  give_place_back();
  throw;
}

/// Who has answered ends at once, and is waited for: nothing of it is left then.
class LeftIfLate {
 public:
  explicit LeftIfLate(std::thread thread) noexcept : thread_(std::move(thread)) {}
  ~LeftIfLate() {
    if (thread_.joinable()) thread_.detach();
  }
  LeftIfLate(const LeftIfLate&) = delete;
  LeftIfLate& operator=(const LeftIfLate&) = delete;
  void join() { thread_.join(); }

 private:
  std::thread thread_;
};

void wait_for(const Ended& ended, const std::string& name, Waiter& waiter, Deadline until) try {
  static_cast<void>(waiter.wait(ended.event(), POLLIN, until));
} catch (const StoreError&) {
  waiter.check({});
  if (until == Deadline{} || std::chrono::steady_clock::now() < until) throw;
  fail(name, "was not found in time: check /etc/resolv.conf and its servers");
}

}  // namespace

void look_up(const std::string& name, std::function<void()> ask, Waiter& waiter, Deadline until) {
  const auto ended = std::make_shared<Ended>();
  if (ended->event() < 0)
    fail(name, "could not be looked up: no descriptor is left: raise the limit (ulimit -n)");
  if (!take_place())
    fail(name, "was not looked up: the resolver hangs: check /etc/resolv.conf and its servers");
  LeftIfLate thread(start(name, std::move(ask), ended));
  wait_for(*ended, name, waiter, until);
  thread.join();
}

std::vector<std::string> resolve_with(Resolver resolver, const std::string& host, Waiter& waiter,
                                      Deadline until) {
  const auto name = "the name of the store's host, `" + host + "`,";
  const auto answer = std::make_shared<Resolved>();
  answer->error = "out of memory";  // should it end without an answer
  look_up(
      name, [resolver, host, answer] { *answer = resolver(host); }, waiter, until);
  if (answer->addresses.empty())
    fail(name, ("is not known: " + answer->error + ": check its spelling, and DNS").c_str());
  return std::move(answer->addresses);
}

std::vector<std::string> resolve(const std::string& host, Waiter& waiter, Deadline until) {
  if (auto numeric = ask_system(host, AI_NUMERICHOST); !numeric.addresses.empty())
    return std::move(numeric.addresses);
  return resolve_with([](const std::string& name) { return ask_system(name, 0); }, host, waiter,
                      until);
}

}  // namespace flame::inline v0::session
