#include <flame/http_error.hpp>

#include "wire.hpp"

namespace flame::inline v0 {

HttpError::HttpError(int status, const std::string& text)
    : std::runtime_error(text.empty() ? std::string(detail::reason(status)) : text),
      status_(status) {
  if (status < 400 || status > 599)
    throw std::invalid_argument("an HttpError's status is 400 to 599");
}

}  // namespace flame::inline v0
