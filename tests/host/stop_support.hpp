#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/access.hpp"
#include "support.hpp"

/// What tests of a host's end have in common.
namespace flame::test {

inline HostOptions brief(std::chrono::milliseconds drain_time = std::chrono::milliseconds{50}) {
  HostOptions options;
  options.drain_time = drain_time;
  return local(options);
}

/// In a death test: calls `then` with the address once run() listens, and run()s.
inline void run_with(Flame& f, const std::function<void(const std::string&)>& then) {
  int out[2];
  if (::pipe(out) != 0 || ::dup2(out[1], STDOUT_FILENO) < 0) ::_exit(9);
  std::thread([&, from = out[0]] {
    char line[64] = {};
    if (::read(from, line, sizeof line - 1) <= 0) ::_exit(8);
    then(std::string(line, std::string(line).find('\n')));
  }).detach();
  f.run();
  ::_exit(0);
}

[[noreturn]] inline void sleep_for_ever() {
  for (;;) ::pause();
}

/// Closes as it is told to.
class Closing final : public Provider {
 public:
  explicit Closing(void (*closes)()) : closes_(closes) {}
  std::vector<Offer> offers() const override { return {offer<std::promise<void>>()}; }
  Task<> around(Context&, std::span<const Wanted>, Next next) override {
    return detail::NextAccess::run(next);
  }
  void close() noexcept override { closes_(); }

 private:
  void (*closes_)();
};

inline void provide(Flame& f, void (*closes)()) {
  f.use(Middleware(std::make_shared<Closing>(closes)));
  f.get("/", [](std::promise<void>*) { return "x"; });
}

}  // namespace flame::test
