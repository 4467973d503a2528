#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <flame/session/value.hpp>

#pragma GCC visibility push(default)

/// Stores nlohmann::json, whose header the application includes itself: null, bool, numbers, text,
/// arrays and objects, as the values that they are. So json(5) is read as an int, and a
/// std::map<std::string, int> as a json. What json calls binary has no stored form here:
/// ValueError.
namespace flame::inline v0::session {
namespace detail {

/// nlohmann::basic_json, of whatever version.
template <class T>
concept Json = IteratesOverItself<T> && requires(const T& json, T& changing) {
  typename T::object_t;
  typename T::array_t;
  { json.is_number_unsigned() } -> std::same_as<bool>;
  { json.is_binary() } -> std::same_as<bool>;
  json.items();
  changing.push_back(json);
};

}  // namespace detail

template <detail::Json T>
struct Codec<T> {
  static constexpr bool nullable = true;

  static void write(Writer& out, const T& json) {
    if (json.is_null()) return out.null();
    if (json.is_boolean()) return out.boolean(json.template get<bool>());
    if (json.is_number_unsigned()) return out.unsigned_integer(json.template get<std::uint64_t>());
    if (json.is_number_integer()) return out.integer(json.template get<std::int64_t>());
    if (json.is_number_float()) return out.real(json.template get<double>());
    if (json.is_string()) return out.text(json.template get_ref<const typename T::string_t&>());
    if (json.is_array()) {
      out.array(json.size());
      for (const T& element : json) write(out, element);
    } else if (json.is_object()) {
      out.map(json.size());
      for (const auto& [key, value] : json.template get_ref<const typename T::object_t&>()) {
        out.text(key);
        write(out, value);
      }
    } else {
      detail::throw_value_error("binary or discarded json cannot be stored: make text of it");
    }
  }

  static std::optional<T> read(Reader& in) {
    if (in.null()) return std::optional<T>(std::in_place, nullptr);
    if (const auto value = in.boolean()) return make(*value);
    if (const auto value = in.unsigned_integer()) return make(*value);
    if (const auto value = in.integer()) return make(*value);
    if (const auto value = in.real64()) return make(*value);
    if (const auto value = in.real32()) return make(static_cast<double>(*value));
    if (const auto text = in.text()) return make(typename T::string_t(text->data(), text->size()));
    if (const auto count = in.array()) return read_array(in, *count);
    if (const auto count = in.map()) return read_object(in, *count);
    return std::nullopt;
  }

 private:
  template <class Value>
  static std::optional<T> make(Value value) {
    return std::optional<T>(std::in_place, std::move(value));
  }
  static std::optional<T> read_array(Reader& in, std::size_t count) {
    auto out = std::optional<T>(std::in_place, T::array());
    for (std::size_t i = 0; i < count; ++i) {
      auto element = read(in);
      if (!element) return std::nullopt;
      out->push_back(*std::move(element));
    }
    return out;
  }
  static std::optional<T> read_object(Reader& in, std::size_t count) {
    auto out = std::optional<T>(std::in_place, T::object());
    for (std::size_t i = 0; i < count; ++i) {
      const auto key = in.text();
      if (!key) return std::nullopt;
      auto value = read(in);
      if (!value) return std::nullopt;
      (*out)[typename T::string_t(key->data(), key->size())] = *std::move(value);
    }
    return out;
  }
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
