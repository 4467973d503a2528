#include <algorithm>

#include <flame/session/test_support/seeded_random.hpp>

namespace flame::inline v0::session::test_support {
namespace {

std::uint64_t draw(std::uint64_t& state) noexcept {  // SplitMix64
  state += 0x9e3779b97f4a7c15;
  auto bits = state;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

}  // namespace

bool SeededRandom::fill(std::span<std::byte> out) noexcept {
  const std::lock_guard lock(mutex_);
  if (failures_ > 0) {
    --failures_;
    return false;
  }
  if (repeats_ > 0) {
    --repeats_;
    state_ = before_;
  }
  before_ = state_;
  for (std::size_t i = 0; i < out.size(); i += 8) {
    auto bits = draw(state_);
    for (auto& byte : out.subspan(i, std::min<std::size_t>(8, out.size() - i))) {
      byte = static_cast<std::byte>(bits);
      bits >>= 8;
    }
  }
  return true;
}

void SeededRandom::fail(std::size_t times) noexcept {
  const std::lock_guard lock(mutex_);
  failures_ = times;
}

void SeededRandom::repeat(std::size_t times) noexcept {
  const std::lock_guard lock(mutex_);
  repeats_ = times;
}

}  // namespace flame::inline v0::session::test_support
