#include "events.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "runner/fork.hpp"

namespace flame::inline v0::session {
namespace {

/// The default handler, of one thread. Requests of strangers cause events: so lines are bounded,
/// and none is forged.
class Printer {
 public:
  explicit Printer(const Clock& clock) : clock_(clock) {}

  void print(const Event& event) {
    std::string line;
    auto& budget = budgets_[event.name];
    const auto now = clock_.steady();
    if (now >= budget.until) {
      if (budget.left_out > 0) append_left_out(line, event.name, budget.left_out);
      budget = {now + std::chrono::seconds(1), 0, 0};
    }
    if (budget.printed == max_event_lines)
      ++budget.left_out;
    else
      append(line, event), ++budget.printed;
    if (!line.empty()) std::fwrite(line.data(), 1, line.size(), stderr);
  }

 private:
  struct Budget {
    Deadline until{};
    unsigned printed = 0;
    std::size_t left_out = 0;
  };

  static void append(std::string& line, const Event& event) {
    line.append("flame-session: ").append(event.name);
    if (event.key) line.append(" ").append(to_string(*event.key));
    line.append(": ");
    for (const char c : event.text)
      line += static_cast<unsigned char>(c) >= 0x20 && c != 0x7f ? c : '?';
    line += '\n';
  }
  static void append_left_out(std::string& line, std::string_view name, std::size_t count) {
    line.append("flame-session: ").append(name).append(": and ").append(std::to_string(count));
    line.append(" more that were not printed\n");
  }

  const Clock& clock_;
  std::map<std::string_view, Budget> budgets_{};  // names are constants of namespace event
};

}  // namespace

Events::Events(Teller::Handler handler, const Clock& clock)
    : handler_(std::move(handler)), clock_(clock) {}

Events::~Events() {
  stop(std::chrono::steady_clock::now() + event_patience);
  if (teller_of_this_process()) delete telling_.load();
}

Teller::Handler Events::handler() const {
  if (handler_) return handler_;
  return [printer = std::make_shared<Printer>(clock_)](const Event& e) { printer->print(e); };
}

bool Events::is_of_this_process(const Telling* telling) noexcept {
  return telling && telling->generation == fork_generation();
}

Teller* Events::teller_of_this_process() const noexcept {
  const Telling* const now = telling_.load(std::memory_order_acquire);
  return is_of_this_process(now) ? now->teller.get() : nullptr;
}

/// Without a lock: one that is held during a fork stays locked in the child.
Teller& Events::running_teller() {
  Telling* now = telling_.load(std::memory_order_acquire);
  if (is_of_this_process(now)) return *now->teller;
  auto fresh = std::unique_ptr<Telling>(
      new Telling{fork_generation(), std::make_shared<Teller>(handler()), now});
  if (telling_.compare_exchange_strong(now, fresh.get(), std::memory_order_acq_rel))
    return *fresh.release()->teller;
  return *now->teller;  // another thread was first
}

template <class F>
void Events::with_teller(F f) noexcept {
  if (stopped_.load(std::memory_order_relaxed)) return;
  try {
    Teller& teller = running_teller();
    const auto lock = teller.lock();
    if (lost_.load(std::memory_order_relaxed) > 0) teller.count_lost(lost_.exchange(0));
    f(teller);
  } catch (...) {  // no memory for it
    lost_.fetch_add(1, std::memory_order_relaxed);
    counts_.add(event::events_lost);
  }
}

bool Events::push(Teller& teller, std::string_view name, const SessionKey* key,
                  std::string_view text) noexcept {
  const bool pushed = teller.push(name, key, text);
  if (!pushed) counts_.add(event::events_lost);
  return pushed;
}

void Events::emit(std::string_view name, const SessionKey* key, std::string_view text) noexcept {
  counts_.add(name);
  with_teller([&](Teller& teller) { push(teller, name, key, text); });
}

void Events::unreadable(const SessionKey& key, std::string_view text) noexcept {
  with_teller([&](Teller& teller) {
    if (std::find(reported_.begin(), reported_.end(), key) != reported_.end()) return;
    if (!push(teller, event::decode_failed, &key, text)) return;
    reported_[next_reported_++ % reported_.size()] = key;
    counts_.add(event::decode_failed);
  });
}

void Events::cookie_at_risk() noexcept {
  if (warned_of_cookie_.exchange(true)) return;
  emit(event::cookie_at_risk, nullptr,
       "a session was created for another host over what this process sees as plain http: behind "
       "a TLS proxy this is as it should be; without one browsers drop the Secure cookie, so serve "
       "over https, or set cookie.plain_http in development");
}

void Events::store_down(std::string_view why) noexcept {
  const auto reason = std::hash<std::string_view>{}(why);
  if (down_ && last_reason_ == reason) return;
  with_teller([&](Teller& teller) {
    if (!down_) reason_count_ = 0;
    const auto told = std::span(reasons_).first(reason_count_);
    last_reason_ = reason;
    if (told.size() == reasons_.size() || std::ranges::find(told, reason) != told.end()) return;
    if (!push(teller, event::store_down, nullptr, why)) return;
    reasons_[reason_count_++] = reason;
    if (!down_) counts_.add(event::store_down);
    down_ = true;
  });
}

void Events::store_up() noexcept {
  with_teller([&](Teller& teller) {
    if (!down_ || !push(teller, event::store_up, nullptr, "the store answers again")) return;
    down_ = false;
    counts_.add(event::store_up);
  });
}

void Events::wait() noexcept {
  if (Teller* const teller = teller_of_this_process()) teller->wait();
}

bool Events::stop(Deadline until) noexcept {
  stopped_ = true;
  Teller* const teller = teller_of_this_process();
  return !teller || teller->stop(until);
}

}  // namespace flame::inline v0::session
