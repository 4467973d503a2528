#include "exchange.hpp"

#include <exception>
#include <string>

#include <flame/http_error.hpp>
#include <flame/session/adapter.hpp>

#include "access.hpp"
#include "app.hpp"
#include "loop.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0::detail {
namespace {

void tell(const Request& request, std::string_view why) {
  auto line = line_about(request) + ": ";
  append_escaped(line, why);
  log_error(line);
}

/// As for a session that cannot be loaded.
Response response_to(const session::Error& error) {
  const auto from = session::adapter::error_response(error);
  auto response = ResponseAccess::error(from.status, reason(from.status));
  for (const auto& [name, value] : from.fields.fields) response.set(name, value);
  return response;
}

}  // namespace

Exchange::Exchange(Loop& loop) : context_(ContextAccess::make()) {
  ContextAccess::loop(context_) = &loop;
  completing_.context = this;
  completing_.done = [](session::Operation& self) noexcept {
    static_cast<Exchange*>(self.context)->complete();
  };
}

void Exchange::reset() noexcept { ContextAccess::reset(context_); }

bool Exchange::start(const App& app) {
  app_ = &app;
  stream_.reset();
  try {
    task_ = app.dispatch(context_);
  } catch (...) {
    fail();
  }
  return run();
}

bool Exchange::start_stream(Sink& sink) {
  stream_.emplace(sink);
  stream_failed_ = false;
  source_ = ResponseAccess::source(context_.response());
  ResponseAccess::set_sent(context_.response(), true);
  ContextAccess::loop(context_)->has_thread(ContextAccess::route(context_));
  try {
    task_ = source_->run(context_, *stream_);
  } catch (...) {
    fail();
  }
  return run();
}

/// True: the task has ended.
bool Exchange::run() {
  finished_ = task_.await_ready();
  if (!finished_) {
    starter_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    starting_ = true;
    TaskAccess::start(task_, &Exchange::on_done, this);
    starting_ = false;
  }
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
    if (!stream_) app_->check_answer(context_);
  } catch (...) {
    fail();
  }
  task_ = Task<>();
  source_.reset();
  if (!stream_) app_->make_error_page(context_);
}

void Exchange::fail() noexcept try {
  auto response = ResponseAccess::error(500, reason(500));
  std::string why;
  try {
    throw;
  } catch (const Cut&) {  // its line is there already
  } catch (const HttpError& error) {
    response = error.response();
    if (error.status() >= 500 || stream_) why = error.what();
  } catch (const tl::bad_expected_access<session::Error>& none) {
    response = response_to(none.error());
    why = none.error().text.empty() ? "out of memory" : none.error().text;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "an exception that is no std::exception";
  }
  if (!why.empty()) tell(context_.request(), why);
  if (stream_)
    stream_failed_ = true;
  else
    answer_error(std::move(response));
} catch (...) {  // out of memory
  stream_failed_ = stream_.has_value();
  if (stream_) return;
  ResponseAccess::reset(context_.response());
  context_.response().status(500);
}

void Exchange::answer_error(Response response) {
  for (const auto& field : context_.response().fields()) {
    if (same_name(field.name, "Vary")) response.append(field.name, field.value);
  }
  if (response.get("Cache-Control").empty()) response.set("Cache-Control", "no-store");
  context_.response() = std::move(response);
}

}  // namespace flame::inline v0::detail
