#include "load_job.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace flame::inline v0::session {
namespace {

constexpr auto idle_over = "its idle timeout has passed";
constexpr auto absolute_over = "its absolute timeout has passed";

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whatever the spelling.
bool has_word(std::string_view text, std::string_view word) noexcept {
  const auto same = [](char in_text, char in_word) { return lower(in_text) == in_word; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

/// Fetched ahead, or something that shows no text.
bool is_for_no_page(std::string_view purpose) noexcept {
  constexpr std::array<std::string_view, 15> words{
      "prefetch", "preview", "prerender", "image", "script",   "style",  "font", "worklet",
      "worker",   "audio",   "video",     "track", "manifest", "report", "xslt"};
  return std::ranges::any_of(words, [&](auto word) { return has_word(purpose, word); });
}

/// A message is for who is shown the page.
bool may_claim(const RequestView& request) noexcept {
  return !request.method.empty() && request.method != "HEAD" &&
         std::ranges::none_of(request.purposes, is_for_no_page);
}

}  // namespace

LoadJob::LoadJob(Core& core, const RequestView& request, Need need)
    : core_(core),
      claims_flash_(has(need, Need::flash) && may_claim(request)),
      presented_(read_presented(request, core.rules.cookie, !core.rules.id_header.empty())) {
  session_->loaded_by = &core;
  session_->max_bytes = core.rules.max_bytes;
  session_->longest_login = core.rules.lifetimes.longest;
  session_->absolute_timeout = core.rules.lifetimes.usual.absolute;
  session_->random = &core.random;
  session_->peer = request.peer;
  session_->secure = request.secure;
  switch (presented_.kind) {
    case Presented::Kind::nothing:
      return;
    case Presented::Kind::malformed:
      core.events.emit(event::id_rejected, nullptr, "no session ID of this library looks like it");
      return;
    case Presented::Kind::ambiguous:
      core.events.emit(event::dup_cookie, nullptr,
                       "one request brought three session IDs, or another one in its header: none "
                       "was opened");
      return;
    case Presented::Kind::ids:
      break;
  }
  step_ = Step::call;
}

Job::Step LoadJob::next(StoreOp& op) {
  if (step_ == Step::call) {
    if (at_ > 0) op = {};  // it has what was answered for the first ID
    op.verb = Verb::load;
    op.record.key = id().key();
  }
  return std::exchange(step_, Step::finished);
}

void LoadJob::answered(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) {
  if (failure)
    error_ = failure->error;
  else
    take(look(op, now));
}

/// One ID is settled: goes on with the next, or ends.
void LoadJob::take(Found found) {
  if (error_) return;
  found_[at_] = found;
  if (found == Found::live && session_->presence != Presence::live) {
    session_->presence = Presence::live;
    session_->presented = verifier_;
  }
  if (at_ + 1 < presented_.count) {
    ++at_;
    step_ = Step::call;
    return;
  }
  conclude();
}

void LoadJob::conclude() {
  const auto count = std::ranges::count(found_, Found::live);
  if (count > 1) return open_neither();
  if (count == 1) {
    at_ = found_[0] == Found::live ? 0 : 1;
    if (claims_flash_ && session_->base.document.flash()) start_claim();
    return;
  }
  const auto superseded = std::ranges::find(found_, Found::superseded);
  if (superseded != found_.end()) at_ = static_cast<std::size_t>(superseded - found_.begin());
  become(superseded != found_.end() ? Presence::superseded : Presence::absent);
}

/// Which of two live sessions was meant nobody knows. A logout ends both.
void LoadJob::open_neither() {
  core_.events.emit(event::dup_cookie, &session_->base.record.key,
                    "one request brought the IDs of two sessions: neither was opened");
  for (const Record* each : {&session_->base.record, &second_->record})
    session_->ends.push_back({each->key, each->owner});
  become(Presence::absent);
}

Base& LoadJob::opening() {
  if (session_->presence != Presence::live) return session_->base;
  if (!second_) second_ = std::make_unique<Base>();
  return *second_;
}

LoadJob::Found LoadJob::look(StoreOp& op, TimePoint now) {
  if (op.outcome == Outcome::done) return open(op.record, now);
  if (op.outcome == Outcome::unreadable)
    return unreadable(
        "the store cannot read its record, damaged or of a newer release: left as it is");
  if (op.record.expires_at != TimePoint{}) return expired(which_timeout(op.record, now));
  return reject("unknown, expired or ended");
}

LoadJob::Found LoadJob::open(Record& record, TimePoint now) {
  std::string_view payload;
  Base& base = opening();
  auto state = open_header(record, core_.rules.lifetimes, now, base, payload);
  if (state == RecordState::readable) {
    verifier_ = core_.hash(id());
    // Before anything of its values is looked at: a stranger's secret gets no further.
    const auto found = standing(base.header, verifier_, now);
    if (found != Standing::current) return judge(found);
    state = open_values(record, payload, base);
  }
  switch (state) {
    case RecordState::readable:
      return Found::live;
    case RecordState::idle_over:
      return expired(idle_over);
    case RecordState::absolute_over:
      return expired(absolute_over);
    case RecordState::unreadable:
      return unreadable("its record is damaged, or not of this library: left as it is");
    case RecordState::newer_version:
      break;
  }
  return unreadable("its record is of a newer release: left as it is");
}

LoadJob::Found LoadJob::judge(Standing found) {
  if (found != Standing::superseded) return reject("its secret opens nothing");
  static_cast<void>(reject("superseded by a newer ID of its session"));
  return Found::superseded;
}

LoadJob::Found LoadJob::reject(const char* why) {
  const auto key = id().key();
  core_.events.emit(event::id_rejected, &key, why);
  return Found::nothing;
}

LoadJob::Found LoadJob::expired(const char* which) {
  const auto key = id().key();
  core_.events.emit(event::expired, &key, which);
  return Found::nothing;
}

/// Alone it is that session absent (S24). Beside another ID nobody can say that it is not the one
/// that was meant.
LoadJob::Found LoadJob::unreadable(const char* why) {
  core_.events.unreadable(id().key(), why);
  if (presented_.count > 1)
    error_ = {Errc::store_unavailable,
              "one request brought two session IDs, and the record of one cannot be read: take "
              "that cookie away, or mend the record that event decode_failed names"};
  return Found::nothing;
}

/// By what its login asked for. The store's word that it is over counts, whatever the clock is by
/// now.
const char* LoadJob::which_timeout(const Record& record, TimePoint now) const {
  now = std::max(now, record.expires_at);
  Base base;
  std::string_view payload;
  const auto state = open_header(record, core_.rules.lifetimes, now, base, payload);
  return state == RecordState::absolute_over ? absolute_over : idle_over;
}

void LoadJob::start_claim() {
  unit_.presence = Presence::live;
  unit_.presented = session_->presented;
  unit_.claims_flash = true;
  step_ = Step::write;
}

void LoadJob::written(Record newest) {
  lose_flash_if_unknown();
  if (unit_.result.verdict == Verdict::failed) return claim_failed(std::move(unit_.result.error));
  if (unit_.result.claimed) {
    session_->flash = std::make_shared<detail::FlashMessage>(std::move(*unit_.result.claimed));
    session_->flash_home = core_.flash_home;
  }
  auto found = Found::nothing;
  become(Presence::absent);
  if (newest.token != WriteToken{})
    found = open(newest, core_.time.now());
  else
    static_cast<void>(reject("ended while its flash message was claimed"));
  if (found == Found::live)
    session_->presence = Presence::live;
  else
    become(found == Found::superseded ? Presence::superseded : Presence::absent);
}

/// What surely took nothing keeps nobody from a page: a store that is full, or without the right to
/// write, still tells what it holds. The message waits.
void LoadJob::claim_failed(Error error) {
  if (unit_.result.unknown) {
    error_ = std::move(error);
    return;
  }
  const auto key = id().key();
  put_before(error, "a flash message could not be taken, and waits for the next page: ");
  core_.events.emit(event::failed, &key, error.text);
}

void LoadJob::lose_flash_if_unknown() {
  if (!unit_.result.unknown) return;
  const auto key = id().key();
  core_.events.emit(event::flash_lost, &key,
                    "whether a flash message was taken by a request that failed, or whose session "
                    "ended meanwhile, is unknown");
}

void LoadJob::become(Presence presence) {
  session_->presence = presence;
  session_->base = {};
  // For events, and for a claimed flash message to go back to.
  session_->base.record.key = id().key();
}

Result<Session> LoadJob::result() {
  if (error_) {
    core_.events.emit(event::failed, nullptr, error_->text);
    return tl::unexpected(std::move(*error_));
  }
  return SessionAccess::make(std::move(session_));
}

}  // namespace flame::inline v0::session
