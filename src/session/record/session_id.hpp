#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {

/// The client's 43 characters of base64url: a selector of 16 (the session key) and a secret of 27.
class SessionId {
 public:
  static constexpr std::size_t size = 43;
  static constexpr std::size_t selector_size = 16;
  static constexpr std::size_t secret_bytes = 20;

  SessionId() = default;
  /// Empty for anything but 16 and 27 characters of the alphabet with the spare bits of the last at
  /// zero.
  [[nodiscard]] static std::optional<SessionId> parse(std::string_view text) noexcept;
  /// A new selector and a new secret; empty where no random bytes could be had.
  [[nodiscard]] static std::optional<SessionId> draw(RandomSource& random) noexcept;
  /// The same secret under another selector: regenerate keeps the session's key.
  [[nodiscard]] SessionId with_key(const SessionKey& key) const noexcept;

  [[nodiscard]] const SessionKey& key() const noexcept { return key_; }
  /// Secret: for the client, and for the hash, only.
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size}; }

 private:
  SessionKey key_{};
  std::array<char, size> text_{};
};

/// SHA-256 of application and whole ID: all that is kept of the secret.
using Verifier = std::array<std::byte, 32>;

/// In constant time.
[[nodiscard]] bool equal(const Verifier& a, const Verifier& b) noexcept;

/// Makes verifiers for one application. Any thread.
class VerifierHash {
 public:
  explicit VerifierHash(std::string application) : application_(std::move(application)) {}
  [[nodiscard]] Verifier operator()(const SessionId& id) const noexcept;
  [[nodiscard]] std::string_view application() const noexcept { return application_; }

 private:
  std::string application_;
};

/// Write tokens, unique over all processes: a random start for each process, forks included, and a
/// counter.
[[nodiscard]] WriteToken draw_write_token() noexcept;

}  // namespace flame::inline v0::session
