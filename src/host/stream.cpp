#include <utility>

#include <flame/stream.hpp>

#include "access.hpp"
#include "loop.hpp"

namespace flame::inline v0::detail {

void throw_gone() { throw Cut(); }

Response streamed_by(std::shared_ptr<const StreamSource> source) {
  Response response;
  ResponseAccess::set_stream(response, std::move(source));
  return response;
}

}  // namespace flame::inline v0::detail
