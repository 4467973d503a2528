#include "events.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

namespace flame::inline v0::session {
namespace {

/// The default handler. Requests of strangers cause events: so lines are bounded, and none is
/// forged.
class Printer {
 public:
  explicit Printer(const Clock& clock) : clock_(clock) {}

  void print(const Event& event) {
    std::string line;
    {
      const std::scoped_lock lock(mutex_);
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
    }
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
  std::mutex mutex_{};
  std::map<std::string_view, Budget> budgets_{};  // names are constants of namespace event
};

}  // namespace

Events::Events(std::function<void(const Event&)> handler, const Clock& clock)
    : handler_(std::move(handler)) {
  if (!handler_)
    handler_ = [printer = std::make_shared<Printer>(clock)](const Event& e) { printer->print(e); };
}

void Events::emit(std::string_view name, const SessionKey* key,
                  std::string_view text) const noexcept {
  try {
    handler_({name, key, text});
  } catch (...) {  // an event must never break the request that it is about
  }
}

void Events::unreadable(const SessionKey& key, std::string_view text) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    if (std::find(reported_.begin(), reported_.end(), key) != reported_.end()) return;
    reported_[next_reported_++ % reported_.size()] = key;
  }
  emit(event::decode_failed, &key, text);
}

void Events::cookie_at_risk() noexcept {
  if (warned_of_cookie_.exchange(true)) return;
  emit(event::cookie_at_risk, nullptr,
       "a session was created for another host over what this process sees as plain http: behind "
       "a TLS proxy this is as it should be; without one browsers drop the Secure cookie, so serve "
       "over https, or set cookie.plain_http in development");
}

void Events::store_down(std::string_view why) noexcept {
  if (!down_.exchange(true)) emit(event::store_down, nullptr, why);
}

void Events::store_up() noexcept {
  if (down_.exchange(false)) emit(event::store_up, nullptr, "the store answers again");
}

}  // namespace flame::inline v0::session
