#pragma once

#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flame/context.hpp>
#include <flame/response.hpp>
#include <flame/task.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

namespace session {
class Session;
class Flash;
}  // namespace session

class Stream;

namespace detail {

/// Where the pieces of a streamed answer go.
class Sink {
 public:
  /// True: it is on its way, or nobody takes it any more. False: `waiting` will be resumed.
  [[nodiscard]] virtual bool send(std::string_view piece, std::coroutine_handle<> waiting) = 0;
  [[nodiscard]] virtual bool is_gone() const noexcept = 0;

 protected:
  ~Sink() = default;
};
[[noreturn]] void throw_gone();

class StreamSource {
 public:
  virtual ~StreamSource() = default;
  [[nodiscard]] virtual Task<> run(Context& context, Stream& stream) const = 0;
};
[[nodiscard]] Response streamed_by(std::shared_ptr<const StreamSource> source);

template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

template <class T>
struct Referred {
  using Type = T;
};
template <class T>
struct Referred<std::reference_wrapper<T>> {
  using Type = std::remove_const_t<T>;
};
/// Whether it may be there still, or mean something, when the handler is done.
template <class T>
inline constexpr bool outlives_handler =
    !std::is_pointer_v<T> && !std::is_same_v<T, std::string_view> && !is_span<T> &&
    !std::is_same_v<typename Referred<T>::Type, session::Session> &&
    !std::is_same_v<typename Referred<T>::Type, session::Flash> &&
    !std::is_same_v<typename Referred<T>::Type, Context>;

template <class F, class... Args>
class FunctionSource final : public StreamSource {
 public:
  explicit FunctionSource(Args... arguments) : arguments_(std::move(arguments)...) {}
  Task<> run(Context& context, Stream& stream) const override {
    return std::apply([&](const Args&... each) { return F{}(context, stream, each...); },
                      arguments_);
  }

 private:
  std::tuple<Args...> arguments_;
};

}  // namespace detail

/// An answer's way to its client, piece by piece.
class Stream {
 public:
  class [[nodiscard]] Write {
   public:
    Write(detail::Sink& sink, std::string_view piece) noexcept : sink_(sink), piece_(piece) {}
    [[nodiscard]] bool await_ready() const noexcept { return piece_.empty(); }
    bool await_suspend(std::coroutine_handle<> waiting) { return !sink_.send(piece_, waiting); }
    void await_resume() const {
      if (sink_.is_gone()) detail::throw_gone();
    }

   private:
    detail::Sink& sink_;
    std::string_view piece_;
  };

  explicit Stream(detail::Sink& sink) noexcept : sink_(sink) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// co_await out.write(piece): sends it, and waits while the client is slower. Throws where nobody
  /// takes it any more: the client has gone, reads below HostOptions::min_rate, or the host has
  /// stopped; let that pass. One at a time.
  Write write(std::string_view piece) noexcept { return {sink_, piece}; }

 private:
  detail::Sink& sink_;
};

/// An answer of a size that is not known before, or that is too large for one piece:
///
///   f.get("/rows", [](const Session& s) {
///     return flame::streamed([](Context&, Stream& out, std::string user) -> Task<> {
///       for (…) co_await out.write(row);
///     }, std::string(s.owner())).set("Content-Type", "text/csv");
///   });
///
/// The function runs when the handler and all middleware are done, so the session is saved before
/// the first byte is sent, and is no longer there: what the function needs it gets as further
/// arguments, of which it has copies, and it captures nothing. Both are checked: no pointer, no
/// std::string_view, no std::span; a view that is part of another type nobody sees. std::ref() is
/// for what outlives the host. The answer's head is sent then: a change of it throws. It does not
/// run for HEAD. An exception out of it cuts the connection, so that what was sent does not look
/// whole, and leaves a line on stderr. Clients of HTTP/1.0 get all up to the end of the connection.
template <class F, class... Args>
[[nodiscard]] Response streamed(F function, Args... arguments) {
  static_assert(std::is_empty_v<F> && std::is_default_constructible_v<F>,
                "streamed() takes a lambda without captures, since it runs when the handler is "
                "done: give it what it needs as further arguments");
  static_assert(
      (detail::outlives_handler<Args> && ...),
      "streamed() takes copies of what outlives the handler: no pointer, string literal, "
      "std::string_view, Context, Session or Flash. Give it std::string, std::shared_ptr, "
      "or std::ref() of what outlives the host");
  static_assert(std::is_invocable_r_v<Task<>, F, Context&, Stream&, const Args&...>,
                "streamed() takes Task<>(Context&, Stream&, arguments...)");
  static_cast<void>(function);
  return detail::streamed_by(
      std::make_shared<const detail::FunctionSource<F, Args...>>(std::move(arguments)...));
}

}  // namespace flame::inline v0

#pragma GCC visibility pop
