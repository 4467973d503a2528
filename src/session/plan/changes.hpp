#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/session.hpp>

namespace flame::inline v0::session {

inline constexpr std::size_t max_key_size = 255;  ///< bytes of one key

/// One application value as the payload holds it: its key's CBOR item, then its value's.
class Item {
 public:
  Item() = default;
  Item(std::string_view key, std::string_view value);
  [[nodiscard]] std::string_view key() const noexcept {
    return std::string_view(bytes_).substr(key_at_, value_at_ - key_at_);
  }
  [[nodiscard]] std::string_view value() const noexcept {
    return std::string_view(bytes_).substr(value_at_);
  }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_{};
  std::size_t key_at_ = 0;  // the key item's head comes before it
  std::size_t value_at_ = 0;
};

struct Change {
  enum class Kind : std::uint8_t { set, erase, update, clear };
  Kind kind{};
  Item item{};  ///< set: key and value; erase, update: the key, and no value
  detail::UpdateFunction update{};
  /// What an update makes of the loaded value: for the Session's reads alone, run once.
  struct Guess {
    bool known = false;
    std::optional<std::string> value{};
  };
  mutable Guess guess{};
};

/// What one request wants changed: one unit, applied whole or not at all.
struct Changes {
  std::vector<Change> values{};  ///< in order
  std::optional<std::string> flash{};
  std::optional<std::string> csrf{};  ///< for a session that has none
  std::optional<std::string> owner{};
  std::unique_ptr<const Login> login{};  ///< the owner's; null: on the usual terms
  bool regenerate = false;
  bool destroy = false;

  /// About how much memory they take.
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t out = values.size() * sizeof(Change) + (flash ? flash->size() : 0);
    for (const auto& each : values) out += each.item.bytes().size();
    return out;
  }
};

}  // namespace flame::inline v0::session
