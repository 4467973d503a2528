#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::redis {

/// A session's bucket: itself and its owner's index entry lie in the one slot of a cluster that the
/// bucket's tag hashes to. The slots of buckets lie 64 apart, so that any number of masters up to
/// 256 shares them evenly.
[[nodiscard]] inline std::uint8_t bucket_of(const SessionKey& key) noexcept {
  return static_cast<std::uint8_t>(key.bytes.front());
}
[[nodiscard]] std::uint16_t slot_of_tag(std::string_view tag) noexcept;
[[nodiscard]] std::string_view tag_of(std::uint8_t bucket);

/// The names of keys. What it gives is valid until the next call.
class Keys {
 public:
  explicit Keys(std::string prefix) : prefix_(std::move(prefix)) {}

  /// `<prefix>:s:{tag}:<key in base64url>`
  std::string_view session(const SessionKey& key);
  /// The pattern of all of them.
  std::string_view any_session();
  /// Empty for what is not the name of one.
  std::optional<SessionKey> read_session(std::string_view name);
  /// `<prefix>:o:{tag}:<owner>`
  std::string_view owner(std::uint8_t bucket, std::string_view owner);
  /// `<prefix>:layout`
  std::string_view layout();

 private:
  void begin(const char* kind, std::uint8_t bucket);

  std::string prefix_;
  std::string name_{};
};

/// The member of an owner's index that stands for a session: the key's bytes.
[[nodiscard]] inline std::string_view member_of(const SessionKey& key) noexcept {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

}  // namespace flame::inline v0::session::redis
