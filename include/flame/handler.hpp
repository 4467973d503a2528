#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <flame/answer.hpp>
#include <flame/context.hpp>
#include <flame/middleware.hpp>
#include <flame/task.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {
class Stream;
}

/// What a handler may be: a function, (&C::member, object), or an object with one const,
/// non-template operator(). It is called by many threads at once.
///
/// Parameters, in any order: Context& · const Request& · Next (then it is a middleware, and returns
/// Task<>) · T&, const T& of what Flame::map or a middleware provides · T*, const T*: null where it
/// is not to be had.
///
/// Beside these, blocking(handler).
///
/// Results: void (the chain goes on) · std::string, string literal, Response (flame::html,
/// flame::redirect), Json, whatever has an Answer (json.hpp: nlohmann::json), std::pair of a status
/// and one of these (the chain ends) · std::optional of one of these, for a guard: empty, the chain
/// goes on, so a route's last handler has none · a Task of one of these.
namespace flame::inline v0::detail {

/// What one parameter of a handler asks for; without a type: what the host itself passes.
struct Want {
  const std::type_info* type = nullptr;
  bool write = false;
  bool required = false;
};

/// Where the object for one parameter is.
struct Binding {
  void* fixed = nullptr;
  std::uint16_t slot = 0;
};
[[nodiscard]] inline void* find(const Binding& binding, void* const* slots) noexcept {
  return binding.fixed != nullptr ? binding.fixed : slots[binding.slot];
}

/// What a middleware of the library's own has to do with run() and start().
class AtStart {
 public:
  virtual ~AtStart() = default;
  /// A line for each thing that is wrong with its options.
  [[nodiscard]] virtual std::vector<std::string> check() const = 0;
  /// Why it must not be of some routes alone; empty: it may.
  [[nodiscard]] virtual std::string fault_in_a_route() const { return {}; }
  /// What run() prints once it listens, if anything.
  [[nodiscard]] virtual std::string line() const { return {}; }
};

/// A handler or a middleware, its type erased; one of direct, around and provider is set.
struct Link {
  std::shared_ptr<const void> object{};
  void (*direct)(const void* object, Context&, const Binding*) = nullptr;
  Task<> (*around)(const void* object, Context&, const Binding*, Next) = nullptr;
  bool blocks = false;    // direct, on a thread of its own
  bool may_pass = false;  // its result may be empty: another one must follow
  bool is_last = false;   // it always has a result: none can follow
  std::vector<Want> wants{};
  std::shared_ptr<Provider> provider{};
  std::shared_ptr<const AtStart> at_start{};
};

[[nodiscard]] void* const* slots_of(const Context& context) noexcept;

template <class>
inline constexpr bool never = false;

// --- Parameters

/// What no handler is given by type: which one would be meant?
template <class T>
inline constexpr bool is_value =
    !std::is_class_v<std::remove_reference_t<T>> || std::is_same_v<T, std::string> ||
    std::is_same_v<T, std::string_view>;

template <class T>
struct NoValue {
  static_assert(
      !is_value<T>,
      "a handler is given objects of classes by type, not parts of the path, the query or "
      "a form: take flame::Context& c, and ask c.param(\"id\"), c.query(\"id\") or "
      "c.form(\"id\")");
};
template <class P>
struct Parameter : NoValue<P> {
  static_assert(
      is_value<P>,
      "a handler takes its parameters by reference, or by pointer where they may be absent: "
      "T&, const T&, T* or const T*");
  // So that the first error is the last.
  static Want want() noexcept;
  static P get(Context&, const Binding&, void* const*, const Next&) noexcept;
};
template <class T>
struct Injected : NoValue<std::remove_const_t<T>> {
  static_assert(!std::is_same_v<std::remove_const_t<T>, Stream>,
                "a flame::Stream is for the function of flame::streamed(...), which the handler "
                "returns");
  static_assert(!std::is_same_v<std::remove_const_t<T>, Request> &&
                    !std::is_same_v<std::remove_const_t<T>, Context> &&
                    !std::is_same_v<std::remove_const_t<T>, Next>,
                "a handler takes Context&, const Request& or Next exactly so");
  static_assert(!std::is_same_v<std::remove_const_t<T>, Response>,
                "a handler returns a flame::Response, or takes flame::Context& c and changes "
                "c.response()");
};
template <class T>
struct Parameter<T&> : Injected<T> {
  static Want want() noexcept { return {&typeid(T), !std::is_const_v<T>, true}; }
  static T& get(Context&, const Binding& binding, void* const* slots, const Next&) noexcept {
    return *static_cast<T*>(find(binding, slots));
  }
};
template <class T>
struct Parameter<T*> : Injected<T> {
  static Want want() noexcept { return {&typeid(T), !std::is_const_v<T>, false}; }
  static T* get(Context&, const Binding& binding, void* const* slots, const Next&) noexcept {
    return static_cast<T*>(find(binding, slots));
  }
};
template <>
struct Parameter<Context&> {
  static Want want() noexcept { return {}; }
  static Context& get(Context& context, const Binding&, void* const*, const Next&) noexcept {
    return context;
  }
};
template <>
struct Parameter<const Context&> : Parameter<Context&> {};
template <>
struct Parameter<const Request&> {
  static Want want() noexcept { return {}; }
  static const Request& get(Context& context, const Binding&, void* const*, const Next&) noexcept {
    return context.request();
  }
};
template <>
struct Parameter<Next> {
  static Want want() noexcept { return {}; }
  static Next get(Context&, const Binding&, void* const*, const Next& next) noexcept {
    return next;
  }
};

// --- Results

template <class R>
struct ResultTraits {
  static constexpr bool is_task = false;
  using Value = R;
};
template <class R>
struct ResultTraits<Task<R>> {
  static constexpr bool is_task = true;
  using Value = R;
};

template <class R>
inline constexpr bool is_result = std::is_void_v<R> || Answerable<R>;

// --- Calls

template <class Signature>
struct CallTraits {
  static_assert(never<Signature>, "a handler's function is neither variadic, volatile nor && ");
};
template <class R, class... P>
struct CallTraits<R (*)(P...)> {
  using Result = R;
  static constexpr bool is_around = (std::is_same_v<P, Next> || ...);

  static std::vector<Want> wants() { return {Parameter<P>::want()...}; }

  template <class F>
  static R call(const F& function, Context& context, const Binding* bindings, const Next& next) {
    return call(function, context, bindings, next, std::index_sequence_for<P...>{});
  }

 private:
  template <class F, std::size_t... I>
  static R call(const F& function, [[maybe_unused]] Context& context,
                [[maybe_unused]] const Binding* bindings, [[maybe_unused]] const Next& next,
                std::index_sequence<I...>) {
    [[maybe_unused]] void* const* slots = slots_of(context);
    return function(Parameter<P>::get(context, bindings[I], slots, next)...);
  }
};
template <class R, class... P>
struct CallTraits<R (*)(P...) noexcept> : CallTraits<R (*)(P...)> {};

/// Of a pointer to a member function: the function's type without its class.
template <class M>
struct MemberTraits : CallTraits<M> {};
template <class C, class R, class... P>
struct MemberTraits<R (C::*)(P...) const> : CallTraits<R (*)(P...)> {
  static constexpr bool is_const = true;
};
template <class C, class R, class... P>
struct MemberTraits<R (C::*)(P...) const noexcept> : MemberTraits<R (C::*)(P...) const> {};
template <class C, class R, class... P>
struct MemberTraits<R (C::*)(P...) const&> : MemberTraits<R (C::*)(P...) const> {};
template <class C, class R, class... P>
struct MemberTraits<R (C::*)(P...)> : CallTraits<R (*)(P...)> {
  static constexpr bool is_const = false;
};
template <class C, class R, class... P>
struct MemberTraits<R (C::*)(P...) noexcept> : MemberTraits<R (C::*)(P...)> {};

template <class Traits, class F>
struct Erased {
  using Result = ResultTraits<typename Traits::Result>;
  using Value = typename Result::Value;
  static_assert(!std::is_same_v<Value, std::string_view>,
                "a handler cannot return std::string_view: what it views may be gone. Return "
                "std::string");
  static_assert(is_result<Value>,
                "a handler returns nothing, std::string, a string literal, flame::Response, "
                "flame::Json, what "
                "has a flame::Answer (<flame/json.hpp> for nlohmann::json), std::pair of an int "
                "status and one "
                "of these, std::optional of one of these, or a flame::Task of one of them");
  static_assert(!Traits::is_around || std::is_same_v<typename Traits::Result, Task<>>,
                "a middleware, which takes flame::Next, returns flame::Task<>");

  static void direct(const void* object, Context& context, const Binding* bindings) {
    const Next none(context, nullptr);
    const auto& function = *static_cast<const F*>(object);
    if constexpr (std::is_void_v<Value>) {
      Traits::call(function, context, bindings, none);
    } else {
      Answer<Value>::give(context, Traits::call(function, context, bindings, none));
    }
  }
  static Task<> around(const void* object, Context& context, const Binding* bindings, Next next) {
    return Traits::call(*static_cast<const F*>(object), context, bindings, next);
  }
  static Task<> waiting(const void* object, Context& context, const Binding* bindings, Next next) {
    auto task = Traits::call(*static_cast<const F*>(object), context, bindings, next);
    if constexpr (std::is_void_v<Value>) {
      co_await task;
    } else {
      Value value = co_await task;
      Answer<Value>::give(context, std::move(value));
    }
    if (!context.answered()) co_await next();
  }
};

template <class Traits, class F>
[[nodiscard]] Link make_link(F function) {
  using Call = Erased<Traits, F>;
  Link link;
  link.object = std::make_shared<const F>(std::move(function));
  link.wants = Traits::wants();
  link.may_pass = may_be_empty<typename Call::Value>;
  link.is_last = AlwaysAnswers<typename Call::Value>;
  if constexpr (Traits::is_around) {
    link.around = &Call::around;
  } else if constexpr (Call::Result::is_task) {
    link.around = &Call::waiting;
  } else {
    link.direct = &Call::direct;
  }
  return link;
}

template <class F>
concept has_one_call = requires {
  &F::operator();
};

/// What blocking() makes.
struct Blocking {
  std::vector<Link> links{};
};

template <class F>
[[nodiscard]] Link link_of(F handler) {
  if constexpr (std::is_same_v<F, Middleware>) {
    if (handler.link() != nullptr) return *handler.link();
    Link link;
    link.provider = handler.provider();
    return link;
  } else if constexpr (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>) {
    constexpr bool makes_middleware = std::is_same_v<typename CallTraits<F>::Result, Middleware>;
    static_assert(!makes_middleware,
                  "this function makes a middleware, and is none: call it, as in "
                  "f.use(session::sessioner())");
    if (handler == nullptr)
      throw std::invalid_argument("a handler is a null pointer to a function");
    if constexpr (makes_middleware)
      return {};
    else
      return make_link<CallTraits<F>>(handler);
  } else {
    static_assert(
        has_one_call<F>,
        "a handler is a function, (&Class::member, object), or an object with exactly one "
        "operator() that is no template (no `auto` parameters)");
    if constexpr (has_one_call<F>) {
      using Traits = MemberTraits<decltype(&F::operator())>;
      static_assert(Traits::is_const,
                    "a handler's operator() is const, since many threads call it at once: a lambda "
                    "without `mutable`");
      if constexpr (Traits::is_const) return make_link<Traits>(std::move(handler));
    }
    return {};
  }
}

template <class Member, class Pointer>
struct MemberCall {
  Member member;
  Pointer object;
  template <class... P>
  decltype(auto) operator()(P&&... arguments) const {
    return ((*object).*member)(std::forward<P>(arguments)...);
  }
};

template <class Member>
struct MemberOf;
template <class C, class M>
struct MemberOf<M C::*> {
  using Class = C;
};

/// An object given by name, or by pointer, is referred to; a temporary is kept.
template <class Member, class Object>
[[nodiscard]] Link member_link(Member member, Object&& object) {
  using Class = typename MemberOf<Member>::Class;
  using O = std::decay_t<Object>;
  const auto link = [&](auto pointer) {
    return make_link<MemberTraits<Member>>(MemberCall<Member, decltype(pointer)>{member, pointer});
  };
  if constexpr (requires { static_cast<const Class&>(*object); }) {
    return link(O(std::forward<Object>(object)));
  } else if constexpr (std::is_lvalue_reference_v<Object>) {
    return link(&object);
  } else {
    return link(std::make_shared<O>(std::move(object)));
  }
}

inline void collect(std::vector<Link>&) noexcept {}
template <class First, class... Rest>
void collect(std::vector<Link>& links, First&& first, Rest&&... rest);

template <class Member, class Object, class... Rest>
void collect_member(std::vector<Link>& links, Member member, Object&& object, Rest&&... rest) {
  links.push_back(member_link(member, std::forward<Object>(object)));
  collect(links, std::forward<Rest>(rest)...);
}
template <class First, class... Rest>
void collect(std::vector<Link>& links, First&& first, Rest&&... rest) {
  using F = std::decay_t<First>;
  if constexpr (std::is_member_function_pointer_v<F>) {
    static_assert(sizeof...(Rest) > 0,
                  "a member function needs its object: (&Class::member, object)");
    if constexpr (sizeof...(Rest) > 0) collect_member(links, first, std::forward<Rest>(rest)...);
  } else {
    if constexpr (std::is_same_v<F, Blocking>)
      links.insert(links.end(), first.links.begin(), first.links.end());
    else
      links.push_back(link_of<F>(std::forward<First>(first)));
    collect(links, std::forward<Rest>(rest)...);
  }
}

template <class... H>
[[nodiscard]] std::vector<Link> links_of(H&&... handlers) {
  std::vector<Link> links;
  collect(links, std::forward<H>(handlers)...);
  return links;
}

}  // namespace flame::inline v0::detail

namespace flame::inline v0 {

/// For a handler that blocks, on a file, a database or a long computation: it runs on a thread of a
/// pool (HostOptions::blocking_threads) while its event loop serves others. 503 where
/// HostOptions::blocking_waiting of them wait for a thread already. What one waits for is its own
/// affair: after drain_time it is left behind.
///
///     f.get("/report", flame::blocking([](Session& s) { return slow_report(s); }));
template <class... H>
[[nodiscard]] detail::Blocking blocking(H&&... handler) {
  static_assert(sizeof...(H) > 0, "flame::blocking() needs a handler");
  detail::Blocking all{detail::links_of(std::forward<H>(handler)...)};
  for (auto& link : all.links) link.blocks = true;
  return all;
}

}  // namespace flame::inline v0

#pragma GCC visibility pop
