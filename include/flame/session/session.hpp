#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <flame/session/option_time.hpp>
#include <flame/session/store.hpp>
#include <flame/session/value.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

namespace detail {
/// The function of one Session::update, with its arguments: encoded value in, encoded value out.
struct UpdateFunction {
  std::shared_ptr<const void> arguments{};
  std::string (*run)(const void* arguments, const std::string_view* stored) = nullptr;
};
/// Refers to what it does not own.
template <class T>
inline constexpr bool is_view = std::is_pointer_v<T>;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_view<std::initializer_list<T>> = true;
/// Whether T is no view and, as far as can be seen, holds none: what an argument of update refers
/// to may be gone when it runs. Within structs references cannot be seen.
template <class T, int Depth = 4>
struct OutlivesRequest {
  static consteval bool look() {
    if constexpr (is_view<T>) {
      return false;
    } else if constexpr (Depth == 0) {
      return true;
    } else if constexpr (requires { sizeof(typename T::value_type); }) {
      return OutlivesRequest<std::remove_cv_t<typename T::value_type>, Depth - 1>::look();
    } else if constexpr (has_fields<T>()) {
      return look_at(std::type_identity<decltype(fields(std::declval<T&>()))>());
    } else {
      return !std::is_reference_v<T>;
    }
  }

 private:
  template <class... Field>
  static consteval bool look_at(std::type_identity<std::tuple<Field...>>) {
    return (OutlivesRequest<std::remove_cvref_t<Field>, Depth - 1>::look() && ...);
  }
};
template <class... T, int Depth>
struct OutlivesRequest<std::tuple<T...>, Depth> {
  static consteval bool look() {
    return (OutlivesRequest<std::remove_cv_t<T>, Depth - 1>::look() && ...);
  }
};
template <class A, class B, int Depth>
struct OutlivesRequest<std::pair<A, B>, Depth> : OutlivesRequest<std::tuple<A, B>, Depth> {};
template <class... T, int Depth>
struct OutlivesRequest<std::variant<T...>, Depth> : OutlivesRequest<std::tuple<T...>, Depth> {};
template <class T>
inline constexpr bool outlives_request = OutlivesRequest<T>::look();
/// A message on its way through one request.
struct FlashMessage {
  explicit FlashMessage(std::string encoded) : bytes(std::move(encoded)) {}
  const std::string bytes;
  mutable std::atomic<bool> looked_at{false};
};
}  // namespace detail

/// What one login is to have: kept with its session, and followed by all later requests of it.
struct Login {
  /// Unset: Options::idle_timeout, or for a persistent login its absolute timeout: "remember me".
  std::optional<OptionSeconds> idle{};
  std::optional<OptionSeconds> absolute{};  ///< unset: Options::absolute_timeout
  /// The cookie outlives the browser, until the absolute timeout. Unset: CookieOptions::persistent.
  std::optional<bool> persistent{};
  std::string label{};  ///< for lists of sessions: "Firefox on Windows"; at most 255 bytes
};

/// The flash message that was claimed for this request: no other request gets it, whatever get<T>
/// says. One that nobody looks at (get, bool) goes back to its session; one that was looked at goes
/// back where the request fails.
class Flash {
 public:
  Flash() = default;
  /// For the tests of handlers.
  template <class T>
  requires(!std::is_same_v<T, Flash>) explicit Flash(const T& message)
      : message_(std::make_shared<detail::FlashMessage>(encode(message))) {}

  /// Empty where there is no message, or one of another type.
  template <class T>
  [[nodiscard]] std::optional<T> get() const {
    return *this ? decode<T>(message_->bytes) : std::nullopt;
  }
  /// Whether there is a message, of whatever type.
  explicit operator bool() const noexcept {
    if (message_) message_->looked_at.store(true, std::memory_order_relaxed);
    return message_ != nullptr;
  }

 private:
  friend struct SessionAccess;
  explicit Flash(std::shared_ptr<const detail::FlashMessage> message) noexcept
      : message_(std::move(message)) {}
  std::shared_ptr<const detail::FlashMessage> message_{};
};

/// What a handler touches: the values of one visitor, as loaded, and the changes of this request,
/// which the Manager commits. No I/O; one thread at a time; reading never throws.
///
/// The changes of a request are one unit: all apply, in some order with those of other requests, to
/// the newest record, or none does. What a handler reads is the loaded state with its own changes
/// on top.
///
/// Once it was committed it is over: reads go on, and what changes it throws std::logic_error. So
/// for one that was moved from or destroyed, which reads as empty.
class Session {
 public:
  /// Empty, and not of any Manager: for the tests of handlers.
  Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Empty where the key is absent or holds another type. T owns its data: no string_view.
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view key) const {
    const auto bytes = find(key);
    return bytes ? decode<T>(*bytes) : std::nullopt;
  }
  template <class T>
  [[nodiscard]] T get_or(std::string_view key, T fallback) const {
    auto value = get<T>(key);
    return value ? std::move(*value) : std::move(fallback);
  }
  template <detail::BorrowedText T>
  [[nodiscard]] std::string get_or(std::string_view key, T fallback) const {
    auto value = get<std::string>(key);
    return value ? std::move(*value) : std::string(fallback);
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept;
  /// In ascending order of their bytes.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// Last write wins, by key. Throws ValueError: too deep, too large, key too long; nothing is set
  /// then.
  template <class T>
  void set(std::string_view key, const T& value) {
    set_encoded(key, encode(value));
  }
  void set(std::string_view key, std::nullptr_t) = delete;

  /// Atomic: f(value, arguments...) runs at commit on the newest value, perhaps again, perhaps on
  /// another thread. So f captures nothing, the arguments are copied, and neither are nor hold
  /// pointers or views (both checked, but for what classes hide), and there is no result. get()
  /// shows what f makes of the loaded value, for which it runs once more, within get(): a guess,
  /// since others may come first, so what depends on the value is decided in f. `initial` stands in
  /// where the key is absent or holds another type. If f throws, get() shows the value before, this
  /// request alone fails at commit, and none of its changes apply.
  template <class T, class F, class... Args>
  void update(std::string_view key, T initial, F f, Args... arguments) {
    constexpr bool captures_nothing = std::is_empty_v<F> && std::is_default_constructible_v<F>;
    static_assert(
        captures_nothing,
        "update() takes a lambda without captures: give it what it needs as further arguments");
    static_assert(
        (detail::outlives_request<Args> && ...),
        "update() runs later, on copies of its arguments: no pointer, string literal, "
        "std::string_view or std::span, nor what holds one. Give it std::string or std::vector, or "
        "std::ref() of what outlives the Manager");
    static_assert(!std::is_pointer_v<T>,
                  "update() keeps a value, and no pointer: name its type, as in "
                  "update<std::string>(key, \"none\", f)");
    static_assert(
        std::is_invocable_v<F&, T, const Args&...> || !std::is_invocable_v<F&, T&, const Args&...>,
        "update() takes f(value, arguments...) that returns the new value: it takes the "
        "value by value (int n), not by reference (int& n)");
    constexpr bool returns_value = std::is_invocable_r_v<T, F&, T, const Args&...>;
    static_assert(returns_value || !std::is_invocable_r_v<T, F&, T, Args&...>,
                  "update() takes f(value, arguments...), and f does not change the arguments: it "
                  "takes them by value or by const reference");
    static_assert(returns_value || std::is_invocable_r_v<T, F&, T, Args&...>,
                  "update() takes f(value, arguments...) that returns the new value");
    static_cast<void>(f);
    // Where it is refused, nothing more is said.
    if constexpr (captures_nothing && returns_value) {
      static_assert(!std::is_integral_v<T> ||
                        !std::is_floating_point_v<std::invoke_result_t<F&, T, const Args&...>>,
                    "update() would cut what f returns to an integer, which is what the initial "
                    "value says: write 0.0, or convert it in f");
      using Arguments = std::tuple<T, std::tuple<Args...>>;
      add_update(
          key, {std::make_shared<const Arguments>(std::move(initial),
                                                  std::tuple<Args...>(std::move(arguments)...)),
                [](const void* state, const std::string_view* stored) {
                  const auto& [fallback, args] = *static_cast<const Arguments*>(state);
                  auto value = stored ? decode<T>(*stored) : std::nullopt;
                  if (!value) value.emplace(fallback);
                  return encode<T>(std::apply(
                      [&](const auto&... each) { return F{}(*std::move(value), each...); }, args));
                }});
    }
  }

  /// Whether there was something to erase, as far as this request sees.
  bool erase(std::string_view key);
  /// Erases all values that are present when it is applied; the session, its owner and flash stay.
  void clear();
  /// Kept until a handler asks for Flash; a later message replaces it. Any type that set() takes.
  template <class T>
  void set_flash(const T& message) {
    set_encoded_flash(encode(message));
  }

  /// 22 characters for a hidden field of forms, which the handler of the form compares with what it
  /// got (the Flame host's csrf.hpp does): 128 random bits that stay the session's until it gets a
  /// new ID. So it is asked for after regenerate() or set_owner(), not before. The first call
  /// begins a session, or changes it; where two requests make the first calls at once, one of their
  /// tokens holds. Throws std::runtime_error: no random bytes.
  [[nodiscard]] std::string csrf_token();

  /// A new ID at commit; the old one is dead from then on, and what it still brings is dropped.
  void regenerate();
  /// The record goes at commit, and the cookie with it. Final: what this request changed is
  /// dropped, and what changes it afterwards throws std::logic_error, but for a flash message, with
  /// which a fresh session begins.
  void destroy();
  /// Signs in: the session belongs to `owner` from now on. Another owner than before means a new ID
  /// and a new start of the absolute timeout. A login whose session ended or got a new ID meanwhile
  /// becomes a session of its own changes. What a visitor without an owner had stays, a cart say;
  /// what another owner had is dropped, values and flash, but for this request's own changes.
  /// Empty: nobody's again. Throws ValueError above 255 bytes.
  void set_owner(std::string_view owner);
  /// The same, with lifetimes and a label of its own. Where owner or any of these is another than
  /// before, it is a login. Throws ValueError: a time below 1 s or above Options::longest_login, an
  /// idle timeout above the absolute one, or a label of more than 255 bytes.
  void set_owner(std::string_view owner, Login login);
  [[nodiscard]] std::string_view owner() const noexcept;
  /// Names the session in lists, logs and tools, and opens nothing. Empty where exists() is false.
  [[nodiscard]] std::optional<SessionKey> key() const noexcept;
  /// Loaded from the store, not new.
  [[nodiscard]] bool exists() const noexcept;

 private:
  friend struct SessionAccess;
  struct [[gnu::visibility("hidden")]] Impl;
  enum class State : std::uint8_t { open, committed, moved_from };

  [[nodiscard]] Impl& unfinished();  // throws where it is over
  [[nodiscard]] Impl& changing();    // … or destroyed
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const noexcept;
  void set_encoded(std::string_view key, std::string value);
  void set_encoded_flash(std::string message);
  void add_update(std::string_view key, detail::UpdateFunction update);

  std::shared_ptr<Impl> impl_;  // the commit's too, which changes nothing of it
  State state_ = State::open;
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
