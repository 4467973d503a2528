#include "store_time.hpp"

#include <unistd.h>

#include <algorithm>
#include <span>

namespace flame::inline v0::session {
namespace {

/// What a broken clock may say, kept where sums of times cannot overflow.
constexpr TimePoint farthest{std::chrono::milliseconds{1LL << 50}};

/// The part of a difference that is there whenever within its exchange the backend looked.
std::chrono::milliseconds certain(std::chrono::milliseconds difference,
                                  std::chrono::milliseconds uncertainty) noexcept {
  const auto least = std::max(std::chrono::abs(difference) - uncertainty, {});
  return difference < least.zero() ? -least : least;
}

}  // namespace

/// One thread at a time, and nobody waits: where another one reads just now, its reading will do.
/// What a thread of the parent held when this process was forked is nobody's.
class StoreTime::Turn {
 public:
  explicit Turn(StoreTime& time) noexcept : time_(time) {
    const auto self = ::getpid();
    auto holder = time_.turn_.load(relaxed);
    mine_ = holder != self &&
            time_.turn_.compare_exchange_strong(holder, self, std::memory_order_acquire, relaxed);
    if (mine_ && holder != 0) time_.doubts_.store(0, relaxed);  // it may be half written
  }
  ~Turn() {
    if (mine_) time_.turn_.store(0, std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool is_mine() const noexcept { return mine_; }

 private:
  StoreTime& time_;
  bool mine_ = false;
};

StoreTime::StoreTime(const Clock& clock) noexcept
    : clock_(clock),
      offset_((clock.wall().time_since_epoch() - elapsed()).count()),
      latest_(offset_.load(relaxed)) {}

TimePoint StoreTime::careful() const noexcept {
  const Milliseconds offset(std::min(offset_.load(relaxed), latest_.load(relaxed)));
  return TimePoint(elapsed() + offset - sweep_margin);
}

void StoreTime::read(TimePoint backend, Elapsed sent, Elapsed received) noexcept {
  const auto told = std::clamp(backend, TimePoint(-farthest.time_since_epoch()), farthest);
  const auto half = std::max(received - sent, Elapsed::zero()) / 2;
  const Reading reading{told.time_since_epoch() - std::chrono::floor<Milliseconds>(sent + half),
                        std::chrono::ceil<Milliseconds>(half),
                        std::chrono::floor<Milliseconds>(received)};
  latest_.store((reading.offset - reading.uncertainty).count(), relaxed);
  const Turn turn(*this);
  if (!turn.is_mine()) return;
  if (!known_.load(relaxed)) {
    take(reading);
    return known_.store(true, relaxed);
  }
  if (reading.uncertainty >= slew_limit) return;
  const auto difference =
      certain(reading.offset - Milliseconds(offset_.load(relaxed)), reading.uncertainty);
  if (std::chrono::abs(difference) >= slew_limit) return doubt(reading);
  doubts_.store(0, relaxed);
  slew(difference);
}

void StoreTime::slew(Milliseconds difference) noexcept {
  if (to_slew_.exchange(difference.count(), relaxed) == 0) slewed_at_ = elapsed();
}

void StoreTime::doubt(const Reading& reading) noexcept {
  auto doubts = doubts_.load(relaxed);
  const std::span before(doubted_.data(), doubts);
  const bool agrees = std::ranges::all_of(before, [&](const Reading& each) {
    return std::chrono::abs(reading.offset - each.offset) <=
           slew_limit + reading.uncertainty + each.uncertainty;
  });
  if (!agrees) doubts = 0;
  if (doubts > 0 && reading.at - doubted_[doubts - 1].at < readings_apart) return;
  doubted_[doubts++] = reading;
  if (doubts == readings_to_agree) {
    take(*std::ranges::min_element(doubted_, {}, &Reading::uncertainty));
    doubts = 0;
  }
  doubts_.store(doubts, relaxed);
}

void StoreTime::take(const Reading& reading) noexcept {
  offset_.store(reading.offset.count(), relaxed);
  to_slew_.store(0, relaxed);
}

void StoreTime::tick() noexcept {
  if (to_slew_.load(relaxed) == 0) return;
  const Turn turn(*this);
  if (!turn.is_mine()) return;
  constexpr auto time_for_one = Milliseconds(1'000) / slew_per_second.count();
  const auto steps = (elapsed() - slewed_at_) / time_for_one;
  const auto left = to_slew_.load(relaxed);
  const auto step = std::clamp(left, -steps, steps);
  offset_.fetch_add(step, relaxed);
  to_slew_.store(left - step, relaxed);
  slewed_at_ += steps * time_for_one;
}

}  // namespace flame::inline v0::session
