#include "unawaited.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace flame::inline v0::session {
namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{30'000};
constexpr int give_up = -1;

}  // namespace

const SessionKey& Unawaited::KeyOf::operator()(const Kept& kept) const noexcept { return kept.key; }

Unawaited::~Unawaited() {
  all_.clear_and_dispose([](Kept* kept) { delete kept; });
}

void Unawaited::send(StoreOp op) noexcept try {
  std::unique_lock lock(mutex_);
  const auto found = all_.find(op.record.key);
  if (found != all_.end()) return take_in(*found, op);
  if (all_.size() >= most_kept) {
    lock.unlock();
    return drop(op.verb, op.record.key);
  }
  auto made = std::make_unique<Kept>(*this);
  made->verb = op.verb;
  made->key = op.record.key;
  made->session_owner = std::move(op.record.owner);
  made->last_seen = op.record.last_seen;
  made->expires_at = op.record.expires_at;
  Kept& kept = *made.release();
  all_.insert(kept);
  if (kept.verb == Verb::erase) ++erases_;
  set_fresh(kept, true);
  lock.unlock();
  submit(kept);
} catch (...) {
  drop(op.verb, op.record.key);
}

/// What the session is to come to. No touch holds up its end.
void Unawaited::take_in(Kept& kept, StoreOp& op) noexcept {
  kept.last_seen = std::max(kept.last_seen, op.record.last_seen);
  kept.expires_at = std::max(kept.expires_at, op.record.expires_at);
  if (op.verb != Verb::erase || kept.verb == Verb::erase) return;
  kept.verb = Verb::erase;
  kept.session_owner = std::move(op.record.owner);
  ++erases_;
}

void Unawaited::leave_out_erased(std::vector<Record>& sessions) noexcept {
  const std::scoped_lock lock(mutex_);
  if (erases_ == 0) return;
  std::erase_if(sessions, [this](const Record& each) {
    const auto found = all_.find(each.key);
    return found != all_.end() && found->verb == Verb::erase;
  });
}

void Unawaited::drain(Deadline until) noexcept {
  std::unique_lock lock(mutex_);
  while (fresh_ > 0 && waiting_.wait_until(lock, until)) continue;
}

/// Nobody else submits it meanwhile.
void Unawaited::submit(Kept& kept) noexcept {
  auto& call = kept.call;
  {
    const std::scoped_lock lock(mutex_);
    call.op.verb = kept.verb;
    call.op.record.key = kept.key;
    call.op.record.owner.swap(kept.session_owner);
    call.op.record.last_seen = kept.last_seen;
    call.op.record.expires_at = kept.expires_at;
    call.op.outcome = Outcome::unanswered;
    // While the session lives: after that there is nothing to be done.
    call.deadline = core_.clock.steady() + (kept.expires_at - core_.time.now());
  }
  call.failure.reset();
  call.is_background = true;
  call.context = &kept;
  call.done = [](StoreCall& each) noexcept {
    auto& self = *static_cast<Kept*>(each.context);
    self.owner.answered(self);
  };
  if (!dispatch_.submit(call)) return;
  kept.failures = give_up;  // turned away at once: trying again at once would be no better
  answered(kept);
}

void Unawaited::answered(Kept& kept) noexcept {
  core_.judge(kept.call);
  bool is_lost = false;
  if (goes_on(kept, is_lost)) return submit(kept);
  if (is_lost) drop(kept.verb, kept.key);
  delete &kept;
}

void Unawaited::drop(Verb verb, const SessionKey& key) noexcept {
  if (verb == Verb::touch)
    touches_dropped_.fetch_add(1, std::memory_order_relaxed);
  else
    core_.events.emit(event::failed, &key,
                      "nobody got the ID of a login, which the store may have, and it could not be "
                      "erased: its owner has that session in lists until it expires");
}

void Unawaited::set_fresh(Kept& kept, bool fresh) noexcept {
  if (std::exchange(kept.fresh, fresh) == fresh) return;
  fresh_ += fresh ? std::size_t{1} : ~std::size_t{0};
  if (fresh_ == 0) waiting_.wake_all();
}

/// Requests that had loaded before it was done asked for the same again: that is one touch. What
/// came while a slow store held it for longer than a step of its idle timeout is the next.
bool Unawaited::is_newer(const Kept& kept) noexcept {
  const Lifetimes lifetimes{.idle = kept.expires_at - kept.last_seen};
  return kept.expires_at - kept.call.op.record.expires_at >= lifetimes.step();
}

/// Of one that the store has just done.
bool Unawaited::is_done(const Kept& kept) noexcept {
  if (kept.verb != kept.call.op.verb) return false;
  if (kept.verb == Verb::erase) return kept.erased > again_after.size();
  return kept.call.op.outcome == Outcome::missing || !is_newer(kept);
}

/// Until it is sent again.
std::chrono::milliseconds Unawaited::pause(const Kept& kept) noexcept {
  if (kept.failures > 0)
    return std::min<std::chrono::milliseconds>(first_pause * (1 << std::min(kept.failures, 10)),
                                               longest_pause);
  return kept.erased > 0 ? again_after[kept.erased - 1] : std::chrono::milliseconds(0);
}

/// Whether it is sent once more. False: the caller has it alone.
bool Unawaited::goes_on(Kept& kept, bool& is_lost) noexcept {
  const std::scoped_lock lock(mutex_);
  if (kept.verb == kept.call.op.verb) kept.session_owner.swap(kept.call.op.record.owner);
  const bool failed = kept.call.failure.has_value();
  const bool stopped = failed && kept.call.failure->error.code == Errc::stopped;
  const bool lives = kept.expires_at > core_.time.now();
  const bool given_up = kept.failures == give_up;
  kept.failures = failed ? kept.failures + 1 : 0;
  if (!failed && kept.call.op.verb == Verb::erase) ++kept.erased;
  if (!given_up && !stopped && lives && (failed || !is_done(kept))) {
    const auto waits = pause(kept);
    kept.call.not_before = waits.count() > 0 ? core_.clock.steady() + waits : Deadline{};
    kept.call.times_later = 0;
    set_fresh(kept, waits.count() == 0);
    return true;
  }
  set_fresh(kept, false);
  is_lost = failed && (kept.verb == Verb::touch || (lives && kept.erased == 0));
  if (kept.verb == Verb::erase) --erases_;
  all_.erase(all_.iterator_to(kept));
  return false;
}

}  // namespace flame::inline v0::session
