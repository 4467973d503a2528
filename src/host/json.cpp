#include <flame/http_error.hpp>
#include <flame/json.hpp>

#include "form.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

constexpr int max_depth = 100;

bool is_json(std::string_view type) noexcept {
  constexpr std::string_view ending = "+json";
  if (same_name(type, "application/json")) return true;
  return type.size() > ending.size() && same_name(type.substr(type.size() - ending.size()), ending);
}

bool is_too_deep(std::string_view text) noexcept {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string_view json_text(const Context& context) {
  if (!is_json(media_type(context.request())))
    throw HttpError(415, "this takes JSON: send it with Content-Type: application/json");
  if (is_too_deep(context.body()))
    throw HttpError(400, "the JSON in the body is nested too deeply");
  return context.body();
}

void refuse_json() { throw HttpError(400, "the body is no JSON"); }

void refuse_json_misfit(const Misfit& misfit) {
  if (misfit.path.empty())
    throw HttpError(422,
                    "the JSON in the body is not of the type, or lacks members, that are wanted "
                    "here");
  throw HttpError(
      422, "the JSON in the body " +
               (misfit.is_missing ? "lacks " + misfit.path
                                  : "has another type at " + misfit.path + " than is wanted here"));
}

}  // namespace flame::inline v0::detail
