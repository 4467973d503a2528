#include <flame/http_error.hpp>

#include "access.hpp"
#include "wire.hpp"

namespace flame::inline v0 {
namespace {

int checked(int status) {
  if (status < 400 || status > 599)
    throw std::invalid_argument("an HttpError's status is 400 to 599");
  return status;
}

}  // namespace

HttpError::HttpError(int status, const std::string& text)
    : std::runtime_error(text.empty() ? std::string(detail::reason(status)) : text),
      response_(ResponseAccess::error(checked(status), what())) {}

}  // namespace flame::inline v0
