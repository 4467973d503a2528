#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/adapter_handler.hpp>
#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

/// What all adapters have in common. An adapter wraps a handler: Handler says what its parameters
/// need, and an Exchange of the framework's own is what serve() or serve_in() loads for, calls and
/// commits. One with a flow of its own gathers the request's fields, loads, calls, commits with the
/// status of the response (500 for a handler that threw), and has settle_failed_load() or
/// settle_commit() finish that.
namespace flame::inline v0::session::adapter {

/// Request fields by which browsers tell what they fetch for: RequestView::purposes.
inline constexpr std::array<std::string_view, 5> purpose_fields{
    "Sec-Purpose", "Purpose", "X-Purpose", "X-Moz", "Sec-Fetch-Dest"};

namespace detail {
/// The values of one field. A request rarely has more than one, which needs no memory.
class FieldValues {
 public:
  void add(std::string_view value) {
    if (!first_) {
      first_ = value;
      return;
    }
    if (more_.empty()) more_.push_back(*first_);
    more_.push_back(value);
  }
  [[nodiscard]] std::span<const std::string_view> all() const noexcept {
    if (!more_.empty()) return more_;
    return first_ ? std::span(&*first_, 1) : std::span<const std::string_view>();
  }

 private:
  std::optional<std::string_view> first_{};
  std::vector<std::string_view> more_{};  ///< with the first
};
}  // namespace detail

/// The fields of a request that a session depends on, in one walk over all of them. What add() was
/// given is viewed, not copied.
class RequestFields {
 public:
  /// `need` is what the load is for: only a flash message depends on what is fetched for.
  explicit RequestFields(const Manager& manager, Need need = Need::flash)
      : id_header_(manager.options().id_header), wants_purposes_(has(need, Need::flash)) {}
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  void add(std::string_view name, std::string_view value);
  /// Whether it looks for others than Cookie: a framework that knows the cookies need not add all.
  [[nodiscard]] bool wants_more_than_cookies() const noexcept {
    return wants_purposes_ || !id_header_.empty();
  }
  /// Views this object: cookie_lines, id_headers and purposes alone.
  [[nodiscard]] RequestView view() const noexcept;

 private:
  std::string_view id_header_;
  bool wants_purposes_;
  detail::FieldValues cookies_{}, ids_{}, purposes_{};
};

/// Whether a field of ResponseFields takes the place of one that is there; others are appended.
[[nodiscard]] constexpr bool replaces(std::string_view name) noexcept {
  return name == "Cache-Control" || name == "Retry-After";
}

/// In place of whatever a handler answered: nothing of it was saved.
struct ErrorResponse {
  int status = 500;
  ResponseFields fields{};
  std::string_view body{};  ///< plain text, with no detail
};
[[nodiscard]] ErrorResponse error_response(const Error& error);

/// For a response that could not be saved, or whose session could not be loaded, and that is sent
/// all the same: it may not be what others should see.
[[nodiscard]] ResponseFields unsaved_fields();

/// What an adapter tells of its framework's response.
template <class T>
concept ResponseWriter = requires(T writer, std::string_view text) {
  // Names compare without case (RFC 9110, 5.1): `cache-control` of the framework's own is one, too.
  {writer.set(text, text)};     // a field, in place of all of its name
  {writer.append(text, text)};  // a field, beside them
  {writer.begin(500, text)};    // a new response of this status and body, without fields
};

template <ResponseWriter Writer>
void add_fields(Writer& writer, const ResponseFields& added) {
  for (const auto& [name, value] : added.fields) {
    if (replaces(name))
      writer.set(name, value);
    else
      writer.append(name, value);
  }
}

template <ResponseWriter Writer>
void answer_error(Writer& writer, const Error& error) {
  const auto answer = error_response(error);
  writer.begin(answer.status, answer.body);
  add_fields(writer, answer.fields);
}

/// After a load that failed: instead of a handler that cannot do without, for it takes a reference,
/// or a Flash by value; else after the handler, which got null pointers.
template <ResponseWriter Writer>
void settle_failed_load(Writer& writer, const Error& error, bool required) {
  if (required)
    answer_error(writer, error);
  else
    add_fields(writer, unsaved_fields());
}

/// After the commit, whose CommitOperation::status this is. A handler's own failure stays what it
/// answered.
template <ResponseWriter Writer>
void settle_commit(Writer& writer, const Result<ResponseFields>& committed, int status) {
  if (committed)
    add_fields(writer, *committed);
  else if (status < 500)
    answer_error(writer, committed.error());
  else
    add_fields(writer, unsaved_fields());
}

/// The operations that are under way on a Manager that stops later than the event loops, which they
/// are answered on: close() waits for them before the loops end. Any thread.
class UnderWay {
 public:
  void open() noexcept { open_ = true; }
  /// No more operations; returns when the last one was answered, or false after `bound`: then some
  /// were answered to a loop that no longer runs.
  [[nodiscard]] bool close(std::chrono::milliseconds bound) noexcept {
    open_ = false;
    const auto until = std::chrono::steady_clock::now() + bound;
    while (count_.load() != 0) {
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  /// False: none may start any more. Followed by leave() in any case.
  [[nodiscard]] bool enter() noexcept {
    count_.fetch_add(1);
    return open_.load();
  }
  void leave() noexcept { count_.fetch_sub(1); }

 private:
  std::atomic<bool> open_{false};
  std::atomic<int> count_{0};
};

/// Await that is counted; `count` may be null, where the loops outlive the Manager.
template <class Op>
class CountedAwait : public Await<Op> {
 public:
  CountedAwait(Manager& manager, UnderWay* count, Op operation)
      : Await<Op>(manager, std::move(operation)), count_(count) {}
  CountedAwait(Manager& manager, UnderWay* count) : Await<Op>(manager), count_(count) {}
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    if (count_ != nullptr && !count_->enter()) {
      this->result = tl::unexpected(Error{Errc::stopped, "the host has stopped"});
      return false;
    }
    return Await<Op>::await_suspend(waiting);
  }
  auto await_resume() {
    if (count_ != nullptr) count_->leave();
    return Await<Op>::await_resume();
  }

 private:
  UnderWay* count_;
};

/// One request of a framework's, and its response, which it writes. Where it has unsaved(const
/// Error&), too, that is told why a commit failed: for a line in the framework's log.
template <class T>
concept Exchange = ResponseWriter<T> &&
    requires(T exchange, RequestFields& fields, RequestView& view, Session* s, const Flash* f) {
  exchange.gather(fields);  // add()s every field of the request, or all that it wants
  exchange.describe(view);  // the method, secure, and peer
  exchange.handle(s, f);    // calls the handler: null where it does without
  {exchange.status()};      // of the handler's response
};

namespace detail {
template <Exchange E>
[[nodiscard]] RequestView view_of(E& exchange, RequestFields& fields) {
  exchange.gather(fields);
  auto view = fields.view();
  exchange.describe(view);
  return view;
}

/// A message that the handler does not take is left for one that does.
inline Result<Session> load(Manager& manager, const RequestView& view, Need need, Flash& flash) {
  return has(need, Need::flash) ? manager.load(view, need, flash) : manager.load(view, need);
}

template <class E>
void tell_unsaved(E& exchange, const Result<ResponseFields>& committed) {
  if constexpr (requires { exchange.unsaved(committed.error()); }) {
    if (!committed) exchange.unsaved(committed.error());
  }
}
}  // namespace detail

/// Serves one request on a thread that may wait, or on any where the Manager never waits: loads,
/// calls the handler, commits. What the handler throws passes through, when its session was
/// abandoned.
template <Exchange E>
void serve(Manager& manager, const Asked& asked, E& exchange) {
  RequestFields fields(manager, *asked.need);
  Flash flash;
  auto session = detail::load(manager, detail::view_of(exchange, fields), *asked.need, flash);
  if (!session) {
    if (!asked.required) exchange.handle(nullptr, nullptr);
    settle_failed_load(exchange, session.error(), asked.required);
    return;
  }
  try {
    exchange.handle(&*session, &std::as_const(flash));
  } catch (...) {
    settle_commit(exchange, manager.abandon(*session), 500);
    throw;
  }
  const int status = exchange.status();
  const auto committed = status < 500 ? manager.commit(*session) : manager.abandon(*session);
  settle_commit(exchange, committed, status);
  detail::tell_unsaved(exchange, committed);
}

/// What f throws; empty: nothing. For serve() in the place of serve_in(), whose exchange is told
/// what its handler threw.
template <class F>
[[nodiscard]] std::exception_ptr thrown_by(F f) noexcept try {
  f();
  return nullptr;
} catch (...) {
  return std::current_exception();
}

/// What posts a completion to an executor of somebody else's: called, it goes on; dropped uncalled,
/// for that executor has ended, it destroys the coroutine that waits. For Await alone.
class Turn {
 public:
  explicit Turn(Operation& operation) noexcept : operation_(&operation) {}
  Turn(Turn&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (operation_ != nullptr) std::coroutine_handle<>::from_address(operation_->context).destroy();
  }
  void operator()() noexcept {
    auto& operation = *std::exchange(operation_, nullptr);
    operation.done(operation);
  }

 private:
  Operation* operation_;
};

/// The coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// The same in a coroutine, whose thread serves others meanwhile. `exchange` is a pointer of any
/// kind, or a std::optional, which it keeps; exchange->executor() resumes it; handle() is awaited,
/// and returns std::suspend_never where the handler is no coroutine. Task is its type, Detached in
/// frameworks that have none: its result is that of exchange->finish(thrown), with a
/// std::exception_ptr of what the handler threw, or an exchange's own function. `count` as with
/// CountedAwait.
template <class Task, class Pointer>
requires Exchange<std::remove_cvref_t<decltype(*std::declval<Pointer&>())>> Task
serve_in(Manager& manager, UnderWay* count, Asked asked, Pointer exchange) {
  std::exception_ptr thrown;
  try {
    RequestFields fields(manager, *asked.need);
    CountedAwait<LoadOperation> loading(manager, count);
    loading.request = detail::view_of(*exchange, fields);
    loading.need = *asked.need;
    loading.executor = exchange->executor();
    auto loaded = co_await loading;

    try {
      if (loaded || !asked.required)
        co_await exchange->handle(loaded ? &*loaded : nullptr,
                                  loaded ? &std::as_const(loading.flash) : nullptr);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (!loaded) {
      settle_failed_load(*exchange, loaded.error(), asked.required);
    } else {
      CountedAwait<CommitOperation> committing(manager, count);
      committing.session = &*loaded;
      committing.status = thrown ? 500 : static_cast<int>(exchange->status());
      committing.executor = exchange->executor();
      const auto committed = co_await committing;
      settle_commit(*exchange, committed, committing.status);
      detail::tell_unsaved(*exchange, committed);
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  co_return exchange->finish(std::move(thrown));
}

}  // namespace flame::inline v0::session::adapter

#pragma GCC visibility pop
