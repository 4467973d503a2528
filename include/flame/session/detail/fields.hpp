#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

/// The members of a plain struct, and their names, with nothing declared by its author. Counting:
/// how many initialisers the struct takes. Names: as the compiler spells a pointer to each member
/// of a static object that is declared and never defined. No run-time cost; one static name per
/// member in the program.
namespace flame::inline v0::session::detail {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"  // g++ does not know the others
#pragma GCC diagnostic ignored "-Wundefined-internal"
#pragma GCC diagnostic ignored "-Wundefined-var-template"

inline constexpr std::size_t max_fields = 32;

/// Converts to whatever a member of T may be. Never runs.
template <class T>
struct AnyMember {
  template <class U>
  requires(!std::is_base_of_v<U, T>) operator U() const;  // NOLINT: implicit is its purpose
};

/// Converts to whatever a base of T may be. Never runs.
template <class T>
struct AnyBase {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U()
      const;  // NOLINT: implicit is its purpose
};

template <class T, std::size_t>
using AnyMemberAt = AnyMember<T>;

template <class T, std::size_t... I>
consteval bool takes_in_braces(std::index_sequence<I...>) {
  return requires { T{AnyMemberAt<T, I>{}...}; };
}

/// How many initialisers T takes in braces; above max_fields where it is more than that, or none
/// fit.
template <class T, std::size_t N = 0>
consteval std::size_t count_initialisers() {
  if constexpr (N > max_fields) {
    return N;
  } else if constexpr (takes_in_braces<T>(std::make_index_sequence<N + 1>()) ||
                       !takes_in_braces<T>(std::make_index_sequence<N>())) {
    return count_initialisers<T, N + 1>();
  } else {
    return N;
  }
}

template <class T, std::size_t... Before, std::size_t... After>
consteval bool takes_braces_between(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires { T{AnyMemberAt<T, Before>{}..., {}, AnyMemberAt<T, After>{}...}; };
}

template <class T, std::size_t At, std::size_t... Fewer>
consteval bool takes_braces_and_fewer(std::index_sequence<Fewer...>) {
  return (
      takes_braces_between<T>(std::make_index_sequence<At>(), std::make_index_sequence<Fewer>()) ||
      ...);
}

/// Whether a C array takes several of the initialisers. With braces of its own it takes only those,
/// and there are too many for the members after it.
template <class T, std::size_t Count, std::size_t At = 0>
consteval bool flattens_array() {
  if constexpr (At == Count) {
    return false;
  } else if constexpr (takes_braces_between<T>(std::make_index_sequence<At>(),
                                               std::make_index_sequence<Count - At - 1>())) {
    return flattens_array<T, Count, At + 1>();
  } else {  // an array, or a member that must be given a value
    return takes_braces_and_fewer<T, At>(std::make_index_sequence<Count - At - 1>()) ||
           flattens_array<T, Count, At + 1>();
  }
}

template <class T>
inline constexpr std::size_t field_count = count_initialisers<T>();

/// References to the members of an object, in the order of their declaration.
template <class T>
constexpr auto fields(T& object) noexcept {
  constexpr std::size_t count = field_count<std::remove_const_t<T>>;
  static_assert(count <= max_fields);
  if constexpr (count == 0) {
    static_cast<void>(object);
    return std::tuple<>();
  } else if constexpr (count == 1) {
    auto& [a] = object;
    return std::tie(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = object;
    return std::tie(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = object;
    return std::tie(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = object;
    return std::tie(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = object;
    return std::tie(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = object;
    return std::tie(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = object;
    return std::tie(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = object;
    return std::tie(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = object;
    return std::tie(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  } else if constexpr (count == 17) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
  } else if constexpr (count == 18) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
  } else if constexpr (count == 19) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
  } else if constexpr (count == 20) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t);
  } else if constexpr (count == 21) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u);
  } else if constexpr (count == 22) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v);
  } else if constexpr (count == 23) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w);
  } else if constexpr (count == 24) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
  } else if constexpr (count == 25) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y);
  } else if constexpr (count == 26) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z);
  } else if constexpr (count == 27) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa] =
        object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa);
  } else if constexpr (count == 28) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab] =
        object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa, ab);
  } else if constexpr (count == 29) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab,
           ac] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa, ab, ac);
  } else if constexpr (count == 30) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac,
           ad] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa, ab, ac, ad);
  } else if constexpr (count == 31) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac,
           ad, ae] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa, ab, ac, ad, ae);
  } else if constexpr (count == 32) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac,
           ad, ae, af] = object;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                    aa, ab, ac, ad, ae, af);
  }
}

template <class T>
struct Unplaced {  // T itself may be a local type, and no such object may lack a definition
  T value;
};
template <class T>
struct Placed {
  static const Unplaced<T> object;
};

/// Of a member that is no C array. A class, since clang 16 takes such an argument in no other form.
template <class T>
requires(!std::is_array_v<T>) struct Address {
  T* of;
};
template <class T>
Address(T*) -> Address<T>;

/// How the compiler names what is there. Not std::string_view: g++ would go on about that typedef.
template <Address To>
constexpr std::basic_string_view<char> spelling() noexcept {
  return __PRETTY_FUNCTION__;
}

/// g++: `... = Address<...>{(& ....Notice::success)}]`, clang: `... = {&....success}]` ->
/// `success`.
constexpr std::string_view last_identifier(std::string_view text) noexcept {
  text = text.substr(0, text.find_last_not_of(")}]") + 1);
  return text.substr(text.find_last_of(":.") + 1);
}

template <class T, std::size_t... I>
consteval bool are_fields(std::index_sequence<I...>) {
  // References and bit-fields have no address of their own.
  return (requires { spelling<Address{&std::get<I>(fields(Placed<T>::object.value))}>(); } && ...);
}

/// Whether T is a struct of members that can be named.
template <class T>
consteval bool has_fields() {
  if constexpr (!std::is_aggregate_v<T> || !std::is_class_v<T>) {
    return false;
  } else if constexpr (field_count<T> > max_fields ||
                       (field_count<T> == 0 && !std::is_empty_v<T>)) {
    return false;
  } else if constexpr (requires { T{AnyBase<T>{}}; } || flattens_array<T, field_count<T>>()) {
    return false;
  } else {
    return are_fields<T>(std::make_index_sequence<field_count<T>>());
  }
}

template <class T, std::size_t... I>
constexpr auto find_field_names(std::index_sequence<I...>) noexcept {
  return std::array<std::string_view, sizeof...(I)>{
      last_identifier(spelling<Address{&std::get<I>(fields(Placed<T>::object.value))}>())...};
}

/// The names of the members, in the order of their declaration.
template <class T>
inline constexpr auto field_names = find_field_names<T>(std::make_index_sequence<field_count<T>>());

#pragma GCC diagnostic pop

}  // namespace flame::inline v0::session::detail

#pragma GCC visibility pop
