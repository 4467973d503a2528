#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <flame/session/environment.hpp>
#include <flame/session/peer.hpp>

namespace flame::inline v0::session {

/// How many sessions may begin, in all and by one address: on the steady clock, for a correction of
/// store time neither opens nor shuts the door. Takes no lock and no memory: any thread, and a
/// child of fork() goes on with its own.
class CreationLimit {
 public:
  static constexpr std::size_t address_share = 10;  ///< the part of the limit that one may use
  static constexpr std::size_t least_at_once = 5;   ///< and what it may at least: a page of frames
  /// Two addresses of one place share what one may use: chance decides, by the seed.
  static constexpr std::size_t places = 4096;

  explicit CreationLimit(const Clock& clock) noexcept : clock_(clock) {}

  /// 0: any number. Before the first session; the seed comes from `random`, so that nobody can
  /// choose the place of an address.
  void set(std::size_t per_second, RandomSource& random) noexcept;

  /// What the limit knows an address by: 0 for none, or one that is no one client's. An IPv6
  /// address counts as its network of 64 bits, all of which is one client's.
  [[nodiscard]] std::uint64_t address(const Peer& peer) const noexcept;

  /// Whether one more may begin, which is counted then.
  [[nodiscard]] bool admit(std::uint64_t address) noexcept;

 private:
  using Nanoseconds = std::chrono::nanoseconds;
  /// Until when what began has used the rate up.
  using Used = std::atomic<Nanoseconds::rep>;

  [[nodiscard]] static bool take(Used& used, Nanoseconds now, std::size_t per_second,
                                 std::size_t at_once) noexcept;

  const Clock& clock_;
  std::size_t per_second_ = 0, per_address_ = 0;
  std::uint64_t seed_ = 0;
  Used used_{0};
  std::array<Used, places> used_by_{};
};

}  // namespace flame::inline v0::session
