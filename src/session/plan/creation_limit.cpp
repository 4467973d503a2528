#include "creation_limit.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "address.hpp"

namespace flame::inline v0::session {
namespace {

/// The bytes of an address that are its client's own.
std::span<const std::uint8_t> of_client(const Address& address) noexcept {
  return std::span(address.bytes).first(address.size == 4 ? 4 : 8);
}

}  // namespace

void CreationLimit::set(std::size_t per_second, RandomSource& random) noexcept {
  per_second_ = per_second;
  per_address_ = std::max<std::size_t>(per_second / address_share, 1);
  // Without random bytes no session begins either.
  static_cast<void>(random.fill(std::as_writable_bytes(std::span(&seed_, 1))));
}

std::uint64_t CreationLimit::address(const Peer& peer) const noexcept {
  if (per_second_ == 0) return 0;
  const auto address = address_of(peer);
  if (!address || is_private(*address)) return 0;
  const auto bytes = of_client(*address);
  return std::max<std::uint64_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_), 1);
}

bool CreationLimit::admit(std::uint64_t address) noexcept {
  if (per_second_ == 0) return true;
  const Nanoseconds now = clock_.steady().time_since_epoch();
  // The address first: what it asks for in vain takes nothing from others.
  return (address == 0 || take(used_by_[address % places], now, per_address_,
                               std::max(per_address_, least_at_once))) &&
         take(used_, now, per_second_, per_second_);
}

bool CreationLimit::take(Used& used, Nanoseconds now, std::size_t per_second,
                         std::size_t at_once) noexcept {
  constexpr Nanoseconds second = std::chrono::seconds(1);
  const auto share = (second / static_cast<Nanoseconds::rep>(per_second)).count();
  const auto latest = now.count() + share * static_cast<Nanoseconds::rep>(at_once);
  auto before = used.load(std::memory_order_relaxed);
  Nanoseconds::rep next = 0;
  do {
    next = std::max(before, now.count()) + share;
    if (next > latest) return false;
  } while (!used.compare_exchange_weak(before, next, std::memory_order_relaxed));
  return true;
}

}  // namespace flame::inline v0::session
