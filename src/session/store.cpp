#include <algorithm>

#include <flame/session/store.hpp>

#include "base64url.hpp"

namespace flame::inline v0::session {

std::string to_string(const SessionKey& key) {
  std::string text(16, '\0');
  base64url_encode(key.bytes, text.data());
  return text;
}

std::span<StoreOp> only(Verb verb, std::span<StoreOp> batch) noexcept {
  const auto found = std::ranges::equal_range(batch, verb, {}, &StoreOp::verb);
  return {found.begin(), found.end()};
}

}  // namespace flame::inline v0::session
