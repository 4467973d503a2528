#include <flame/session/adapter.hpp>

namespace flame::inline v0::session::adapter {

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
