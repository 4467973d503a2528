#include "managed.hpp"

#include <chrono>
#include <future>

#include "access.hpp"
#include "exit_status.hpp"

namespace flame::inline v0::session::command {

std::unique_ptr<Manager> open_manager(const Arguments& arguments) {
  using namespace std::chrono_literals;
  Options options;
  options.store = open_existing(arguments.url);
  options.application = arguments.application;
  options.idle_timeout = options.absolute_timeout = options.longest_login = 24h * 365 * 100;
  options.deadline = 30s;
  options.on_event = [](const Event&) {};
  auto manager = std::make_unique<Manager>(std::move(options));
  if (const auto opened = manager->open(); !opened) fail(opened.error());
  return manager;
}

namespace {

class Waiting final : public Executor {
 public:
  void post(Operation*) noexcept override { over_.set_value(); }
  void wait() { over_.get_future().wait(); }

 private:
  std::promise<void> over_;
};

}  // namespace

std::size_t end_with(Manager& manager, EndOperation& operation) {
  Waiting waiting;
  operation.executor = &waiting;
  operation.deadline = std::chrono::steady_clock::now() + std::chrono::hours(24);
  if (!manager.start(operation)) waiting.wait();
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
