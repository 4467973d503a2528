#include "owner_limit.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "owner_jobs.hpp"

namespace flame::inline v0::session {
namespace {

/// How many of those above a limit one login looks at and ends. Where there are more, as where a
/// limit comes late, the next logins go on: so none takes longer than its deadline.
constexpr std::size_t most_surplus = 1024;

bool is_readable(const Record& record, const LifetimeRules& rules, TimePoint now) {
  Base base;
  std::string_view payload;
  return open_header(record, rules, now, base, payload) == RecordState::readable;
}

}  // namespace

OwnerLimit::OwnerLimit(Core& core, std::string_view owner, When when,
                       const std::optional<SessionKey>& own)
    : core_(core), when_(when), own_(own) {
  pages_.start(stored_owner(core.hash.application(), owner));
}

bool OwnerLimit::ends_oldest() const noexcept {
  return core_.rules.at_owner_limit == AtOwnerLimit::end_oldest;
}

void OwnerLimit::next(std::vector<StoreCall>& calls) {
  switch (stage_) {
    case Stage::list:
      return pages_.next(calls);
    case Stage::weigh:
      return make_loads(next_sessions(), calls);
    case Stage::end:
      return make_erases(next_sessions(), calls);
  }
}

OwnerLimit::Turn OwnerLimit::answered(const std::vector<StoreCall>& calls) {
  if (stage_ == Stage::end) return ended(calls);
  if (const auto* const failure = first_failure(calls)) {
    failure_ = failure->error;
    return Turn::failed;
  }
  if (stage_ == Stage::list) {
    take_page();
    return pages_.is_at_end() || sessions_.size() >= enough() ? listed() : Turn::next;
  }
  take_living(calls);
  return done_with_ < sessions_.size() ? Turn::next : weighed();
}

/// Of so many that live the rest makes no difference: to refuse, as many as may be; to end the
/// oldest, some more, for what is not among the newest of some is not among the newest of all.
std::size_t OwnerLimit::enough() const noexcept {
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  const auto most = core_.rules.max_sessions_per_owner;
  if (when_ == When::before) return most;
  return ends_oldest() ? most + std::min(most_surplus, all - most) : all;
}

/// A page of those that are to be looked at or ended.
std::span<const Record> OwnerLimit::next_sessions() {
  const auto left = std::span<const Record>(sessions_).subspan(done_with_);
  const auto page = left.first(std::min(left.size(), OwnerPages::page_size));
  done_with_ += page.size();
  return page;
}

void OwnerLimit::take_page() {
  for (Record& each : pages_.take())
    // It takes no further place who signs in again.
    if (when_ == When::after || each.key != own_) sessions_.push_back(std::move(each));
}

OwnerLimit::Turn OwnerLimit::listed() {
  const auto others = core_.rules.max_sessions_per_owner - (when_ == When::before ? 1 : 0);
  if (sessions_.size() <= others) return counted();
  stage_ = Stage::weigh;
  return Turn::next;
}

/// The store lists some that have ended by the lifetimes of today, or cannot be read: these count
/// for nothing, for nobody can see or end them.
void OwnerLimit::take_living(const std::vector<StoreCall>& calls) {
  const auto now = core_.time.now();
  for (const StoreCall& each : calls)
    if (each.op.outcome == Outcome::done && is_readable(each.op.record, core_.rules.lifetimes, now))
      live_.push_back(each.op.record.key);
}

OwnerLimit::Turn OwnerLimit::weighed() {
  std::ranges::sort(live_);
  std::erase_if(sessions_,
                [&](const Record& each) { return !std::ranges::binary_search(live_, each.key); });
  done_with_ = sessions_.size();
  if (pages_.is_at_end() || done_with_ >= enough()) return counted();
  stage_ = Stage::list;
  return Turn::next;
}

/// All who count at once keep the same ones: in one order, and none of these is ended by anybody.
/// So exactly as many as may be are left by the last who counts.
OwnerLimit::Turn OwnerLimit::counted() {
  const auto most = core_.rules.max_sessions_per_owner;
  if (when_ == When::before) return sessions_.size() < most ? Turn::fits : Turn::refused;
  if (sessions_.size() <= most) return Turn::fits;
  std::ranges::sort(sessions_, [&](const Record& a, const Record& b) {
    const bool before = std::tie(a.created_at, a.key) < std::tie(b.created_at, b.key);
    return a.key != b.key && before != ends_oldest();
  });
  sessions_.erase(sessions_.begin(), sessions_.begin() + static_cast<std::ptrdiff_t>(most));
  done_with_ = 0;
  stage_ = Stage::end;
  return Turn::next;
}

OwnerLimit::Turn OwnerLimit::ended(const std::vector<StoreCall>& calls) {
  static_cast<void>(tell_ended(calls, core_.events));
  for (const StoreCall& each : calls) ends_own_ |= !each.failure && each.op.record.key == own_;
  const auto* const failure = first_failure(calls);
  if (!failure && done_with_ < sessions_.size()) return Turn::next;
  if (ends_own_ && !ends_oldest()) return Turn::refused;
  if (!failure) return Turn::fits;
  failure_ = failure->error;
  return Turn::failed;
}

}  // namespace flame::inline v0::session
