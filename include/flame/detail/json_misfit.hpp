#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/detail/fields.hpp>

#pragma GCC visibility push(default)

/// Finds what of a JSON a type cannot be made of, whose path the library does not tell, and numbers
/// that it would make others of without a word. By the names of the members of plain structs, and
/// of nothing that was sent.
namespace flame::inline v0::detail {

/// nlohmann::basic_json, of whatever version.
template <class T>
concept JsonLibrary = requires(const T& json, const char* text) {
  typename T::exception;
  typename T::error_handler_t;
  { T::parse(text, text, nullptr, false) } -> std::same_as<T>;
  { json.is_discarded() } -> std::same_as<bool>;
};

struct Misfit {
  std::string path{};  ///< `items[2].count`; empty: the whole, or what cannot be named
  bool is_missing = false;
};
[[noreturn]] void refuse_json_misfit(const Misfit& misfit);

[[nodiscard]] inline Misfit within(std::string path, Misfit misfit) {
  if (!misfit.path.empty() && misfit.path.front() != '[') path += '.';
  misfit.path.insert(0, path);
  return misfit;
}

template <class T, JsonLibrary J>
[[nodiscard]] Misfit find_misfit(const J& json, std::string_view what);

template <class T, JsonLibrary J>
[[nodiscard]] std::optional<Misfit> misfit_at(std::string path, const J& json) {
  if constexpr (requires { json.template get<T>(); }) {
    try {
      static_cast<void>(json.template get<T>());
    } catch (const typename J::exception& error) {
      return within(std::move(path), find_misfit<T>(json, error.what()));
    }
  }
  return std::nullopt;
}

/// The library says no path, but of a missing member the name.
template <class T, JsonLibrary J>
[[nodiscard]] std::optional<Misfit> misfit_of_member(std::string name, const J& json,
                                                     std::string_view what) {
  const auto member = json.find(name);
  if (member != json.end()) return misfit_at<T>(std::move(name), *member);
  if (what.find("'" + name + "'") == what.npos) return std::nullopt;
  return Misfit{std::move(name), true};
}

template <class T>
struct MisfitWithin {
  template <class J>
  static std::optional<Misfit> find(const J& json, std::string_view what) {
    if constexpr (session::detail::has_fields<T>()) {
      if (json.is_object())
        return find(json, what, std::make_index_sequence<session::detail::field_count<T>>());
    }
    return std::nullopt;
  }

 private:
  template <class J, std::size_t... I>
  static std::optional<Misfit> find(const J& json, std::string_view what,
                                    std::index_sequence<I...>) {
    using Members = decltype(session::detail::fields(std::declval<T&>()));
    std::optional<Misfit> found;
    static_cast<void>(
        ((found = misfit_of_member<std::remove_cvref_t<std::tuple_element_t<I, Members>>>(
              std::string(session::detail::field_names<T>[I]), json, what)) ||
         ...));
    return found;
  }
};
template <class T>
struct MisfitWithin<std::vector<T>> {
  template <class J>
  static std::optional<Misfit> find(const J& json, std::string_view) {
    if (!json.is_array()) return std::nullopt;
    for (std::size_t i = 0; i < json.size(); ++i)
      if (auto found = misfit_at<T>("[" + std::to_string(i) + "]", json[i])) return found;
    return std::nullopt;
  }
};

template <class T, JsonLibrary J>
Misfit find_misfit(const J& json, std::string_view what) {
  return MisfitWithin<T>::find(json, what).value_or(Misfit());
}

// --- Numbers
// The library makes 1 of 1.9 and of true, and 2 of 4294967298. A type that reads its own numbers
// may, too, and so what it made is compared with what the library would have.

template <class T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <Integer T, JsonLibrary J>
[[nodiscard]] bool lost_number(const J& json, T value) {
  using Limits = std::numeric_limits<T>;
  if (json.is_boolean()) return value == static_cast<T>(json.template get<bool>());
  if (!json.is_number()) return false;
  if (json.is_number_float()) {
    const auto sent = json.template get<double>();
    const auto end = std::ldexp(1.0, Limits::digits);  // what follows the largest: it is exact
    if (!(sent > -end - 1 && sent < end)) return true;
    if constexpr (!std::is_signed_v<T>)
      if (sent <= -1) return true;
    return sent != std::trunc(sent) && value == static_cast<T>(sent);
  }
  const auto bits = json.template get<std::uint64_t>();  // as the library casts it
  if (value != static_cast<T>(bits)) return false;
  const bool is_negative = !json.is_number_unsigned() && static_cast<std::int64_t>(bits) < 0;
  return is_negative != (value < 0) || static_cast<std::uint64_t>(value) != bits;
}

template <class T, JsonLibrary J>
requires std::is_floating_point_v<T>
[[nodiscard]] bool lost_number(const J& json, T value) {
  if (json.is_boolean()) return value == static_cast<T>(json.template get<bool>());
  return json.is_number() && std::isinf(value);
}

template <class T>
concept MayLoseNumbers = Integer<T> || std::is_floating_point_v<T>;

template <class T>
struct LostNumber {
  template <class J>
  static std::optional<Misfit> find(const J& json, const T& value) {
    if constexpr (MayLoseNumbers<T>) {
      if (lost_number(json, value)) return Misfit();
    } else if constexpr (std::is_enum_v<T>) {
      using Number = std::underlying_type_t<T>;
      if constexpr (Integer<Number>)
        if (lost_number(json, static_cast<Number>(value))) return Misfit();
    } else if constexpr (JsonLibrary<T>) {
    } else if constexpr (requires {
                           typename T::mapped_type;
                           json.find(value.begin()->first);
                         }) {
      return find_in_map(json, value);
    } else if constexpr (requires {
                           sizeof(typename T::value_type);
                           value.size();
                           value.end();
                         }) {
      if (json.is_array() && json.size() == value.size()) return find_in_range(json, value);
    } else if constexpr (requires(J j) { j.template get<T>(); } &&
                         session::detail::has_fields<T>()) {
      if (json.is_object())
        return find(json, value, std::make_index_sequence<session::detail::field_count<T>>());
    }
    return std::nullopt;
  }

 private:
  /// Without its key, which was sent.
  template <class J>
  static std::optional<Misfit> find_in_map(const J& json, const T& value) {
    if (!json.is_object()) return std::nullopt;
    for (const auto& [key, each] : value) {
      const auto member = json.find(key);
      if (member != json.end() && LostNumber<typename T::mapped_type>::find(*member, each))
        return Misfit();
    }
    return std::nullopt;
  }
  template <class J>
  static std::optional<Misfit> find_in_range(const J& json, const T& value) {
    std::size_t i = 0;
    for (const typename T::value_type& each : value) {
      if (auto found = LostNumber<typename T::value_type>::find(json[i], each))
        return within("[" + std::to_string(i) + "]", *std::move(found));
      ++i;
    }
    return std::nullopt;
  }
  template <class M, class J>
  static std::optional<Misfit> find_member(std::string name, const J& json, const M& value) {
    const auto member = json.find(name);
    if (member == json.end()) return std::nullopt;
    auto found = LostNumber<M>::find(*member, value);
    return found ? std::optional(within(std::move(name), *std::move(found))) : std::nullopt;
  }
  template <class J, std::size_t... I>
  static std::optional<Misfit> find(const J& json, const T& value, std::index_sequence<I...>) {
    [[maybe_unused]] const auto members = session::detail::fields(value);
    std::optional<Misfit> found;
    static_cast<void>(((found = find_member(std::string(session::detail::field_names<T>[I]), json,
                                            std::get<I>(members))) ||
                       ...));
    return found;
  }
};
template <class T>
struct LostNumber<std::optional<T>> {
  template <class J>
  static std::optional<Misfit> find(const J& json, const std::optional<T>& value) {
    return value ? LostNumber<T>::find(json, *value) : std::nullopt;
  }
};

}  // namespace flame::inline v0::detail

#pragma GCC visibility pop
