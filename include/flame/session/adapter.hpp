#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <optional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

/// What every adapter does besides load and commit. An adapter wraps a handler: it gathers the
/// request's fields, loads what the handler's parameters need, calls it, commits with the status of
/// its response, and has settle_failed_load() or settle_commit() finish that. What else a
/// RequestView asks for, and that a handler threw (status 500), it tells itself.
namespace flame::inline v0::session::adapter {

/// Empty: nothing is asked of a session, and so none is loaded.
[[nodiscard]] constexpr std::optional<Need> need(bool reads, bool writes, bool flash) noexcept {
  if (!reads && !writes && !flash) return std::nullopt;
  auto out = Need::read;
  if (writes) out = out | Need::write;
  if (flash) out = out | Need::flash;
  return out;
}

template <class T, class... Parameters>
inline constexpr bool takes =
    (std::is_same_v<std::remove_pointer_t<std::remove_reference_t<Parameters>>, T> || ...);

/// The same, from the types of a handler's parameters: Session&, const Session&, const Flash& or
/// Flash, and pointers to them.
template <class... Parameters>
[[nodiscard]] constexpr std::optional<Need> need_of() noexcept {
  return need(takes<const Session, Parameters...>, takes<Session, Parameters...>,
              takes<const Flash, Parameters...> || takes<Flash, Parameters...>);
}

/// Request fields by which browsers tell what they fetch for: RequestView::purposes.
inline constexpr std::array<std::string_view, 4> purpose_fields{"Sec-Purpose", "Purpose", "X-Moz",
                                                                "Sec-Fetch-Dest"};

/// The fields of a request that a session depends on, in one walk over all of them. What add() was
/// given is viewed, not copied.
class RequestFields {
 public:
  explicit RequestFields(const Manager& manager) : id_header_(manager.options().id_header) {}
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  void add(std::string_view name, std::string_view value);
  /// Views this object: cookie_lines, id_headers and purposes alone.
  [[nodiscard]] RequestView view() const noexcept;

 private:
  std::string_view id_header_;
  std::vector<std::string_view> cookies_{}, ids_{}, purposes_{};
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

}  // namespace flame::inline v0::session::adapter

#pragma GCC visibility pop
