#include "creation_limit.hpp"

#include <arpa/inet.h>
#include <xxhash.h>

#include <algorithm>
#include <span>

namespace flame::inline v0::session {
namespace {

/// The bytes of an address that are its client's own.
struct ClientBytes {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;
};

ClientBytes client_of(std::string_view text) noexcept {
  ClientBytes out;
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return out;
  text.copy(terminated.data(), text.size());
  if (::inet_pton(AF_INET, terminated.data(), out.bytes.data()) == 1) {
    out.size = 4;
  } else if (::inet_pton(AF_INET6, terminated.data(), out.bytes.data()) == 1) {
    constexpr std::array<unsigned char, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    const bool is_v4 = std::ranges::equal(v4_mapped, std::span(out.bytes).first<12>());
    if (is_v4) std::ranges::copy_n(out.bytes.begin() + 12, 4, out.bytes.begin());
    out.size = is_v4 ? 4 : 8;
  }
  return out;
}

}  // namespace

void CreationLimit::set(std::size_t per_second, RandomSource& random) noexcept {
  per_second_ = per_second;
  per_address_ = std::max<std::size_t>(per_second / address_share, 1);
  // Without random bytes no session begins either.
  static_cast<void>(random.fill(std::as_writable_bytes(std::span(&seed_, 1))));
}

std::uint64_t CreationLimit::address(std::string_view text) const noexcept {
  if (text.empty() || per_second_ == 0) return 0;
  const auto client = client_of(text);
  const auto hash = client.size > 0 ? XXH3_64bits_withSeed(client.bytes.data(), client.size, seed_)
                                    : XXH3_64bits_withSeed(text.data(), text.size(), seed_);
  return std::max<std::uint64_t>(hash, 1);
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
