#include "managed.hpp"

#include <chrono>
#include <future>
#include <iostream>

#include "access.hpp"
#include "exit_status.hpp"
#include "terminal.hpp"

namespace flame::inline v0::session::command {

std::unique_ptr<Manager> open_manager(const Arguments& arguments) {
  using namespace std::chrono_literals;
  Options options;
  options.store = open_existing(arguments.url);
  // A Manager waits for a server that is down; here somebody wants to know why.
  static_cast<void>(Access(options.store));
  options.application = arguments.application;
  options.idle_timeout = options.absolute_timeout = options.longest_login = 24h * 365 * 100;
  options.deadline = 30s;
  options.on_event = [](const Event&) {};
  auto manager = std::make_unique<Manager>(std::move(options));
  if (const auto opened = manager->open(); !opened) fail(opened.error());
  return manager;
}

void tell_whose(const Arguments& arguments) {
  if (arguments.application.empty())
    std::cerr << "looked among sessions of services without an application's name alone: see "
                 "--application\n";
}

namespace {

constexpr std::chrono::milliseconds look_time{50};

class Waiting final : public Executor {
 public:
  void post(Operation*) noexcept override { over_.set_value(); }

  [[nodiscard]] bool wait_for(std::chrono::milliseconds time) {
    return future_.wait_for(time) == std::future_status::ready;
  }

 private:
  std::promise<void> over_;
  std::future<void> future_ = over_.get_future();
};

}  // namespace

std::size_t end_with(Manager& manager, EndOperation& operation) {
  Waiting waiting;
  operation.executor = &waiting;
  operation.deadline = std::chrono::steady_clock::now() + std::chrono::hours(24);
  if (!manager.start(operation)) {
    Progress progress;
    const auto before = manager.counters().writes.operations;
    while (!waiting.wait_for(look_time)) {
      progress.tell(sessions(manager.counters().writes.operations - before) + " ended");
      if (is_interrupted()) static_cast<void>(manager.stop());  // which answers it
    }
  }
  if (is_interrupted() && !*operation.result)
    throw Failure(ExitStatus::not_done, "interrupted: some may have ended; do it again");
  return value_of(std::move(*operation.result));
}

void fail(const Error& error) {
  const bool no_text = error.text.empty();  // out of memory
  throw Failure(ExitStatus::failed, no_text ? "out of memory" : error.text);
}

std::string sessions(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " session" : " sessions");
}

}  // namespace flame::inline v0::session::command
