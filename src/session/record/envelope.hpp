#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "session_id.hpp"
#include "terms.hpp"

/// The blob: magic, format version, codec, verifiers, write tokens, payload, and a checksum that is
/// bound to the session's key; format 2 has the application and a login's terms before the payload.
/// All numbers are little-endian. What needs no format 2 is written as format 1, which releases
/// without it can read.
namespace flame::inline v0::session {

inline constexpr std::size_t write_tokens_kept = 8;
/// How long an ID that a regenerate replaced is known as superseded, and not merely unknown; and
/// how many of them at most, the latest ones.
inline constexpr std::chrono::seconds superseded_for{60};
inline constexpr std::size_t superseded_kept = 4;

struct Superseded {
  Verifier verifier;  ///< set where it is used: clearing them all costs more than reading the rest
  TimePoint until{};  ///< the epoch: unused

  Superseded() noexcept {}
  Superseded(const Verifier& of, TimePoint end) noexcept : verifier(of), until(end) {}
};

inline constexpr std::size_t max_application_size = 64;  ///< bytes

/// What the envelope says of the session beside its values. Texts are views.
struct Header {
  Verifier current{};
  std::array<Superseded, superseded_kept> superseded;  ///< newest first
  std::array<WriteToken, write_tokens_kept> tokens{};  ///< newest first; 0: unused
  /// Unset: format 1, which does not tell it, and has no terms.
  std::optional<std::string_view> application{};
  Terms terms{};

  void push(WriteToken token) noexcept;
  /// The current verifier is replaced by `next`.
  void supersede(const Verifier& next, TimePoint now) noexcept;
  void forget_superseded(TimePoint now) noexcept;
  [[nodiscard]] bool contains(WriteToken token) const noexcept;
};

/// Bytes of a blob that are not the session's keys and values, at most.
inline constexpr std::size_t max_envelope_overhead = 768;

enum class Opened : std::uint8_t { done, unreadable, newer_version };

/// Checks everything but the payload's inside. `payload` and the header's texts view into `blob`.
[[nodiscard]] Opened open_envelope(std::string_view blob, const SessionKey& key, Header& header,
                                   std::string_view& payload) noexcept;

/// Writes an envelope around a payload of exactly `payload_size` bytes, which the caller appends
/// between the two calls.
void begin_envelope(std::string& blob, const Header& header, std::size_t payload_size);
void seal_envelope(std::string& blob, const SessionKey& key);

}  // namespace flame::inline v0::session
