#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <flame/session/detail/fields.hpp>
#include <flame/session/value_codecs.hpp>
#include <flame/session/value_io.hpp>

#pragma GCC visibility push(default)

/// The codecs of values that contain others: optionals, variants, tuples, containers and plain
/// structs.
namespace flame::inline v0::session {
namespace detail {

/// What begins with another of itself: it would be stored as a container of what it is not.
template <class T>
concept IteratesOverItself = requires(const T& t) {
  requires std::is_same_v<std::remove_cvref_t<decltype(*t.begin())>, T>;
};

template <class T>
concept AnyContainer = !IteratesOverItself<T> && requires(const T& t) {
  typename T::value_type;
  t.begin();
  t.end();
  t.size();
};

template <class T>
concept Container = AnyContainer<T> && !Text<T> && !Bytes<T>;

template <class T>
concept HasKeys = requires {
  typename T::key_type;
};

template <class T>
concept Appendable = requires(T t, typename T::value_type value) {
  t.push_back(std::move(value));
};

template <class T>
concept Sequence = Container<T> && !HasKeys<T> && Appendable<T>;

template <class T>
concept Set = Container<T> && std::is_same_v<typename T::key_type, typename T::value_type>;

template <class T>
concept Elements = Sequence<T> || Set<T>;

template <class T>
concept EmplacesOnce = requires(T t, typename T::key_type key, typename T::mapped_type mapped) {
  { t.emplace(std::move(key), std::move(mapped)).second } -> std::convertible_to<bool>;
};

template <class T>  // a multimap is none: a CBOR map has a key once
concept Map = Container<T> && EmplacesOnce<T>;

template <class T>
concept Struct =
    std::is_aggregate_v<T> && std::is_class_v<T> && !AnyContainer<T> && !IteratesOverItself<T>;

template <class T>
concept NamedFields = Struct<T> && has_fields<T>();

template <class T>
inline constexpr bool is_nullable = requires {
  requires Codec<T>::nullable;
};

template <class T>
concept Pointer = std::is_pointer_v<T> || requires(const T& t) {
  typename T::element_type;
  t.get();
  t.operator->();
};

template <class T, class... E>
struct TupleCodec {
  static_assert(!(std::is_reference_v<E> || ...),
                "a tuple of references cannot be stored: let it own its elements");

  static void write(Writer& out, const T& value) {
    out.array(sizeof...(E));
    std::apply(
        [&](const auto&... element) { (Codec<std::remove_cv_t<E>>::write(out, element), ...); },
        value);
  }
  static std::optional<T> read(Reader& in) {
    if (in.array() != sizeof...(E)) return std::nullopt;
    std::tuple<std::optional<std::remove_cv_t<E>>...> elements;
    return std::apply(
        [&](auto&... element) -> std::optional<T> {
          [[maybe_unused]] const auto take = [&]<class V>(std::optional<V>& into) {
            into = Codec<V>::read(in);
            return into.has_value();
          };
          if (!(take(element) && ...)) return std::nullopt;
          return T(*std::move(element)...);
        },
        elements);
  }
};

}  // namespace detail

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  using Array = std::array<T, N>;
  static void write(Writer& out, const Array& value) {
    out.array(N);
    for (const T& element : value) Codec<T>::write(out, element);
  }
  static std::optional<Array> read(Reader& in) {
    if (in.array() != N) return std::nullopt;
    std::optional<Array> value(std::in_place);
    for (T& into : *value) {
      auto element = Codec<T>::read(in);
      if (!element) return std::nullopt;
      into = *std::move(element);
    }
    return value;
  }
};

/// Null, or the value; in an array of its own where it could be null itself.
template <class T>
struct Codec<std::optional<T>> {
  static constexpr bool nullable = true;

  static void write(Writer& out, const std::optional<T>& value) {
    if (!value) return out.null();
    if constexpr (detail::is_nullable<T>) out.array(1);
    Codec<T>::write(out, *value);
  }
  static std::optional<std::optional<T>> read(Reader& in) {
    if (in.null()) return std::optional<std::optional<T>>(std::in_place);
    if constexpr (detail::is_nullable<T>) {
      if (in.array() != 1u) return std::nullopt;
    }
    auto value = Codec<T>::read(in);
    if (!value) return std::nullopt;
    return std::optional<std::optional<T>>(std::in_place, *std::move(value));
  }
};

template <>
struct Codec<std::monostate> {
  static constexpr bool nullable = true;
  static void write(Writer& out, std::monostate) { out.null(); }
  static std::optional<std::monostate> read(Reader& in) {
    return in.null() ? std::optional(std::monostate()) : std::nullopt;
  }
};

/// The index, and the value.
template <class... T>
struct Codec<std::variant<T...>> {
  using Variant = std::variant<T...>;

  static void write(Writer& out, const Variant& value) {
    if (value.valueless_by_exception())
      detail::throw_value_error("a std::variant without a value cannot be stored: give it one");
    out.array(2);
    out.unsigned_integer(value.index());
    std::visit([&]<class V>(const V& held) { Codec<V>::write(out, held); }, value);
  }
  static std::optional<Variant> read(Reader& in) {
    if (in.array() != 2u) return std::nullopt;
    const auto index = in.unsigned_integer();
    return index ? read_one(in, *index, std::index_sequence_for<T...>()) : std::nullopt;
  }

 private:
  template <std::size_t... I>
  static std::optional<Variant> read_one(Reader& in, std::uint64_t index,
                                         std::index_sequence<I...>) {
    std::optional<Variant> value;
    static_cast<void>(((index == I && (read_as<I>(in, value), true)) || ...));
    return value;
  }
  template <std::size_t I>
  static void read_as(Reader& in, std::optional<Variant>& into) {
    auto value = Codec<std::variant_alternative_t<I, Variant>>::read(in);
    if (value) into.emplace(std::in_place_index<I>, *std::move(value));
  }
};

template <class A, class B>
struct Codec<std::pair<A, B>> : detail::TupleCodec<std::pair<A, B>, A, B> {};

template <class... T>
struct Codec<std::tuple<T...>> : detail::TupleCodec<std::tuple<T...>, T...> {};

template <detail::Elements T>
struct Codec<T> {
  using Element = typename T::value_type;
  static void write(Writer& out, const T& value) {
    out.array(value.size());
    for (const auto& element : value) Codec<Element>::write(out, element);
  }
  static std::optional<T> read(Reader& in) {
    const auto count = in.array();
    if (!count) return std::nullopt;
    std::optional<T> value(std::in_place);
    reserve_some(*value, *count);
    for (std::size_t i = 0; i < *count; ++i) {
      auto element = Codec<Element>::read(in);
      if (!element) return std::nullopt;
      add(*value, *std::move(element));
    }
    if (value->size() != *count) return std::nullopt;  // a set was written with no element twice
    return value;
  }

 private:
  // What is announced need not come: 2 KiB of it at most.
  static void reserve_some([[maybe_unused]] T& container, [[maybe_unused]] std::size_t n) {
    if constexpr (detail::Sequence<T> && requires { container.reserve(n); }) {
      constexpr std::size_t most = 2048 / sizeof(Element) + 1;
      container.reserve(n < most ? n : most);
    }
  }
  static void add(T& container, Element&& element) {
    if constexpr (detail::Sequence<T>) {
      container.push_back(std::move(element));
    } else {
      container.insert(std::move(element));
    }
  }
};

template <detail::Map T>
struct Codec<T> {
  using Key = typename T::key_type;
  using Mapped = typename T::mapped_type;
  static void write(Writer& out, const T& value) {
    out.map(value.size());
    for (const auto& [key, mapped] : value) {
      Codec<Key>::write(out, key);
      Codec<Mapped>::write(out, mapped);
    }
  }
  static std::optional<T> read(Reader& in) {
    const auto count = in.map();
    if (!count) return std::nullopt;
    std::optional<T> value(std::in_place);
    for (std::size_t i = 0; i < *count; ++i) {
      auto key = Codec<Key>::read(in);
      if (!key) return std::nullopt;
      auto mapped = Codec<Mapped>::read(in);
      if (!mapped) return std::nullopt;
      if (!value->emplace(*std::move(key), *std::move(mapped)).second) return std::nullopt;
    }
    return value;
  }
};

/// A map of the members by name.
template <detail::NamedFields T>
struct Codec<T> {
  static void write(Writer& out, const T& value) {
    std::apply(
        [&](const auto&... member) {
          out.map(sizeof...(member));
          [[maybe_unused]] auto name = detail::field_names<T>.begin();
          (write_member(out, *name++, member), ...);
        },
        detail::fields(value));
  }
  static std::optional<T> read(Reader& in) {
    const auto count = in.map();
    if (!count) return std::nullopt;
    Members members;
    for (std::size_t i = 0; i < *count; ++i) {
      const auto name = in.text();
      if (!name || !read_member(in, *name, members, Indices())) return std::nullopt;
    }
    return std::apply(
        [](auto&... member) -> std::optional<T> {
          if (!(is_there(member) && ...)) return std::nullopt;
          return T{*std::move(member)...};
        },
        members);
  }

 private:
  template <class... M>
  static std::tuple<std::optional<std::remove_const_t<M>>...> owned(std::tuple<M&...>);
  using Members = decltype(owned(detail::fields(std::declval<T&>())));
  using Indices = std::make_index_sequence<std::tuple_size_v<Members>>;

  template <class M>
  static void write_member(Writer& out, std::string_view name, const M& member) {
    out.text(name);
    Codec<M>::write(out, member);
  }
  template <std::size_t... I>
  static bool read_member(Reader& in, [[maybe_unused]] std::string_view name,
                          [[maybe_unused]] Members& members, std::index_sequence<I...>) {
    bool good = false;
    const bool known =
        ((name == detail::field_names<T>[I] && (good = take(in, std::get<I>(members)), true)) ||
         ...);
    return known ? good : in.skip().has_value();
  }
  template <class M>
  static bool take(Reader& in, std::optional<M>& into) {
    if (into) return false;  // a member twice
    into = Codec<M>::read(in);
    return into.has_value();
  }
  template <class M>
  static bool is_there(const std::optional<M>& member) {
    return member.has_value();
  }
  template <class M>
  static bool is_there(std::optional<std::optional<M>>& member) {
    if (!member) member.emplace();
    return true;
  }
};

/// What has no codec: says why.
template <class T, class Enable>
struct Codec {
  static constexpr bool is_long_double = std::is_same_v<T, long double>;
  static constexpr bool is_closed_class = std::is_class_v<T> && !std::is_aggregate_v<T> &&
                                          !detail::Pointer<T> && !detail::IteratesOverItself<T>;
  static_assert(!detail::Pointer<T>,
                "a pointer cannot be stored: store the value, or a std::optional of it");
  static_assert(!std::is_array_v<T>, "a C array cannot be stored: use std::array or std::vector");
  static_assert(!is_long_double, "long double differs between machines: store a double");
  static_assert(!detail::IteratesOverItself<T>,
                "this type iterates over itself: store its text (string(), dump()), or include "
                "<flame/session/json.hpp> for nlohmann::json");
  static_assert(!is_closed_class,
                "this class has private or virtual members, or a constructor of its own, so that "
                "nobody can list its members: make it a plain struct, or specialise "
                "flame::session::Codec for it (value.hpp shows how)");
  static_assert(
      !detail::Struct<T>,
      "this struct has a base, C array, reference, bit-field or more than 32 members: specialise "
      "flame::session::Codec for it (value.hpp shows how)");
  static_assert(detail::Pointer<T> || std::is_array_v<T> || is_long_double ||
                    detail::IteratesOverItself<T> || is_closed_class || detail::Struct<T>,
                "this type has no stored form: specialise flame::session::Codec for it (value.hpp "
                "shows how)");

  static void write(Writer& out, const T& value);
  static std::optional<T> read(Reader& in);
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
