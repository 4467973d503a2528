#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

struct Address;

/// The IP address that a request came from: as text, or as a socket has it. It is looked at when it
/// is needed, which is where a session begins.
class Peer {
 public:
  /// Not known, or that of many visitors: of a proxy.
  Peer() noexcept {}
  /// What is no address is not known. Anything that is text: RequestView{.peer = text}.
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Peer(const Text& text)
  noexcept(std::is_nothrow_convertible_v<const Text&, std::string_view>)
      : Peer(std::string_view(text), Kind::text) {}
  /// 4 or 16 bytes in network order.
  [[nodiscard]] static Peer of_bytes(std::span<const std::uint8_t> bytes) noexcept {
    return {{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Kind::bytes};
  }

  /// A loopback address.
  [[nodiscard]] bool is_this_host() const noexcept;
  /// Not of this host, nor of a private network, where a proxy may stand that many come through.
  [[nodiscard]] bool is_one_client() const noexcept;

 private:
  enum class Kind : std::uint8_t { text, bytes };
  friend std::optional<Address> address_of(const Peer& peer) noexcept;

  Peer(std::string_view from, Kind kind) noexcept
      : size_(static_cast<std::uint8_t>(from.size() < most ? from.size() : most)), kind_(kind) {
    if (size_ > 0) std::memcpy(from_.data(), from.data(), size_);
  }

  // The longest text and one more, so that what is cut is none.
  static constexpr std::size_t most = 46;
  std::array<std::byte, most> from_;  // as far as size_ goes
  std::uint8_t size_ = 0;
  Kind kind_ = Kind::text;
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
