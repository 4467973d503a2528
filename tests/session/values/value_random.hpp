#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <flame/session/value.hpp>

/// Random values of every kind that a session holds, the awkward ones more often than chance has
/// them.
namespace value_random {

namespace session = flame::session;
using Generator = std::mt19937_64;

enum class Colour : std::uint8_t { red, green, blue };

struct Leaf {
  std::string name;
  std::optional<std::int64_t> number;
  std::variant<std::monostate, bool, double, std::string> any;
  bool operator==(const Leaf&) const = default;
};

/// Recursive: two levels of nesting for each level of this.
struct Tree {
  Leaf leaf;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
};

inline std::size_t below(Generator& random, std::size_t n) { return random() % n; }

template <class T>
struct Make;

template <class T>
T make(Generator& random) {
  return Make<T>::any(random);
}

template <session::detail::Integer T>
struct Make<T> {
  static T any(Generator& random) {
    switch (below(random, 4)) {
      case 0:
        return std::numeric_limits<T>::min();
      case 1:
        return std::numeric_limits<T>::max();
      case 2:
        return static_cast<T>(below(random, 300));
      default:
        return static_cast<T>(random() >> below(random, 64));
    }
  }
};

template <>
struct Make<bool> {
  static bool any(Generator& random) { return below(random, 2) == 1; }
};

/// All bit patterns: infinities, subnormals, quiet and signalling NaN.
template <class T, class Bits>
struct MakeReal {
  static T any(Generator& random) {
    auto bits = static_cast<Bits>(random());
    const Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
    if (below(random, 3) == 0) bits |= exponent;
    if (below(random, 8) == 0) bits = exponent;
    return std::bit_cast<T>(bits);
  }
};
template <>
struct Make<float> : MakeReal<float, std::uint32_t> {};
template <>
struct Make<double> : MakeReal<double, std::uint64_t> {};

template <>
struct Make<std::byte> {
  static std::byte any(Generator& random) { return static_cast<std::byte>(random()); }
};
template <>
struct Make<Colour> {
  static Colour any(Generator& random) { return static_cast<Colour>(below(random, 3)); }
};
template <>
struct Make<std::monostate> {
  static std::monostate any(Generator&) { return {}; }
};

/// ASCII, UTF-8 of all lengths, or any bytes; some of it longer than one, and two, bytes of length
/// hold.
template <>
struct Make<std::string> {
  static std::string any(Generator& random) {
    static constexpr std::string_view pieces[] = {"a", "Z", "\xC3\xA9", "\xE2\x82\xAC",
                                                  "\xF0\x9F\x94\xA5"};
    std::string text;
    const std::size_t size = below(random, 50) == 0   ? 70'000
                             : below(random, 10) == 0 ? 300
                                                      : below(random, 20);
    const bool any_bytes = below(random, 4) == 0;
    while (text.size() < size) {
      if (any_bytes) {
        text += static_cast<char>(random());
      } else {
        text += pieces[below(random, 5)];
      }
    }
    return text;
  }
};

template <class Count, class Period>
struct Make<std::chrono::duration<Count, Period>> {
  static std::chrono::duration<Count, Period> any(Generator& random) {
    return std::chrono::duration<Count, Period>(static_cast<Count>(random()) >>
                                                below(random, 8 * sizeof(Count)));
  }
};
template <class Duration>
struct Make<std::chrono::time_point<std::chrono::system_clock, Duration>> {
  static auto any(Generator& random) {
    return std::chrono::time_point<std::chrono::system_clock, Duration>(make<Duration>(random));
  }
};

template <class T>
struct Make<std::optional<T>> {
  static std::optional<T> any(Generator& random) {
    if (below(random, 3) == 0) return std::nullopt;
    return std::optional<T>(make<T>(random));
  }
};

template <class... T>
struct Make<std::variant<T...>> {
  using Variant = std::variant<T...>;
  static Variant any(Generator& random) {
    return pick(random, below(random, sizeof...(T)), std::index_sequence_for<T...>());
  }

 private:
  template <std::size_t... I>
  static Variant pick(Generator& random, std::size_t index, std::index_sequence<I...>) {
    Variant value;
    static_cast<void>(((index == I && (value.template emplace<I>(make<T>(random)), true)) || ...));
    return value;
  }
};

template <class... T>
struct Make<std::tuple<T...>> {
  static std::tuple<T...> any(Generator& random) { return {make<T>(random)...}; }
};
template <class A, class B>
struct Make<std::pair<A, B>> {
  static std::pair<A, B> any(Generator& random) { return {make<A>(random), make<B>(random)}; }
};
template <class T, std::size_t N>
struct Make<std::array<T, N>> {
  static std::array<T, N> any(Generator& random) {
    std::array<T, N> value;
    for (auto& element : value) element = make<T>(random);
    return value;
  }
};

template <session::detail::AnyContainer T>
struct Make<T> {
  static T any(Generator& random) {
    T value;
    for (auto n = below(random, 6); n > 0; --n) {
      if constexpr (session::detail::Map<T>) {
        value.emplace(make<typename T::key_type>(random), make<typename T::mapped_type>(random));
      } else {
        value.insert(value.end(), make<typename T::value_type>(random));
      }
    }
    return value;
  }
};

template <>
struct Make<Leaf> {
  static Leaf any(Generator& random) {
    return {make<std::string>(random), make<decltype(Leaf::number)>(random),
            make<decltype(Leaf::any)>(random)};
  }
};
template <>
struct Make<Tree> {
  static Tree any(Generator& random) { return deep(random, 4); }
  static Tree deep(Generator& random, std::size_t depth) {
    Tree tree{make<Leaf>(random), {}};
    if (depth == 0) return tree;
    for (auto n = below(random, 3); n > 0; --n) tree.children.push_back(deep(random, depth - 1));
    return tree;
  }
};

/// Bit for bit: a NaN is the same as itself.
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  } else {
    const bool has_nan = !(a == a);
    return has_nan ? session::encode(a) == session::encode(b) : a == b;
  }
}

}  // namespace value_random
