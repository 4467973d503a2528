#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <flame/context.hpp>
#include <flame/response.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// How what a handler returns becomes the answer, always: what may let the request pass is a
/// std::optional of it. Specialise it for a type of your own:
///
///   template <>
///   struct flame::Answer<Page> {
///     static void give(flame::Context& context, Page page) {
///       context.answer(flame::html(page.text));
///     }
///   };
template <class T>
struct Answer {};

namespace detail {
template <class T>
concept Answerable = requires(Context& context, T& result) {
  Answer<T>::give(context, std::move(result));
};

template <class T>
inline constexpr bool may_be_empty = false;
template <class T>
inline constexpr bool may_be_empty<std::optional<T>> = true;

template <class T>
concept AlwaysAnswers = Answerable<T> && !may_be_empty<T>;
}  // namespace detail

template <>
struct Answer<std::string> {
  static void give(Context& context, std::string&& body);
};
template <>
struct Answer<const char*> {
  static void give(Context& context, const char* body) {
    context.answer(body == nullptr ? std::string_view() : std::string_view(body));
  }
};
template <>
struct Answer<Response> {
  static void give(Context& context, Response&& response) { context.answer(std::move(response)); }
};
template <>
struct Answer<Json> {
  static void give(Context& context, Json&& json);
};
/// Any of the others, with a status.
template <detail::AlwaysAnswers Body>
struct Answer<std::pair<int, Body>> {
  static void give(Context& context, std::pair<int, Body>&& result) {
    Answer<Body>::give(context, std::move(result.second));
    context.status(result.first);
  }
};
/// Any of the others, or none: then the chain goes on.
template <detail::AlwaysAnswers Body>
struct Answer<std::optional<Body>> {
  static void give(Context& context, std::optional<Body>&& result) {
    if (result) Answer<Body>::give(context, *std::move(result));
  }
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
