#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/detail/fields.hpp>

#pragma GCC visibility push(default)

/// Finds what of a JSON a type could not be made of, once that failed: the library tells no path.
/// By the names of the members of plain structs, and of nothing that was sent.
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

template <class T, JsonLibrary J>
[[nodiscard]] Misfit find_misfit(const J& json, std::string_view what);

template <class T, JsonLibrary J>
[[nodiscard]] std::optional<Misfit> misfit_at(std::string path, const J& json) {
  if constexpr (requires { json.template get<T>(); }) {
    try {
      static_cast<void>(json.template get<T>());
    } catch (const typename J::exception& error) {
      auto misfit = find_misfit<T>(json, error.what());
      if (!misfit.path.empty() && misfit.path.front() != '[') path += '.';
      misfit.path.insert(0, path);
      return misfit;
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

}  // namespace flame::inline v0::detail

#pragma GCC visibility pop
