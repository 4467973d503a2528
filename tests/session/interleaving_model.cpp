#include "interleaving_model.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_set>

#include "interleaving_rules.hpp"

namespace flame::session_tests {
namespace {

constexpr std::size_t at_the_end = 64;

class Search {
 public:
  explicit Search(const History& history) : history_(history), rules_(history) {
    for (std::size_t i = 0; i < history.requests.size(); ++i) add_moments(i);
  }

  std::optional<std::string> run() {
    if (moments_.size() > at_the_end) return "too many moments for this search";
    by_end_.resize(moments_.size());
    std::iota(by_end_.begin(), by_end_.end(), std::size_t{0});
    std::ranges::stable_sort(by_end_, {}, [&](std::size_t i) { return moments_[i].when.end; });
    Model model;
    model.sessions[0] = {true, 0, 0, {}, history_.flash_at_start ? 0 : -1};
    if (step(model, 0)) return std::nullopt;
    explaining_ = true;
    tried_.clear();
    rules_.explain();
    static_cast<void>(step(model, 0));
    return best_.value_or("nothing that was seen");
  }

 private:
  using Done = std::uint64_t;

  std::size_t add(Moment moment) {
    moments_.push_back(moment);
    return moments_.size() - 1;
  }
  std::size_t add(Moment::Kind kind, std::size_t request, Interval when, bool optional,
                  std::size_t after) {
    return add({kind, request, when, optional, after, -1});
  }
  /// One for each session that there may be.
  void add_each(Moment::Kind kind, std::size_t request, Interval when, std::size_t after) {
    for (std::size_t j = 0; j <= history_.requests.size(); ++j)
      add({kind, request, when, true, after, static_cast<int>(j)});
  }

  void add_moments(std::size_t i) {
    const Seen& seen = history_.requests[i];
    if (seen.actions & host_ends) return add_ending_of_all(i, seen);
    if (seen.load == Seen::Load::error) {
      if (!(seen.actions & take_flash)) return;
      const auto kind = seen.second_id < 0 ? Moment::Kind::claim : Moment::Kind::claim_by_second;
      const std::size_t claimed = add(kind, i, {seen.loading.start, never}, true, never);
      add(Moment::Kind::put_back, i, {seen.loading.start, never}, true, claimed);
      return;
    }
    std::size_t last = seen.second_id < 0 ? add_loading(i, seen) : add_loading_by_two(i, seen);
    if (seen.actions & end_all)
      last = add(Moment::Kind::end_all, i, {seen.committing.start, seen.committing.start}, false,
                 last);
    add_commit(i, seen, last);
  }

  std::size_t add_loading(std::size_t i, const Seen& seen) {
    std::size_t last = never;
    if ((seen.actions & take_flash) && history_.faults && !seen.exists && seen.flash < 0)
      // Its claim may have been applied, and then the session ended before the claim's lost reply
      // was settled.
      add(Moment::Kind::claim, i, {seen.loading.start, never}, true, never);
    else if (seen.actions & take_flash)
      last = add(seen.flash >= 0 ? Moment::Kind::claim : Moment::Kind::miss, i, seen.loading, false,
                 last);
    return add(Moment::Kind::load, i, seen.loading, false, last);
  }

  /// The message is claimed once it is known which session is opened.
  std::size_t add_loading_by_two(std::size_t i, const Seen& seen) {
    std::size_t last = add(Moment::Kind::load, i, seen.loading, false, never);
    last = add(Moment::Kind::load_second, i, seen.loading, false, last);
    if (!(seen.actions & take_flash)) return last;
    last = add(Moment::Kind::claim_by_second, i, seen.loading, false, last);
    return add(Moment::Kind::load_again, i, seen.loading, false, last);
  }

  void add_commit(std::size_t i, const Seen& seen, std::size_t loaded) {
    const bool failed = (seen.actions & fails) != 0;
    const Interval late{seen.committing.start, never};
    const bool refused = seen.commit == Seen::Commit::refused;
    std::size_t committed = never;
    if (seen.second_id >= 0 && (seen.actions & destroy) && !failed) add_ending(i, seen, loaded);
    if (!failed && (seen.commit == Seen::Commit::unknown || refused))
      committed = add(Moment::Kind::commit, i, refused ? seen.committing : late, true, loaded);
    else if (!failed && (seen.commit == Seen::Commit::ok ||
                         (seen.commit == Seen::Commit::update_failed && !history_.faults)))
      committed = add(Moment::Kind::commit, i, seen.committing, false, loaded);
    // Applied, and the session destroyed before the lost reply was settled: then it was as if
    // dropped, and a login signs in a second time.
    if (history_.faults && !failed && seen.commit == Seen::Commit::ok)
      add(Moment::Kind::early, i, late, true, loaded);
    if (committed != never && (seen.actions & login) && history_.limit.sessions > 0)
      add_each(Moment::Kind::limit_one, i,
               seen.commit == Seen::Commit::unknown ? late : seen.committing, committed);
    if (committed != never && (seen.actions & (login | regenerate)) &&
        seen.commit == Seen::Commit::unknown)
      add(Moment::Kind::end_unseen, i, late, true, committed);
    if (refused && !failed) add(Moment::Kind::refused, i, seen.committing, false, loaded);
    add_return(i, seen, loaded, committed);
  }

  void add_return(std::size_t i, const Seen& seen, std::size_t loaded, std::size_t committed) {
    const bool failed = (seen.actions & fails) != 0;
    const bool saved = !failed && seen.commit == Seen::Commit::ok;
    const bool returns =
        !saved || ((seen.actions & unlooked) && !((seen.actions & destroy) && seen.exists));
    if (seen.flash < 0 || !returns) return;
    // Of a login that begins another session it goes back before that begins.
    const bool with_commit = saved && !(seen.actions & login);
    add(Moment::Kind::put_back, i,
        history_.faults ? Interval{seen.committing.start, never} : seen.committing, history_.faults,
        with_commit ? committed : loaded);
  }

  /// A logout by two live IDs ends one after the other.
  void add_ending(std::size_t i, const Seen& seen, std::size_t loaded) {
    const bool ok = seen.commit == Seen::Commit::ok;
    add(Moment::Kind::end_second, i, {seen.committing.start, ok ? seen.committing.end : never}, !ok,
        loaded);
    if (seen.commit == Seen::Commit::not_applied)  // of one, perhaps
      add(Moment::Kind::early, i, {seen.committing.start, never}, true, loaded);
  }

  /// Through a store that others use between its steps.
  void add_ending_of_all(std::size_t i, const Seen& seen) {
    const Interval start{seen.committing.start, seen.committing.start};
    const bool ok = seen.commit == Seen::Commit::ok;
    const std::size_t begun = add(Moment::Kind::begin_ending, i, start, false, never);
    add_each(Moment::Kind::end_one, i, {seen.committing.start, ok ? seen.committing.end : never},
             begun);
    if (ok) add(Moment::Kind::ended_all, i, seen.committing, false, begun);
  }

  static bool is_in(Done done, std::size_t moment) { return (done >> moment & 1) != 0; }

  /// Whether it may come next: nothing that must come first is missing, and it is not too late.
  bool ready(std::size_t moment, Done done) const {
    const Moment& self = moments_[moment];
    if (self.after != never && !is_in(done, self.after)) return false;
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      const Moment& other = moments_[i];
      const bool is_done = is_in(done, i);
      if (!is_done && !other.optional && other.when.end < self.when.start) return false;
      if (is_done && self.when.end < other.when.start) return false;
    }
    return true;
  }

  bool step(const Model& model, Done done) {
    if (!tried_.insert(model.hash() ^ done * 0xff51afd7ed558ccdULL).second) return false;
    bool complete = true;
    for (std::size_t i = 0; i < moments_.size(); ++i)
      complete = complete && (moments_[i].optional || is_in(done, i));
    if (complete && (rules_.at_end(model) || note(at_the_end))) return true;  // these say most
    for (const std::size_t i : by_end_) {
      if (is_in(done, i) || !ready(i, done)) continue;
      Model next = model;
      order_.push_back(i);
      if ((rules_.apply(next, moments_[i]) || note(order_.size())) &&
          step(next, done | Done{1} << i))
        return true;
      order_.pop_back();
    }
    return false;
  }

  /// Keeps the reason of the try that came farthest. False.
  bool note(std::size_t depth) {
    if (!explaining_ || (best_ && depth < best_depth_)) return false;
    best_depth_ = depth;
    best_ = rules_.why() + "\n  in the order:";
    for (const std::size_t i : order_) *best_ += " " + describe(moments_[i]) + ",";
    return false;
  }

  const History& history_;
  Rules rules_;
  std::vector<Moment> moments_{};
  std::vector<std::size_t> by_end_{};          ///< most often the order that explains
  std::unordered_set<std::uint64_t> tried_{};  ///< what was reached, and led nowhere
  std::vector<std::size_t> order_{};
  bool explaining_ = false;
  std::optional<std::string> best_{};
  std::size_t best_depth_ = 0;
};

}  // namespace

std::string describe(const Moment& moment) {
  static constexpr std::array names{"claim",
                                    "miss",
                                    "load",
                                    "load by second",
                                    "claim by two IDs",
                                    "load again",
                                    "early commit",
                                    "commit",
                                    "end of second",
                                    "end all",
                                    "put back",
                                    "begin to end",
                                    "end one",
                                    "have ended all",
                                    "end one above the limit",
                                    "be refused",
                                    "end what nobody got"};
  std::string text = names.at(static_cast<std::size_t>(moment.kind));
  if (moment.session >= 0) text += " (session " + std::to_string(moment.session) + ")";
  return text + " of " + std::to_string(moment.request);
}

std::string describe(unsigned actions) {
  static constexpr std::array names{"set",        "update",  "regenerate", "destroy",
                                    "login",      "flash",   "take flash", "fail",
                                    "bad update", "erase",   "clear",      "not looked at",
                                    "end all",    "two IDs", "everyone's", "host ends"};
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
