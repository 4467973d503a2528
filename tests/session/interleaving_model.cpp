#include "interleaving_model.hpp"

#include <array>
#include <limits>
#include <utility>

namespace flame::session_tests {
namespace {

constexpr std::size_t most_requests = 6;
constexpr std::size_t most_events = 32;
constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

struct ModelSession {
  bool alive = false;
  int current = -1;
  unsigned superseded = 0;  ///< a bit for each ID: no test renews so often that one is forgotten
  Content content{};
  int flash = -1;
};

enum class Presence : std::uint8_t { absent, live, superseded };

struct ModelRequest {
  Presence presence = Presence::absent;
  int session = -1;
  int claimed = -1;
  int claimed_from = -1;
  bool applied_before = false;
  int id = -1;                              ///< the one that opened a session
  int second = -1;                          ///< the other session, where both IDs are live
  Presence first_found = Presence::absent;  ///< by the first of two IDs
  Content seen_first{};
  bool replaced = false;  ///< its own message came in the place of what it claimed
};

struct Model {
  std::array<ModelSession, most_requests + 1> sessions{};
  std::array<ModelRequest, most_requests> requests{};
  std::size_t dropped = 0;
  std::size_t flash_lost = 0;

  int find(int id, Presence& presence) const {
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const auto& each = sessions[i];
      if (!each.alive || (each.current != id && !(each.superseded >> id & 1))) continue;
      presence = each.current == id ? Presence::live : Presence::superseded;
      return static_cast<int>(i);
    }
    presence = Presence::absent;
    return -1;
  }
};

struct Event {
  enum class Kind : std::uint8_t {
    claim,
    miss,
    load,
    load_second,
    early,
    commit,
    end_second,
    end_all,
    put_back
  };
  Kind kind{};
  std::size_t request = 0;
  Interval when{};
  bool optional = false;
  std::size_t after = never;  ///< an event of the same request that comes first
};

class Search {
 public:
  explicit Search(const History& history) : history_(history) {
    for (std::size_t i = 0; i < history.requests.size(); ++i) add_events(i);
  }

  std::optional<std::string> run() {
    Model model;
    model.sessions[0] = {true, 0, 0, {}, history_.flash_at_start ? 0 : -1};
    if (step(model, 0)) return std::nullopt;
    explaining_ = true;
    static_cast<void>(step(model, 0));
    return best_.value_or("nothing that was seen");
  }

 private:
  std::size_t add(Event::Kind kind, std::size_t request, Interval when, bool optional,
                  std::size_t after) {
    events_.push_back({kind, request, when, optional, after});
    return events_.size() - 1;
  }

  void add_events(std::size_t i) {
    const Seen& seen = history_.requests[i];
    const bool takes = (seen.actions & take_flash) && !(seen.actions & two_ids);
    std::size_t last = never;
    if (seen.load == Seen::Load::error) {
      if (!takes) return;
      last = add(Event::Kind::claim, i, {seen.loading.start, never}, true, last);
      add(Event::Kind::put_back, i, {seen.loading.start, never}, true, last);
      return;
    }
    if (takes && history_.faults && !seen.exists && seen.flash < 0)
      // Its claim may have been applied, and then the session ended before the claim's lost reply
      // was settled.
      add(Event::Kind::claim, i, {seen.loading.start, never}, true, never);
    else if (takes)
      last = add(seen.flash >= 0 ? Event::Kind::claim : Event::Kind::miss, i, seen.loading, false,
                 last);
    last = add(Event::Kind::load, i, seen.loading, false, last);
    if (seen.second_id >= 0) last = add(Event::Kind::load_second, i, seen.loading, false, last);
    if (seen.actions & end_all)
      last =
          add(Event::Kind::end_all, i, {seen.committing.start, seen.committing.start}, false, last);
    add_commit(i, seen, last);
  }

  void add_commit(std::size_t i, const Seen& seen, std::size_t loaded) {
    const bool failed = (seen.actions & fails) != 0;
    const Interval late{seen.committing.start, never};
    std::size_t committed = never;
    if (seen.second_id >= 0 && (seen.actions & destroy) && !failed) add_ending(i, seen, loaded);
    if (!failed && seen.commit == Seen::Commit::unknown)
      add(Event::Kind::commit, i, late, true, loaded);
    else if (!failed && (seen.commit == Seen::Commit::ok ||
                         (seen.commit == Seen::Commit::update_failed && !history_.faults)))
      committed = add(Event::Kind::commit, i, seen.committing, false, loaded);
    // Applied, and the session destroyed before the lost reply was settled: then it was as if
    // dropped, and a login signs in a second time.
    if (history_.faults && !failed && seen.commit == Seen::Commit::ok)
      add(Event::Kind::early, i, late, true, loaded);
    const bool returns = failed || seen.commit == Seen::Commit::update_failed ||
                         seen.commit == Seen::Commit::not_applied ||
                         seen.commit == Seen::Commit::unknown ||
                         ((seen.actions & unlooked) && !((seen.actions & destroy) && seen.exists));
    if (seen.flash < 0 || !returns) return;
    const bool saves = !failed && seen.commit == Seen::Commit::ok;
    add(Event::Kind::put_back, i, history_.faults ? late : seen.committing, history_.faults,
        saves ? committed : loaded);
  }

  /// A logout by two live IDs ends one after the other.
  void add_ending(std::size_t i, const Seen& seen, std::size_t loaded) {
    const bool ok = seen.commit == Seen::Commit::ok;
    add(Event::Kind::end_second, i, {seen.committing.start, ok ? seen.committing.end : never}, !ok,
        loaded);
    if (seen.commit == Seen::Commit::not_applied)  // of one, perhaps
      add(Event::Kind::early, i, {seen.committing.start, never}, true, loaded);
  }

  bool is_done(std::size_t event, unsigned done) const { return (done >> event & 1) != 0; }

  /// Whether it may come next: nothing that must come first is missing.
  bool ready(std::size_t event, unsigned done) const {
    const Event& self = events_[event];
    if (self.after != never && !is_done(self.after, done)) return false;
    for (std::size_t i = 0; i < events_.size(); ++i)
      if (!is_done(i, done) && events_[i].when.end < self.when.start) return false;
    return true;
  }

  bool step(const Model& model, unsigned done) {
    bool complete = true;
    for (std::size_t i = 0; i < events_.size(); ++i)
      complete = complete && (events_[i].optional || is_done(i, done));
    if (complete && at_end(model, most_events)) return true;  // its reasons say most
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (is_done(i, done) || !ready(i, done)) continue;
      Model next = model;
      order_.push_back(i);
      if (apply(next, events_[i]) && step(next, done | 1u << i)) return true;
      order_.pop_back();
    }
    return false;
  }

  bool apply(Model& model, const Event& event) {
    const Seen& seen = history_.requests[event.request];
    switch (event.kind) {
      case Event::Kind::claim:
        return claim(model, event.request, seen);
      case Event::Kind::miss:
        return miss(model, event.request, seen);
      case Event::Kind::load:
        return load(model, event.request, seen);
      case Event::Kind::load_second:
        return load_second(model, event.request, seen);
      case Event::Kind::end_second:
        return end_second(model, event.request);
      case Event::Kind::end_all:
        return end_all_of(model, event.request, seen);
      case Event::Kind::early:
        return early(model, event.request, seen);
      case Event::Kind::commit:
        return commit(model, event.request, seen);
      case Event::Kind::put_back:
        return put_back(model, event.request);
    }
    return false;
  }

  bool claim(Model& model, std::size_t i, const Seen& seen) {
    Presence presence{};
    const int found = model.find(seen.id, presence);
    if (presence != Presence::live)
      return explaining_ && mismatch(i, "got a flash message, but its ID opens no session");
    auto& session = model.sessions[static_cast<std::size_t>(found)];
    const bool known = seen.flash >= 0;
    if (session.flash < 0 || (known && session.flash != seen.flash))
      return explaining_ &&
             mismatch(i, "got flash message " + std::to_string(seen.flash) +
                             ", but the session has " + std::to_string(session.flash));
    model.requests[i].claimed = std::exchange(session.flash, -1);
    model.requests[i].claimed_from = found;
    return true;
  }

  bool miss(Model& model, std::size_t i, const Seen& seen) {
    Presence presence{};
    const int found = model.find(seen.id, presence);
    if (presence != Presence::live || model.sessions[static_cast<std::size_t>(found)].flash < 0)
      return true;
    return explaining_ && mismatch(i, "got no flash message, but the session has one");
  }

  bool load(Model& model, std::size_t i, const Seen& seen) {
    auto& self = model.requests[i];
    self.session = model.find(seen.id, self.presence);
    self.id = seen.id;
    const bool live = self.presence == Presence::live;
    if (seen.second_id >= 0) {
      if (live) self.seen_first = model.sessions[static_cast<std::size_t>(self.session)].content;
      self.first_found = self.presence;
      return true;
    }
    if (live != seen.exists)
      return explaining_ && mismatch(i, live ? "saw no session, but its ID opens one"
                                             : "saw a session that is over");
    const Content content =
        live ? model.sessions[static_cast<std::size_t>(self.session)].content : Content{};
    if (content == seen.content) return true;
    return explaining_ &&
           mismatch(i, "saw " + describe(seen.content) + ", not " + describe(content));
  }

  bool load_second(Model& model, std::size_t i, const Seen& seen) {
    auto& self = model.requests[i];
    Presence presence{};
    const int found = model.find(seen.second_id, presence);
    Content content{};
    if (self.first_found == Presence::live && presence == Presence::live) {
      self.second = found;
      self.presence = Presence::absent;
    } else if (self.first_found == Presence::live) {
      content = self.seen_first;
    } else if (presence == Presence::live) {
      self.presence = presence;
      self.session = found;
      self.id = seen.second_id;
      content = model.sessions[static_cast<std::size_t>(found)].content;
    } else if (presence == Presence::superseded) {
      self.presence = presence;
    }
    const bool live = self.presence == Presence::live;
    if (live != seen.exists)
      return explaining_ && mismatch(i, "opened, by two IDs, what it should not, or nothing");
    if (content == seen.content) return true;
    return explaining_ &&
           mismatch(i, "saw, by two IDs, " + describe(seen.content) + ", not " + describe(content));
  }

  bool end_second(Model& model, std::size_t i) {
    const int second = model.requests[i].second;
    if (second >= 0) model.sessions[static_cast<std::size_t>(second)].alive = false;
    return true;
  }

  bool end_all_of(Model& model, std::size_t i, const Seen& seen) {
    std::size_t ended = 0;
    for (auto& each : model.sessions) {
      if (!each.alive || each.content.owner != ends_owner(i, history_.requests.size())) continue;
      each.alive = false;
      ++ended;
    }
    if (ended == seen.ended) return true;
    return explaining_ && mismatch(i, "ended " + std::to_string(seen.ended) + " sessions, not " +
                                          std::to_string(ended));
  }

  bool put_back(Model& model, std::size_t i) {
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
  bool answers(std::size_t i, const Seen& seen, Seen::Cookie cookie, bool update_throws = false) {
    if (seen.commit == Seen::Commit::unknown) return true;
    if (update_throws != (seen.commit == Seen::Commit::update_failed))
      return explaining_ &&
             mismatch(i, update_throws ? "was answered well, though its update throws"
                                       : "was told that its update throws");
    if (update_throws) return true;
    if (cookie == seen.cookie) return true;
    const auto name = [](Seen::Cookie each) {
      return std::string(each == Seen::Cookie::none    ? "no cookie"
                         : each == Seen::Cookie::fresh ? "a new ID"
                                                       : "its cookie removed");
    };
    return explaining_ && mismatch(i, "got " + name(seen.cookie) + ", not " + name(cookie));
  }

  void change(ModelSession& session, std::size_t i, unsigned actions) {
    const int self = static_cast<int>(i);
    if (actions & erase_last) session.content.last = -1;
    if (actions & clear_all)
      session.content = {0, 0, -1, session.content.owner, session.content.label};
    if (actions & set_own) {
      session.content.keys |= 1u << i;
      session.content.last = self;
    }
    if (actions & update_n) ++session.content.n;
    if (actions & put_flash) session.flash = self + 1;
    if (actions & login) {
      session.content.owner = self;
      session.content.label = has_terms(i) ? self : -1;
    }
  }

  bool create(Model& model, std::size_t i, const Seen& seen) {
    if (seen.actions & bad_update) return answers(i, seen, Seen::Cookie::none, true);
    if (!(seen.actions & (set_own | update_n | put_flash | login)))
      return answers(i, seen, Seen::Cookie::none);
    if (!answers(i, seen, Seen::Cookie::fresh)) return false;
    auto& session = model.sessions[i + 1];
    session = {true, static_cast<int>(i) + 1, 0, {}, -1};
    change(session, i, seen.actions);
    return true;
  }

  /// After a logout: a message begins a session of its own, unless the store has a fault.
  bool farewell(Model& model, std::size_t i, const Seen& seen, Seen::Cookie otherwise) {
    if (!(seen.actions & put_flash) || (history_.faults && seen.cookie == otherwise))
      return answers(i, seen, otherwise);
    model.sessions[i + 1] = {true, static_cast<int>(i) + 1, 0, {}, static_cast<int>(i) + 1};
    return answers(i, seen, Seen::Cookie::fresh);
  }

  bool drop(Model& model, std::size_t i, const Seen& seen) {
    if ((seen.actions & login) && !(seen.actions & destroy)) return create(model, i, seen);
    if (seen.commit != Seen::Commit::unknown) ++model.dropped;
    return answers(i, seen, Seen::Cookie::none);
  }

  bool early(Model& model, std::size_t i, const Seen& seen) {
    Seen unknown = seen;
    unknown.commit = Seen::Commit::unknown;
    const auto& self = model.requests[i];
    if ((self.presence != Presence::live && self.second < 0) || !commit(model, i, unknown))
      return false;
    model.requests[i].applied_before = true;
    return true;
  }

  bool commit(Model& model, std::size_t i, const Seen& seen) {
    auto& self = model.requests[i];
    constexpr unsigned not_changes = take_flash | unlooked | end_all | two_ids;
    if (!(seen.actions & ~not_changes)) return answers(i, seen, Seen::Cookie::none);
    if (self.presence == Presence::superseded) {
      return drop(model, i, seen);
    }
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
    if (self.applied_before && session.alive)
      return explaining_ && mismatch(i, "was applied twice");
    if (!session.alive || session.current != self.id) return drop(model, i, seen);
    if (seen.actions & bad_update) return answers(i, seen, Seen::Cookie::none, true);
    const bool renews = (seen.actions & (regenerate | login)) != 0;
    if (!answers(i, seen, renews ? Seen::Cookie::fresh : Seen::Cookie::none)) return false;
    change(session, i, seen.actions);
    self.replaced = (seen.actions & put_flash) != 0;
    if (renews) {
      session.superseded |= 1u << session.current;
      session.current = static_cast<int>(i) + 1;
    }
    return true;
  }

  bool at_end(const Model& model, std::size_t depth) {
    for (const Opened& opened : history_.at_end) {
      Presence presence{};
      const int found = model.find(opened.id, presence);
      const bool live = presence == Presence::live;
      const std::string id = "at the end ID " + std::to_string(opened.id);
      if (live != opened.exists)
        return explaining_ && note(depth, id + (live ? " opens nothing"
                                                     : " opens a session, which should be over"));
      if (!live) continue;
      const auto& session = model.sessions[static_cast<std::size_t>(found)];
      if (session.content != opened.content)
        return explaining_ && note(depth, id + " opens " + describe(opened.content) + ", not " +
                                              describe(session.content));
      if (session.flash != opened.flash)
        return explaining_ &&
               note(depth, id + " has flash message " + std::to_string(opened.flash) + ", not " +
                               std::to_string(session.flash));
    }
    return counts(model, depth);
  }

  bool counts(const Model& model, std::size_t depth) {
    // With faults there may be more: of what nobody waits for any more, or was applied before it
    // was ended.
    if (history_.dropped < model.dropped || (!history_.faults && history_.dropped > model.dropped))
      return explaining_ && note(depth, std::to_string(history_.dropped) + " dropped events, not " +
                                            std::to_string(model.dropped));
    if (!history_.faults && history_.flash_lost != model.flash_lost)
      return explaining_ &&
             note(depth, std::to_string(history_.flash_lost) + " flash_lost events, not " +
                             std::to_string(model.flash_lost));
    return true;
  }

  bool mismatch(std::size_t i, const std::string& what) {
    return note(order_.size(), "request " + std::to_string(i) + " " + what);
  }

  /// Keeps the reason of the try that came farthest. False, for its callers to return.
  bool note(std::size_t depth, const std::string& why) {
    if (best_ && depth < best_depth_) return false;
    best_depth_ = depth;
    best_ = why + "\n  in the order:";
    static constexpr std::array names{"claim",          "miss",         "load",
                                      "load by second", "early commit", "commit",
                                      "end of second",  "end all",      "put back"};
    for (const std::size_t i : order_)
      *best_ += std::string(" ") + names.at(static_cast<std::size_t>(events_[i].kind)) + " of " +
                std::to_string(events_[i].request) + ",";
    return false;
  }

  const History& history_;
  std::vector<Event> events_{};
  std::vector<std::size_t> order_{};
  bool explaining_ = false;  // text costs more than the search
  std::optional<std::string> best_{};
  std::size_t best_depth_ = 0;
};

}  // namespace

std::string describe(unsigned actions) {
  static constexpr std::array names{"set",   "update",        "regenerate", "destroy",    "login",
                                    "flash", "take flash",    "fail",       "bad update", "erase",
                                    "clear", "not looked at", "end all",    "two IDs"};
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (actions >> i & 1) text += (text.empty() ? "" : " + ") + std::string(names[i]);
  return text.empty() ? "load" : text;
}

std::string describe(const Content& content) {
  std::string text = "{keys of";
  for (std::size_t i = 0; i < most_requests; ++i)
    if (content.keys >> i & 1) text += " " + std::to_string(i);
  return text + ", n " + std::to_string(content.n) + ", last " + std::to_string(content.last) +
         ", owner " + std::to_string(content.owner) + ", label " + std::to_string(content.label) +
         "}";
}

std::optional<std::string> unexplained(const History& history) { return Search(history).run(); }

}  // namespace flame::session_tests
