#include "exchange.hpp"

#include <exception>
#include <string>

#include "access.hpp"
#include "app.hpp"
#include "loop.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {

Exchange::Exchange(Loop& loop) : context_(ContextAccess::make()) {
  ContextAccess::loop(context_) = &loop;
  completing_.context = this;
  completing_.done = [](session::Operation& self) noexcept {
    static_cast<Exchange*>(self.context)->complete();
  };
}

void Exchange::reset() noexcept { ContextAccess::reset(context_); }

bool Exchange::start(const App& app) {
  finished_ = false;
  try {
    task_ = app.dispatch(context_);
  } catch (...) {
    ContextAccess::loop(context_)->running.store(nullptr, std::memory_order_relaxed);
    fail();
    return true;
  }
  if (task_.await_ready()) {
    ContextAccess::loop(context_)->running.store(nullptr, std::memory_order_relaxed);
    return true;
  }
  starter_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  starting_ = true;
  TaskAccess::start(task_, &Exchange::on_done, this);
  starting_ = false;
  ContextAccess::loop(context_)->running.store(nullptr, std::memory_order_relaxed);
  if (!finished_) return false;
  collect();
  return true;
}

void Exchange::on_done(void* self) noexcept {
  auto& exchange = *static_cast<Exchange*>(self);
  // A handler may be resumed by a thread that is not the loop's, also while start() still runs.
  const bool by_starter =
      exchange.starter_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  if (by_starter && exchange.starting_) {
    exchange.finished_ = true;
  } else {
    ContextAccess::loop(exchange.context_)->finished(exchange.completing_);
  }
}

void Exchange::complete() noexcept {
  collect();
  done();
}

void Exchange::collect() noexcept {
  try {
    task_.await_resume();
  } catch (...) {
    fail();
  }
  task_ = Task<>();
}

void Exchange::fail() noexcept try {
  std::string line(context_.request().method_name());
  line += ' ';
  append_escaped(line, context_.request().path());
  line += ": ";
  try {
    throw;
  } catch (const Cut&) {  // its line is there already
    line.clear();
  } catch (const std::exception& error) {
    append_escaped(line, error.what());
  } catch (...) {
    line += "an exception that is no std::exception";
  }
  if (!line.empty()) log_error(line);

  Response response(500, "Internal Server Error\n");
  for (const auto& field : context_.response().fields()) {
    if (same_name(field.name, "Vary")) response.append(field.name, field.value);
  }
  response.set("Cache-Control", "no-store");
  context_.response() = std::move(response);
} catch (...) {  // out of memory
  ResponseAccess::reset(context_.response());
  context_.response().status(500);
}

}  // namespace flame::inline v0::detail
