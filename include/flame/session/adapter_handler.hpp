#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

/// What an adapter makes of a handler's parameters. Those of ours are Session&, const Session&,
/// const Flash& and Flash, or pointers, which are null where the store is down; all others are its
/// framework's, in any order.
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

/// The same, from the types of a handler's parameters.
template <class... Parameters>
[[nodiscard]] constexpr std::optional<Need> need_of() noexcept {
  return need(takes<const Session, Parameters...>, takes<Session, Parameters...>,
              takes<const Flash, Parameters...> || takes<Flash, Parameters...>);
}

/// What a handler asks for.
struct Asked {
  std::optional<Need> need{};  ///< empty: no session
  bool required = false;       ///< it cannot be called without, for it takes no pointer
};

namespace detail {

template <class P, class... Q>
inline constexpr bool is_one_of = (std::is_same_v<P, Q> || ...);
template <class P>
inline constexpr bool is_session = is_one_of<P, Session&, const Session&, Session*, const Session*>;
template <class P>
inline constexpr bool is_flash = is_one_of<P, const Flash&, Flash, const Flash*>;
template <class P>
inline constexpr bool is_ours = is_session<P> || is_flash<P>;
/// As they are, or written as no handler may.
template <class P>
inline constexpr bool names_ours = need_of<P>().has_value();

/// Which of Q are T, but for references and const.
template <class T, class... Q>
inline constexpr std::array<bool, sizeof...(Q) + 1> same{
    std::is_same_v<std::remove_cvref_t<T>, std::remove_cvref_t<Q>>...};
template <class T, class... Q>
[[nodiscard]] constexpr std::size_t count_before(std::size_t end) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < end; ++i) count += same<T, Q...>[i] ? 1 : 0;
  return count;
}
/// The place of the one that has `skip` before it; their number where there is none.
template <class T, class... Q>
[[nodiscard]] constexpr std::size_t place(std::size_t skip) noexcept {
  std::size_t i = 0;
  while (i < sizeof...(Q) && !(same<T, Q...>[i] && skip-- == 0)) ++i;
  return i;
}

/// What it copies stays the same one: a view, a pointer of whatever kind, a function.
template <class P>
inline constexpr bool is_handle = std::is_trivially_copyable_v<P> || requires(P& p) {
  *p;
}
|| requires { &P::operator(); };

template <class P, std::size_t Place, class... Given>
[[nodiscard]] P argument(Session* session, const Flash* flash, std::tuple<Given&&...>& given) {
  static_assert(is_ours<P> || !names_ours<P>,
                "a handler takes Session&, const Session&, const Flash& or Flash, or, to be called "
                "where the store is down too, Session*, const Session* or const Flash*");
  static_assert(names_ours<P> || Place < sizeof...(Given),
                "a handler's parameter is neither the session's (Session&, const Session&, const "
                "Flash&, or pointers) nor what its framework passes to handlers");
  if constexpr (is_session<P>) {
    if constexpr (std::is_pointer_v<P>)
      return session;
    else
      return *session;
  } else if constexpr (is_flash<P>) {
    if constexpr (std::is_pointer_v<P>)
      return flash;
    else
      return *flash;
  } else if constexpr (Place < sizeof...(Given)) {
    using Passed = std::tuple_element_t<Place, std::tuple<Given&&...>>;
    static_assert(std::is_convertible_v<Passed, P>,
                  "a handler takes what its framework passes as a handler of the framework's own "
                  "does: const where that is const");
    static_assert(
        !std::is_class_v<P> || !std::is_lvalue_reference_v<Passed> ||
            std::is_const_v<std::remove_reference_t<Passed>> || is_handle<P>,
        "a handler takes by reference what its framework passes for it to change: what it "
        "does to a copy is lost");
    return std::get<Place>(std::move(given));
  }
}

template <class Function>
struct Signature;
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Others = decltype(std::tuple_cat(
      std::declval<
          std::conditional_t<is_ours<P>, std::tuple<>, std::tuple<std::type_identity<P>>>>()...));
  static constexpr Asked asked{need_of<P...>(),
                               ((is_ours<P> && !std::is_pointer_v<P>) || ... || false)};

  template <class F, class... Given>
  static R call(const F& function, Session* session, const Flash* flash, Given&&... given) {
    std::tuple<Given&&...> all(std::forward<Given>(given)...);
    return [&]<std::size_t... I>(std::index_sequence<I...>)->R {
      return function(argument<P, place<P, Given...>(count_before<P, P...>(I)), Given...>(
          session, flash, all)...);
    }
    (std::index_sequence_for<P...>{});
  }
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R (*)(P...)> {};

// Where one is refused, a handler without parameters stands in, or the reason drowns in others.
template <class Function>
struct Signature : Signature<void (*)()> {
  static_assert(!std::is_same_v<Function, Function>,
                "a handler's operator() is const, for many threads call it at once: a lambda "
                "without `mutable`");
};
template <class F>
struct SignatureOf : Signature<void (*)()> {
  static_assert(!std::is_same_v<F, F>,
                "a handler is a function, or an object with exactly one operator() that is no "
                "template (no `auto` parameters)");
};
template <class F>
requires std::is_function_v<std::remove_pointer_t<F>>
struct SignatureOf<F> : Signature<F> {
};
template <class F>
requires requires { &F::operator(); }
struct SignatureOf<F> : Signature<decltype(&F::operator())> {};

}  // namespace detail

/// A handler: a function, or an object with one const operator().
template <class F>
class Handler {
  using Signature = detail::SignatureOf<F>;

 public:
  using Result = typename Signature::Result;
  /// Of all parameters that are not ours, in order: std::tuple<std::type_identity<P>...>.
  using Others = typename Signature::Others;
  static constexpr Asked asked = Signature::asked;

  explicit Handler(F function) : function_(std::move(function)) {}

  /// Any number of threads at once. `given` is what the framework passes: each parameter gets the
  /// one of its type, and where several have that type, in order.
  template <class... Given>
  Result operator()(Session* session, const Flash* flash, Given&&... given) const {
    return Signature::call(function_, session, flash, std::forward<Given>(given)...);
  }

 private:
  F function_;
};

}  // namespace flame::inline v0::session::adapter

#pragma GCC visibility pop
