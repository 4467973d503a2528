#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <flame/session/manager.hpp>

/// What the demo servers have in common: the bodies of their handlers, and a store that the suite
/// can make slow, or have refuse.
namespace demo {

class ControlledStore;

class Demo {
 public:
  Demo(int argc, char** argv);
  ~Demo();

  [[nodiscard]] flame::session::Manager& manager() noexcept { return *manager_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  /// /store/NAME: hold_reads, hold_writes, refuse_reads, refuse_writes, free (all of these), or
  /// waiting and count: how many operations are held, and how many came.
  [[nodiscard]] std::string control(std::string_view name);

 private:
  std::string host_ = "127.0.0.1";
  std::shared_ptr<ControlledStore> store_{};
  std::unique_ptr<flame::session::Manager> manager_{};
};

/// SIGTERM calls stop(), on a thread of its own. Made before any other thread, which would get it.
class Stopper {
 public:
  explicit Stopper(std::function<void()> stop);
  ~Stopper();

 private:
  sigset_t signals_{};
  std::thread waits_{};
};

/// For the suite, which reads it: once the port takes connections, for some frameworks listen later
/// than they tell. On a thread of its own, so that this one may be what listens.
void say_port(int port);

// The answers of the routes of these names. A route's `v` is the one parameter of its query.
namespace session = flame::session;

inline constexpr std::string_view plain = "Hello, world";
[[nodiscard]] std::string set(session::Session& s);
[[nodiscard]] std::string get(const session::Session& s);
[[nodiscard]] std::string clear(session::Session& s);
[[nodiscard]] std::string add(session::Session& s);
[[nodiscard]] std::string n(const session::Session& s);
[[noreturn]] void fail(session::Session& s);
/// Sets n, whatever the status of the answer, which is v.
[[nodiscard]] int status(session::Session& s, std::string_view v);
[[nodiscard]] std::string set_flash(session::Session& s, const std::string& v);
[[nodiscard]] std::string take(const session::Flash& flash);
[[noreturn]] void take_throw(const session::Flash& flash);
[[nodiscard]] std::string login(session::Session& s, const std::string& v);
[[nodiscard]] std::string logout(session::Session& s);
[[nodiscard]] std::string owner(const session::Session& s);
[[nodiscard]] std::string optional(const session::Session* s);
[[nodiscard]] std::string optional_take(const session::Flash* flash);

}  // namespace demo
