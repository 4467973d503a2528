#include <algorithm>

#include <flame/session/store.hpp>

#include "base64url.hpp"
#include "new_connection.hpp"

namespace flame::inline v0::session {

std::string to_string(const SessionKey& key) {
  std::string text(16, '\0');
  base64url_encode(key.bytes, text.data());
  return text;
}

std::optional<SessionKey> parse_key(std::string_view text) noexcept {
  SessionKey key;
  if (text.size() != 16 || !base64url_decode(text, key.bytes.data())) return std::nullopt;
  return key;
}

std::string page_end(const SessionKey& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

std::optional<SessionKey> page_before(std::string_view from) {
  SessionKey key;
  if (from.empty()) return std::nullopt;
  if (from.size() != key.bytes.size())
    throw StoreError(StoreError::Kind::refused,
                     "a page begins where no page has ended: give its `next`");
  std::ranges::copy(std::as_bytes(std::span(from)), key.bytes.begin());
  return key;
}

std::span<StoreOp> only(Verb verb, std::span<StoreOp> batch) noexcept {
  const auto first = std::ranges::lower_bound(batch, verb, {}, &StoreOp::verb);
  const auto last = std::ranges::upper_bound(first, batch.end(), verb, {}, &StoreOp::verb);
  return {first, last};
}

std::unique_ptr<StoreConnection> new_connection(Store& store) {
  auto connection = store.make_connection();
  if (!connection)
    throw StoreError(StoreError::Kind::refused,
                     "the store's make_connection() returned null: a bug of its");
  return connection;
}

std::unique_ptr<StoreConnection> open_connection(Store& store, const Call& call) {
  auto connection = new_connection(store);
  connection->connect(call);
  static_cast<void>(connection->prepare(call));
  return connection;
}

}  // namespace flame::inline v0::session
