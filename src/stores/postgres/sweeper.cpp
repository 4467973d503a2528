#include "sweeper.hpp"

#include <algorithm>
#include <chrono>

#include <flame/session/share_of.hpp>

namespace flame::inline v0::session::postgres {
namespace {

constexpr std::uint32_t blocks_a_step = 128;
constexpr std::uint32_t blocks_a_call = 128 * 64;
constexpr std::size_t records_a_step = 200;  // so many are locked at once, for some milliseconds

}  // namespace

std::size_t Sweeper::sweep(std::size_t limit, const Call& call) {
  const auto until = share_of(call.deadline, 2);  // touches wait behind a sweep
  const auto size = link_.only(Ask::blocks, {}, call.deadline).number(0, 0);
  blocks_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(size, 0, UINT32_MAX));
  if (!begun_ && blocks_ > 0) block_ = static_cast<std::uint32_t>(seed_ % blocks_);
  begun_ = true;
  // The block that it began in is seen to its end, too.
  const std::uint64_t most = std::min<std::uint64_t>(std::uint64_t{blocks_} + 1, blocks_a_call);
  std::size_t gone = 0;
  for (std::uint64_t seen = 0; seen < most && gone < limit && blocks_ > 0;) {
    if (until != Deadline{} && std::chrono::steady_clock::now() >= until) break;
    if (block_ >= blocks_) block_ = 0, item_ = 0;
    const auto before = block_;
    gone += step(std::min(limit - gone, records_a_step), call);
    seen += block_ - before;
  }
  return gone;
}

std::size_t Sweeper::step(std::size_t most, const Call& call) {
  const auto left = blocks_ - block_;
  const auto end = block_ + std::min(left, blocks_a_step);
  const auto first_id = tuple_id(block_, item_), end_id = tuple_id(end, 0);
  Parameters range;
  range << first_id << end_id << call.now << static_cast<std::int64_t>(most);
  const auto answer = link_.only(Ask::sweep, range, call.deadline, true);
  const auto gone = static_cast<std::size_t>(answer.number(0, 0));
  const auto last = answer.bytes(0, 1);
  if (gone < most || last.size() != 6) {
    block_ = end;
    item_ = 0;
    return gone;
  }
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(last[i])};
  };
  block_ = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  item_ = static_cast<std::uint16_t>((byte(4) << 8 | byte(5)) + 1);
  return gone;
}

}  // namespace flame::inline v0::session::postgres
