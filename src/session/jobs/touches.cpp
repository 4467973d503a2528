#include "touches.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace flame::inline v0::session {
namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{30'000};
constexpr int give_up = -1;

}  // namespace

const SessionKey& Touches::KeyOf::operator()(const Touch& touch) const noexcept {
  return touch.key;
}

Touches::~Touches() {
  touches_.clear_and_dispose([](Touch* touch) { delete touch; });
}

void Touches::send(StoreOp op) noexcept try {
  std::unique_lock lock(mutex_);
  const auto found = touches_.find(op.record.key);
  if (found != touches_.end()) {
    found->last_seen = std::max(found->last_seen, op.record.last_seen);
    found->expires_at = std::max(found->expires_at, op.record.expires_at);
    return;
  }
  if (touches_.size() >= most_kept) return drop();
  auto touch = std::make_unique<Touch>(*this);
  touch->key = op.record.key;
  touch->session_owner = std::move(op.record.owner);
  touch->last_seen = op.record.last_seen;
  touch->expires_at = op.record.expires_at;
  Touch& kept = *touch.release();
  touches_.insert(kept);
  set_fresh(kept, true);
  lock.unlock();
  submit(kept);
} catch (...) {
  drop();
}

void Touches::drain(Deadline until) noexcept {
  std::unique_lock lock(mutex_);
  while (fresh_ > 0 && waiting_.wait_until(lock, until)) continue;
}

/// Nobody else submits it meanwhile.
void Touches::submit(Touch& touch) noexcept {
  auto& call = touch.call;
  {
    const std::scoped_lock lock(mutex_);
    call.op.verb = Verb::touch;
    call.op.record.key = touch.key;
    call.op.record.owner.swap(touch.session_owner);
    call.op.record.last_seen = touch.last_seen;
    call.op.record.expires_at = touch.expires_at;
    call.op.outcome = Outcome::unanswered;
  }
  call.failure.reset();
  // While the session lives: after that there is nothing to be touched.
  call.deadline = core_.clock.steady() + (touch.expires_at - core_.time.now());
  call.context = &touch;
  call.done = [](StoreCall& each) noexcept {
    auto& self = *static_cast<Touch*>(each.context);
    self.owner.answered(self);
  };
  if (!dispatch_.submit(call)) return;
  touch.tries = give_up;  // turned away at once: trying again at once would be no better
  answered(touch);
}

void Touches::answered(Touch& touch) noexcept {
  core_.judge(touch.call);
  if (goes_on(touch)) return submit(touch);
  delete &touch;
}

void Touches::set_fresh(Touch& touch, bool fresh) noexcept {
  if (std::exchange(touch.fresh, fresh) == fresh) return;
  fresh_ += fresh ? std::size_t{1} : ~std::size_t{0};
  if (fresh_ == 0) waiting_.wake_all();
}

/// Requests that had loaded before it was done asked for the same again: that is one touch. What
/// came while a slow store held it for longer than a step of its idle timeout is the next.
bool Touches::has_more(const Touch& touch) noexcept {
  const Lifetimes lifetimes{.idle = touch.expires_at - touch.last_seen};
  return touch.expires_at - touch.call.op.record.expires_at >= lifetimes.step();
}

/// Whether it is sent once more. False: the caller has it alone.
bool Touches::goes_on(Touch& touch) noexcept {
  const std::scoped_lock lock(mutex_);
  touch.session_owner.swap(touch.call.op.record.owner);
  const bool failed = touch.call.failure.has_value();
  const bool stopped = failed && touch.call.failure->error.code == Errc::stopped;
  const bool ended = !failed && touch.call.op.outcome == Outcome::missing;
  const bool lives = touch.expires_at > core_.time.now();
  const bool given_up = touch.tries == give_up;
  touch.tries = failed ? touch.tries + 1 : 0;
  touch.call.not_before = {};
  touch.call.times_later = 0;
  if (!given_up && !stopped && !ended && lives && (failed || has_more(touch))) {
    const auto doubled = first_pause * (1 << std::min(touch.tries, 10));
    if (failed)
      touch.call.not_before =
          core_.clock.steady() + std::min<std::chrono::milliseconds>(doubled, longest_pause);
    set_fresh(touch, !failed);
    return true;
  }
  set_fresh(touch, false);
  if (failed) drop();
  touches_.erase(touches_.iterator_to(touch));
  return false;
}

}  // namespace flame::inline v0::session
