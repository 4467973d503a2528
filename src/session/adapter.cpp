#include <algorithm>

#include <flame/session/adapter.hpp>

namespace flame::inline v0::session::adapter {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Of ASCII, whatever the locale: RFC 9110, 5.1. Most names differ in length from all of ours.
constexpr bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

void RequestFields::add(std::string_view name, std::string_view value) {
  if (same_name(name, "Cookie")) cookies_.add(value);
  if (!id_header_.empty() && same_name(name, id_header_)) ids_.add(value);
  if (!wants_purposes_) return;
  for (const auto purpose : purpose_fields)
    if (same_name(name, purpose)) purposes_.add(value);
}

RequestView RequestFields::view() const noexcept {
  RequestView out;
  out.cookie_lines = cookies_.all();
  out.id_headers = ids_.all();
  out.purposes = purposes_.all();
  return out;
}

ErrorResponse error_response(const Error& error) {
  ErrorResponse out;
  out.status = http_status(error.code);
  out.fields = unsaved_fields();
  if (out.status == 503) out.fields.fields.emplace_back("Retry-After", "1");
  out.body = out.status == 503   ? "Service Unavailable\n"
             : out.status == 403 ? "Forbidden\n"
                                 : "Internal Server Error\n";
  return out;
}

ResponseFields unsaved_fields() {
  ResponseFields out;
  out.fields.emplace_back("Cache-Control", "no-store");
  return out;
}

}  // namespace flame::inline v0::session::adapter
