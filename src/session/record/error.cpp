#include <flame/session/error.hpp>

namespace flame::inline v0::session {

int http_status(Errc code) noexcept {
  switch (code) {
    case Errc::store_unavailable:
    case Errc::deadline:
    case Errc::overloaded:
    case Errc::out_of_memory:
    case Errc::stopped:
      return 503;
    case Errc::too_many_sessions:
      return 403;
    case Errc::invalid_option:
    case Errc::too_large:
    case Errc::update_failed:
    case Errc::random_failed:
    case Errc::misuse:
      break;
  }
  return 500;
}

}  // namespace flame::inline v0::session
