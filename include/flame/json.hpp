#pragma once

#include <string_view>
#include <utility>

#include <flame/answer.hpp>
#include <flame/context.hpp>
#include <flame/detail/json_misfit.hpp>
#include <flame/response.hpp>

#pragma GCC visibility push(default)

/// JSON by nlohmann::json, whose header the application includes itself: a handler may return one,
/// and read its request's body as one. For another library: specialise Answer, or return a Json.
namespace flame::inline v0 {
namespace detail {

/// The body, if it says that it is JSON and is not nested too deeply for anybody who walks it by
/// recursion; else throws HttpError.
[[nodiscard]] std::string_view json_text(const Context& context);
[[noreturn]] void refuse_json();

}  // namespace detail

/// Bytes that are no UTF-8 are sent as U+FFFD.
template <detail::JsonLibrary T>
struct Answer<T> {
  static void give(Context& context, T&& json) {
    Answer<Json>::give(context, Json(json.dump(-1, ' ', false, T::error_handler_t::replace)));
  }
};

/// The body of the request: flame::json_body<nlohmann::json>(context). Throws HttpError, whose text
/// is for the client: 415 for another Content-Type than application/json and `…+json`, 400 for what
/// is no JSON, or is nested in more than 100 levels.
template <detail::JsonLibrary J>
[[nodiscard]] J json_body(const Context& context) {
  const auto text = detail::json_text(context);
  auto json = J::parse(text.data(), text.data() + text.size(), nullptr, false);
  if (json.is_discarded()) detail::refuse_json();
  return json;
}

/// The same, as a type that the library makes of it: flame::json_body<nlohmann::json, Order>(c).
/// HttpError 422 where members are missing or of another type, which names the first of a plain
/// struct's, by a path such as `items[2].count`, and repeats no value: asking the json itself for
/// members throws the library's own exceptions, and so is a 500. So for a number that the library
/// made another one of: 1.5 or true for an integer, or what is out of its range; in plain structs,
/// containers, optionals and enums.
template <detail::JsonLibrary J, class T>
[[nodiscard]] T json_body(const Context& context) {
  constexpr bool is_known = requires(const J& json) { json.template get<T>(); };
  static_assert(is_known,
                "json_body<json, T> reads a T that nlohmann::json knows: write "
                "NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(T, its members...) beside T");
  if constexpr (is_known) {
    const auto json = json_body<J>(context);
    try {
      auto value = json.template get<T>();
      if (const auto lost = detail::LostNumber<T>::find(json, value))
        detail::refuse_json_misfit(*lost);
      return value;
    } catch (const typename J::exception& error) {
      detail::refuse_json_misfit(detail::find_misfit<T>(json, error.what()));
    }
  }
}

}  // namespace flame::inline v0

#pragma GCC visibility pop
