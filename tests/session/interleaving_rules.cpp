#include "interleaving_rules.hpp"

#include <bit>
#include <utility>

namespace flame::session_tests {

int Model::find(int id, Presence& presence) const {
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const auto& each = sessions[i];
    if (!each.alive || (each.current != id && !(each.superseded >> id & 1))) continue;
    presence = each.current == id ? Presence::live : Presence::superseded;
    return static_cast<int>(i);
  }
  presence = Presence::absent;
  return -1;
}

std::uint64_t Model::hash() const noexcept {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  const auto add = [&out](auto... values) {
    ((out = (out ^ static_cast<std::uint64_t>(values)) * 0x9e3779b97f4a7c15ULL, out ^= out >> 29),
     ...);
  };
  const auto add_content = [&add](const Content& each) {
    add(each.keys, each.n, each.last, each.owner, each.label);
  };
  for (const auto& each : sessions) {
    add(each.alive);
    if (!each.alive) continue;
    add(each.current, each.superseded, each.flash);
    add_content(each.content);
  }
  for (const auto& each : requests) {
    add(each.presence, each.session, each.claimed, each.claimed_from, each.applied_before, each.id,
        each.second, each.first_found, each.flash_first, each.loaded, each.replaced, each.ends,
        each.counts, each.may_end, each.must_end, each.signed_in);
    add_content(each.seen_first);
  }
  add(dropped, flash_lost);
  return out;
}

unsigned Model::owned_by(int owner) const {
  unsigned out = 0;
  for (std::size_t i = 0; i < sessions.size(); ++i)
    if (sessions[i].alive && sessions[i].content.owner == owner) out |= 1u << i;
  return out;
}

unsigned Model::alive() const {
  unsigned out = 0;
  for (std::size_t i = 0; i < sessions.size(); ++i)
    if (sessions[i].alive) out |= 1u << i;
  return out;
}

bool Rules::apply(Model& model, const Moment& moment) {
  if (!apply_alone(model, moment)) return false;
  note_endings(model);
  return true;
}

bool Rules::apply_alone(Model& model, const Moment& moment) {
  const std::size_t i = moment.request;
  const Seen& seen = history_.requests[i];
  switch (moment.kind) {
    case Moment::Kind::claim:
      return claim(model, i, seen);
    case Moment::Kind::miss:
      return miss(model, i, seen);
    case Moment::Kind::load:
      return load(model, i, seen);
    case Moment::Kind::load_second:
      return load_second(model, i, seen);
    case Moment::Kind::claim_by_second:
      return claim_by_second(model, i, seen);
    case Moment::Kind::load_again:
      return load_again(model, i, seen);
    case Moment::Kind::end_second:
      return end_second(model, i);
    case Moment::Kind::end_all:
      return end_all_of(model, i, seen);
    case Moment::Kind::early:
      return early(model, i, seen);
    case Moment::Kind::commit:
      return commit(model, i, seen);
    case Moment::Kind::put_back:
      return put_back(model, i);
    case Moment::Kind::begin_ending:
      model.requests[i].ends = true;
      model.requests[i].must_end = ended_by(model, i);
      return true;
    case Moment::Kind::end_one:
      return end_one(model, i, moment.session);
    case Moment::Kind::ended_all:
      return ended_all(model, i);
    case Moment::Kind::limit_one:
      return limit_one(model, i, moment.session);
    case Moment::Kind::refused:
      return was_refused(model, i);
    case Moment::Kind::end_unseen:
      return end_unseen(model, i);
  }
  return false;
}

int Rules::ends_owner(std::size_t i) const noexcept {
  return history_.limit.ends_owner(i, history_.requests.size());
}

unsigned Rules::ended_by(const Model& model, std::size_t i) const {
  return history_.requests[i].actions & everyone ? model.alive() : model.owned_by(ends_owner(i));
}

bool Rules::claim(Model& model, std::size_t i, const Seen& seen) {
  Presence presence{};
  const int found = model.find(seen.id, presence);
  if (presence != Presence::live)
    return explaining_ && differs(i, "got a flash message, but its ID opens no session");
  return take_flash_of(model, i, seen, found);
}

bool Rules::take_flash_of(Model& model, std::size_t i, const Seen& seen, int found) {
  auto& session = model.sessions[static_cast<std::size_t>(found)];
  const bool known = seen.flash >= 0;
  if (session.flash < 0 || (known && session.flash != seen.flash))
    return explaining_ && differs(i, "got flash message " + std::to_string(seen.flash) +
                                         ", but the session has " + std::to_string(session.flash));
  model.requests[i].claimed = std::exchange(session.flash, -1);
  model.requests[i].claimed_from = found;
  return true;
}

bool Rules::miss(Model& model, std::size_t i, const Seen& seen) {
  Presence presence{};
  const int found = model.find(seen.id, presence);
  if (presence != Presence::live || model.sessions[static_cast<std::size_t>(found)].flash < 0)
    return true;
  if (history_.flash_left > 0) return true;
  return explaining_ && differs(i, "got no flash message, but the session has one");
}

bool Rules::load(Model& model, std::size_t i, const Seen& seen) {
  auto& self = model.requests[i];
  self.session = model.find(seen.id, self.presence);
  self.id = seen.id;
  const bool live = self.presence == Presence::live;
  const ModelSession session =
      live ? model.sessions[static_cast<std::size_t>(self.session)] : ModelSession{};
  if (seen.second_id < 0) return sees(i, seen, live, session.content);
  self.seen_first = session.content;
  self.flash_first = session.flash;
  self.first_found = self.presence;
  return true;
}

bool Rules::sees(std::size_t i, const Seen& seen, bool live, const Content& content) {
  if (live != seen.exists)
    return explaining_ && differs(i, live ? "saw no session, but its IDs open one"
                                          : "saw a session that is over, or that it should not");
  if (content == seen.content) return true;
  return explaining_ && differs(i, "saw " + describe(seen.content) + ", not " + describe(content));
}

bool Rules::load_second(Model& model, std::size_t i, const Seen& seen) {
  auto& self = model.requests[i];
  Presence presence{};
  const int found = model.find(seen.second_id, presence);
  Content content{};
  int flash = -1;
  if (self.first_found == Presence::live && presence == Presence::live) {
    self.second = found;
    self.presence = Presence::absent;
  } else if (self.first_found == Presence::live) {
    content = self.seen_first;
    flash = self.flash_first;
  } else if (presence == Presence::live) {
    self.presence = presence;
    self.session = found;
    self.id = seen.second_id;
    content = model.sessions[static_cast<std::size_t>(found)].content;
    flash = model.sessions[static_cast<std::size_t>(found)].flash;
  } else if (presence == Presence::superseded) {
    self.presence = presence;
  }
  const bool live = self.presence == Presence::live;
  if (!(seen.actions & take_flash)) return sees(i, seen, live, content);
  self.loaded = live == seen.exists && content == seen.content && flash < 0;
  return true;
}

/// Of the session that was opened; where it has no message when it is loaded, nothing follows.
bool Rules::claim_by_second(Model& model, std::size_t i, const Seen& seen) {
  auto& self = model.requests[i];
  if (seen.flash < 0 && self.loaded) return true;
  if (self.presence != Presence::live)
    return explaining_ && differs(i, "saw, by two IDs, what it should not, or nothing");
  Presence presence{};
  const int found = model.find(self.id, presence);
  if (seen.flash < 0) {
    const bool has_one =
        presence == Presence::live && model.sessions[static_cast<std::size_t>(found)].flash >= 0;
    return !has_one || history_.flash_left > 0 ||
           (explaining_ && differs(i, "got no message, but the session has one"));
  }
  if (presence != Presence::live)
    return explaining_ && differs(i, "got a flash message of a session that is over");
  return take_flash_of(model, i, seen, found);
}

/// What a claim brings along.
bool Rules::load_again(Model& model, std::size_t i, const Seen& seen) {
  auto& self = model.requests[i];
  if (seen.flash < 0 && self.loaded) return true;
  self.session = model.find(self.id, self.presence);
  const bool live = self.presence == Presence::live;
  return sees(i, seen, live,
              live ? model.sessions[static_cast<std::size_t>(self.session)].content : Content{});
}

bool Rules::end_second(Model& model, std::size_t i) {
  const int second = model.requests[i].second;
  if (second >= 0) model.sessions[static_cast<std::size_t>(second)].alive = false;
  return true;
}

bool Rules::end_all_of(Model& model, std::size_t i, const Seen& seen) {
  const unsigned owned = ended_by(model, i);
  for (std::size_t j = 0; j < model.sessions.size(); ++j)
    if (owned >> j & 1) model.sessions[j].alive = false;
  const auto ended = static_cast<std::size_t>(std::popcount(owned));
  if (ended == seen.ended) return true;
  return explaining_ && differs(i, "ended " + std::to_string(seen.ended) + " sessions, not " +
                                       std::to_string(ended));
}

/// Whoever ends sessions one after the other listed them before: each was its owner's, or one too
/// many, at some time since it began.
void Rules::note_endings(Model& model) {
  const unsigned owned = model.owned_by(history_.limit.login_owner(0));
  const bool crowded = static_cast<std::size_t>(std::popcount(owned)) > history_.limit.sessions;
  for (std::size_t i = 0; i < history_.requests.size(); ++i) {
    auto& self = model.requests[i];
    if (self.ends) self.may_end |= ended_by(model, i);
    if (self.counts && crowded) self.may_end |= owned;
  }
}

bool Rules::end_one(Model& model, std::size_t i, int session) {
  auto& self = model.requests[i];
  auto& its = model.sessions[static_cast<std::size_t>(session)];
  if (!its.alive || !(self.may_end >> session & 1)) return false;
  its.alive = false;
  return true;
}

/// What had begun before it is over.
bool Rules::ended_all(Model& model, std::size_t i) {
  auto& self = model.requests[i];
  const unsigned left = ended_by(model, i) & self.must_end;
  self.ends = false;
  if (left == 0) return true;
  return explaining_ && differs(i, "left a session that was there when it began");
}

/// No fewer are left than there may be, unless others end some in between.
bool Rules::limit_one(Model& model, std::size_t i, int session) {
  if (!model.requests[i].counts || !end_one(model, i, session)) return false;
  constexpr unsigned ends = destroy | end_all | host_ends;
  for (const Seen& each : history_.requests)
    if (each.actions & ends) return true;
  const auto left = std::popcount(model.owned_by(history_.limit.login_owner(i)));
  if (static_cast<std::size_t>(left) >= history_.limit.sessions) return true;
  return explaining_ && differs(i, "ended more than are above the limit");
}

bool Rules::was_refused(Model& model, std::size_t i) {
  auto& self = model.requests[i];
  if (self.signed_in >= 0) {
    if (!model.sessions[static_cast<std::size_t>(self.signed_in)].alive) return true;
    return explaining_ && differs(i, "was refused, and is signed in");
  }
  unsigned others = model.owned_by(history_.limit.login_owner(i));
  if (self.presence == Presence::live) others &= ~(1u << self.session);
  if (static_cast<std::size_t>(std::popcount(others)) >= history_.limit.sessions) return true;
  return explaining_ && differs(i, "was refused, though there is room");
}

/// Nobody got the new ID: an owner's session is not left to be seen in lists.
bool Rules::end_unseen(Model& model, std::size_t i) {
  const auto& self = model.requests[i];
  const int session = self.signed_in >= 0 ? self.signed_in : self.session;
  if (session < 0) return false;
  auto& its = model.sessions[static_cast<std::size_t>(session)];
  if (!its.alive || its.content.owner < 0 || its.current != static_cast<int>(i) + 1) return false;
  its.alive = false;
  return true;
}

bool Rules::put_back(Model& model, std::size_t i) {
  auto& self = model.requests[i];
  if (self.claimed < 0) return false;
  auto& session = model.sessions[static_cast<std::size_t>(self.claimed_from)];
  if (session.alive && session.flash < 0)
    session.flash = self.claimed;
  else if (!self.replaced)
    ++model.flash_lost;
  self.claimed = -1;
  return true;
}

/// What a commit that is known to have ended without an error must look like.
bool Rules::answers(std::size_t i, const Seen& seen, Seen::Cookie cookie, bool update_throws) {
  if (seen.commit == Seen::Commit::unknown || seen.commit == Seen::Commit::refused) return true;
  if (update_throws != (seen.commit == Seen::Commit::update_failed))
    return explaining_ && differs(i, update_throws ? "was answered well, though its update throws"
                                                   : "was told that its update throws");
  if (update_throws) return true;
  if (cookie == seen.cookie) return true;
  const auto name = [](Seen::Cookie each) {
    return std::string(each == Seen::Cookie::none    ? "no cookie"
                       : each == Seen::Cookie::fresh ? "a new ID"
                                                     : "its cookie removed");
  };
  return explaining_ && differs(i, "got " + name(seen.cookie) + ", not " + name(cookie));
}

/// The owner that its session has already, on no other terms, is no login.
bool Rules::signs_in(const Model& model, std::size_t i, const Seen& seen) const {
  if (!(seen.actions & login)) return false;
  return model.requests[i].presence != Presence::live || has_terms(i) ||
         seen.content.owner != history_.limit.login_owner(i);
}

void Rules::change(Model& model, int session, std::size_t i, const Seen& seen) {
  const unsigned actions = seen.actions;
  auto& its = model.sessions[static_cast<std::size_t>(session)];
  const int self = static_cast<int>(i);
  const bool logs_in = signs_in(model, i, seen);
  if (logs_in && its.content.owner >= 0 && its.content.owner != history_.limit.login_owner(i)) {
    its.content = {0, 0, -1, its.content.owner, its.content.label};
    if (its.flash >= 0 && its.flash == seen.flash && (actions & unlooked)) ++model.flash_lost;
    its.flash = -1;
  }
  if (actions & erase_last) its.content.last = -1;
  if (actions & clear_all) its.content = {0, 0, -1, its.content.owner, its.content.label};
  if (actions & set_own) {
    its.content.keys |= 1u << i;
    its.content.last = self;
  }
  if (actions & update_n) ++its.content.n;
  if (actions & put_flash) its.flash = self + 1;
  if (!logs_in) return;
  its.content.owner = history_.limit.login_owner(i);
  its.content.label = has_terms(i) ? self : -1;
  model.requests[i].signed_in = session;
  model.requests[i].counts = history_.limit.sessions > 0;
}

bool Rules::create(Model& model, std::size_t i, const Seen& seen) {
  if (seen.actions & bad_update) return answers(i, seen, Seen::Cookie::none, true);
  if (!(seen.actions & (set_own | update_n | put_flash | login)))
    return answers(i, seen, Seen::Cookie::none);
  if (!answers(i, seen, Seen::Cookie::fresh)) return false;
  const int its = static_cast<int>(i) + 1;
  model.sessions[i + 1] = {true, its, 0, {}, -1};
  change(model, its, i, seen);
  return true;
}

/// After a logout: a message begins a session of its own, unless the store has a fault.
bool Rules::farewell(Model& model, std::size_t i, const Seen& seen, Seen::Cookie otherwise) {
  if (!(seen.actions & put_flash) || (history_.faults && seen.cookie == otherwise))
    return answers(i, seen, otherwise);
  model.sessions[i + 1] = {true, static_cast<int>(i) + 1, 0, {}, static_cast<int>(i) + 1};
  return answers(i, seen, Seen::Cookie::fresh);
}

bool Rules::drop(Model& model, std::size_t i, const Seen& seen) {
  if (signs_in(model, i, seen) && !(seen.actions & destroy)) return create(model, i, seen);
  if (seen.commit != Seen::Commit::unknown) ++model.dropped;
  return answers(i, seen, Seen::Cookie::none);
}

bool Rules::early(Model& model, std::size_t i, const Seen& seen) {
  Seen unknown = seen;
  unknown.commit = Seen::Commit::unknown;
  const auto& self = model.requests[i];
  if ((self.presence != Presence::live && self.second < 0) || !commit(model, i, unknown))
    return false;
  model.requests[i].applied_before = true;
  return true;
}

bool Rules::commit(Model& model, std::size_t i, const Seen& seen) {
  auto& self = model.requests[i];
  constexpr unsigned not_changes = take_flash | unlooked | end_all | everyone | two_ids;
  const unsigned changes = signs_in(model, i, seen) ? seen.actions : seen.actions & ~login;
  if (!(changes & ~not_changes)) return answers(i, seen, Seen::Cookie::none);
  if (self.presence == Presence::superseded) return drop(model, i, seen);
  if (self.second >= 0 && (seen.actions & destroy)) {
    model.sessions[static_cast<std::size_t>(self.session)].alive = false;
    return farewell(model, i, seen, Seen::Cookie::removed);
  }
  if (self.presence == Presence::absent)
    return seen.actions & destroy ? farewell(model, i, seen, Seen::Cookie::none)
                                  : create(model, i, seen);
  auto& session = model.sessions[static_cast<std::size_t>(self.session)];
  if (seen.actions & destroy) {
    session.alive = false;
    return farewell(model, i, seen, Seen::Cookie::removed);
  }
  if (self.applied_before && session.alive) return explaining_ && differs(i, "was applied twice");
  if (!session.alive || session.current != self.id) return drop(model, i, seen);
  if (seen.actions & bad_update) return answers(i, seen, Seen::Cookie::none, true);
  const bool renews = (seen.actions & regenerate) || signs_in(model, i, seen);
  if (!answers(i, seen, renews ? Seen::Cookie::fresh : Seen::Cookie::none)) return false;
  change(model, self.session, i, seen);
  self.replaced = (seen.actions & put_flash) != 0;
  if (renews) {
    session.superseded |= 1u << session.current;
    session.current = static_cast<int>(i) + 1;
  }
  return true;
}

bool Rules::at_end(const Model& model) {
  for (const Opened& opened : history_.at_end) {
    Presence presence{};
    const int found = model.find(opened.id, presence);
    const bool live = presence == Presence::live;
    const std::string id = "at the end ID " + std::to_string(opened.id);
    if (live != opened.exists)
      return explaining_ &&
             differs(id + (live ? " opens nothing" : " opens a session, which should be over"));
    if (!live) continue;
    const auto& session = model.sessions[static_cast<std::size_t>(found)];
    if (session.content != opened.content)
      return explaining_ && differs(id + " opens " + describe(opened.content) + ", not " +
                                    describe(session.content));
    if (session.flash != opened.flash)
      return explaining_ && differs(id + " has flash message " + std::to_string(opened.flash) +
                                    ", not " + std::to_string(session.flash));
  }
  return counts(model) && keeps_limit(model);
}

bool Rules::counts(const Model& model) {
  // With faults there may be more: of what nobody waits for any more, or was applied before it
  // was ended.
  if (history_.dropped < model.dropped || (!history_.faults && history_.dropped > model.dropped))
    return explaining_ && differs(std::to_string(history_.dropped) + " dropped events, not " +
                                  std::to_string(model.dropped));
  if (!history_.faults && history_.flash_lost != model.flash_lost)
    return explaining_ && differs(std::to_string(history_.flash_lost) + " flash_lost events, not " +
                                  std::to_string(model.flash_lost));
  return true;
}

/// With faults a login may end before it has counted.
bool Rules::keeps_limit(const Model& model) {
  if (history_.faults || history_.limit.sessions == 0) return true;
  const auto left = std::popcount(model.owned_by(history_.limit.login_owner(0)));
  if (static_cast<std::size_t>(left) <= history_.limit.sessions) return true;
  return explaining_ && differs("at the end an owner has " + std::to_string(left) + " sessions");
}

bool Rules::differs(std::string what) {
  why_ = std::move(what);
  return false;
}

bool Rules::differs(std::size_t i, const std::string& what) {
  return differs("request " + std::to_string(i) + " " + what);
}

}  // namespace flame::session_tests
