#include "teller.hpp"

#include <charconv>
#include <chrono>
#include <utility>

#include "runner/library_thread.hpp"

namespace flame::inline v0::session {
namespace {

/// Between two lists that it tells, so that the next one gathers.
constexpr std::chrono::milliseconds rest{1};

}  // namespace

bool Teller::push(std::string_view name, const SessionKey* key, std::string_view text) noexcept {
  if (stopping_) return false;
  bool added = false;
  try {
    if (waiting_.used < max_waiting_events) {
      add(name, key, text);
      added = true;
    }
  } catch (...) {  // no memory, or no thread
  }
  if (!added) count_lost(1);
  if (asleep_ || waiting_.used == max_waiting_events / 2) wake();
  return added;
}

void Teller::count_lost(std::size_t count) noexcept {
  if (lost_ == 0) ++pushed_;  // they are one event
  lost_ += count;
}

void Teller::add(std::string_view name, const SessionKey* key, std::string_view text) {
  if (!thread_.joinable() && !by_hand) {
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
    running_ = true;
    teller_ = thread_.get_id();
  }
  if (waiting_.used == waiting_.places.size()) waiting_.places.emplace_back();
  Waiting& place = waiting_.places[waiting_.used];
  place.text = text;
  place.name = name;
  place.has_key = key != nullptr;
  if (key) place.key = *key;
  ++waiting_.used;
  ++pushed_;
}

void Teller::wake() noexcept {
  asleep_ = false;
  hurry_ = true;
  wake_.notify_one();
}

void Teller::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (told_ == pushed_ && !stopping_) {
      asleep_ = true;
      wake_.wait(lock);
    }
    asleep_ = false;
    if (left_behind_ || told_ == pushed_) break;
    tell_waiting(lock);
    // Being woken for each of many events would cost those who cause them more than all the rest.
    wake_.wait_for(lock, rest, [this] { return hurry_ || stopping_; });
  }
  running_ = false;
  teller_ = {};
  changed_.notify_all();
}

void Teller::tell_waiting(std::unique_lock<std::mutex>& lock) noexcept {
  std::swap(waiting_, telling_);
  const auto lost = std::exchange(lost_, 0);
  const auto pushed = pushed_;
  hurry_ = false;
  lock.unlock();
  tell_all(lost);
  lock.lock();
  told_ = pushed;
  changed_.notify_all();
}

void Teller::tell_all(std::size_t lost) noexcept {
  for (std::size_t i = 0; i < telling_.used && !left_behind_; ++i) {
    const Waiting& each = telling_.places[i];
    tell({each.name, each.has_key ? &each.key : nullptr, each.text});
  }
  if (telling_.places.size() > most_kept) telling_.places = {};
  telling_.used = 0;
  if (lost == 0 || left_behind_) return;
  constexpr std::string_view why =
      " events were not told: the handler was too slow for them, or memory or a thread was wanting";
  std::array<char, 128> text;  // no string: it would need memory
  char* const end = std::to_chars(text.data(), text.data() + text.size(), lost).ptr;
  tell({event::events_lost,
        nullptr,
        {text.data(), why.copy(end, why.size()) + (end - text.data())}});
}

void Teller::tell(const Event& event) const noexcept {
  try {
    const InCallback in_callback;
    handler_(event);
  } catch (...) {  // an event must never break what it is about
  }
}

void Teller::wait() noexcept {
  std::unique_lock lock(mutex_);
  if (std::this_thread::get_id() == teller_) return;
  if (told_ < pushed_) by_hand ? tell_waiting(lock) : wake();
  changed_.wait(lock, [this, all = pushed_] { return told_ >= all || !running_ || left_behind_; });
}

bool Teller::stop(Deadline until) noexcept {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  if (by_hand && told_ < pushed_) tell_waiting(lock);
  wake();
  changed_.wait_until(lock, until,
                      [this] { return !running_ || told_ == pushed_ || left_behind_; });
  if (running_ && told_ < pushed_) left_behind_ = true;
  const bool ended = !left_behind_;
  std::thread thread = std::move(thread_);
  changed_.notify_all();
  lock.unlock();
  if (thread.joinable()) ended ? thread.join() : thread.detach();
  return ended;
}

}  // namespace flame::inline v0::session
