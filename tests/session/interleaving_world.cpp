#include "interleaving_world.hpp"

#include <array>
#include <memory>
#include <stdexcept>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "jobs/session_impl.hpp"
#include "jobs/teller.hpp"

namespace flame::session_tests {
namespace {

using namespace flame::session;
using namespace flame::session::test_support;
using namespace std::chrono_literals;

constexpr auto deadline = 5s;
constexpr auto idle = 120s;  // so a touch is due after 6 s
constexpr auto touch_after = 6100ms;
constexpr auto own_idle = 240s;  // of some logins

std::string own_key(std::size_t i) { return "k" + std::to_string(i); }

struct EventsByHand {
  EventsByHand() { Teller::by_hand = true; }
  ~EventsByHand() { Teller::by_hand = false; }
};

class World {
 public:
  World(const Scenario& scenario, Choices& choices) : scenario_(scenario), choices_(choices) {
    history_.flash_at_start = scenario.flash_at_start;
    history_.limit = scenario.limit;
    history_.faults = scenario.faults > 0 || scenario.advances > 0;
    seen_.resize(scenario.requests.size());
    for (std::size_t i = 0; i < scenario.gated_managers; ++i) add_gated();
    begin();
  }

  std::optional<std::string> run() {
    Schedule::Options options;
    options.faults = scenario_.faults;
    options.advances = scenario_.advances;
    if (scenario_.advances > 0) options.advance_by = {1100ms, 3100ms};
    options.reads_at_once = scenario_.reads_at_once;
    Schedule schedule(clock_, hosts_, choices_, options);
    for (std::size_t i = 0; i < scenario_.requests.size(); ++i)
      requests_.push_back(&add(schedule, i));
    const bool ended = schedule.run();
    std::optional<std::string> problem;
    if (!ended)
      problem = schedule.problem();
    else
      problem = stop_and_explain();
    if (problem) *problem += "\n" + describe(scenario_) + "\n" + seen() + schedule.trace();
    return problem;
  }

 private:
  Options options(StorePtr store) {
    Options out;
    out.store = std::move(store);
    out.idle_timeout = idle;
    out.deadline = deadline;
    out.max_sessions_per_owner = scenario_.limit.sessions;
    if (scenario_.limit.refuses) out.at_owner_limit = AtOwnerLimit::refuse;
    out.on_event = [this](const Event& event) {
      if (event.name == event::dropped) ++history_.dropped;
      if (event.name == event::flash_lost) ++history_.flash_lost;
      if (event.name == event::failed && event.text.starts_with("a flash message could not"))
        ++history_.flash_left;
    };
    return out;
  }

  static void open(Manager& manager) {
    if (auto opened = manager.open(); !opened) throw std::runtime_error(opened.error().text);
  }

  void add_gated() {
    stores_.push_back(SteppedStore::make(memory_, clock_));
    managers_.push_back(
        std::make_unique<Manager>(options(stores_.back()), Environment{&clock_, &random_}));
    open(*managers_.back());
    hosts_.push_back({managers_.back().get(), stores_.back().get()});
  }

  /// The first session, which all requests are about.
  void begin() {
    open(direct_);
    if (hosts_.empty()) hosts_.push_back({&direct_, nullptr});
    auto session = direct_.load({}, Need::write);
    session->set("begun", true);
    if (scenario_.flash_at_start) session->set_flash(0);
    const auto response = direct_.commit(*session);
    ids_.resize(scenario_.requests.size() + 1);
    for (const auto& [name, value] : response->fields)
      if (name == "Set-Cookie") ids_[0] = value.substr(value.find('=') + 1, 43);
    if (scenario_.touch_due) clock_.advance(touch_after);
  }

  ScheduledRequest& add(Schedule& schedule, std::size_t i) {
    const unsigned actions = scenario_.requests[i];
    ScheduledRequest request;
    request.name = "request " + std::to_string(i);
    request.host = hosts_.size() > 1 ? choices_.pick(hosts_.size()) : 0;
    request.need = actions & take_flash ? Need::write | Need::flash : Need::write;
    if (actions & host_ends) request.ends_all_of = actions & everyone ? "" : ends_owner(i);
    if (scenario_.advances > 0) {
      request.load_deadline = choices_.once_in(2) ? 2s : 5s;
      request.commit_deadline = choices_.once_in(2) ? 2s : 5s;
    }
    request.id = [this, i] { return present(i); };
    request.handler = [this, i](Session& session, const Flash& flash) {
      return handle(i, session, flash);
    };
    seen_[i].actions = actions;
    return schedule.add(std::move(request));
  }

  std::string present(std::size_t i) {
    std::vector<int> known{0};
    for (std::size_t j = 0; scenario_.newer_ids && j < requests_.size(); ++j)
      if (requests_[j]->id_out && !requests_[j]->id_out->empty())
        known.push_back(static_cast<int>(j) + 1);
    const int id = known[known.size() > 1 ? choices_.pick(known.size()) : 0];
    seen_[i].id = id;
    if (!(seen_[i].actions & two_ids) || known.size() < 2) return id_of(id);
    std::erase(known, id);
    const int second = known[known.size() > 1 ? choices_.pick(known.size()) : 0];
    seen_[i].second_id = second;
    return id_of(id) + "; __Host-session=" + id_of(second);
  }

  std::string id_of(int id) const {
    return id == 0 ? ids_[0] : *requests_[static_cast<std::size_t>(id) - 1]->id_out;
  }

  /// By another process, all at once.
  void end_all_at_once(std::size_t i) {
    seen_[i].ended =
        (seen_[i].actions & everyone ? direct_.end_everyone() : direct_.end_all(ends_owner(i)))
            .value();
  }

  std::string ends_owner(std::size_t i) const {
    return std::to_string(scenario_.limit.ends_owner(i, scenario_.requests.size()));
  }

  Content content(const Session& session) const {
    Content out;
    for (std::size_t i = 0; i < scenario_.requests.size(); ++i)
      if (session.contains(own_key(i))) out.keys |= 1u << i;
    out.n = session.get_or("n", 0);
    out.last = session.get_or("last", -1);
    if (!session.owner().empty()) out.owner = session.owner()[0] - '0';
    if (const auto* const state = SessionAccess::look(session)) {
      const auto& terms = state->base.header.terms;
      if (!terms.label.empty()) out.label = terms.label[0] - '0';
      if (terms.idle != (out.label < 0 ? 0s : own_idle)) out.label = -2;
    }
    return out;
  }

  bool handle(std::size_t i, Session& session, const Flash& flash) {
    Seen& seen = seen_[i];
    seen.exists = session.exists();
    seen.content = content(session);
    if (!(seen.actions & unlooked))
      seen.flash = flash.get<int>().value_or(-1);
    else if (const auto& claimed = SessionAccess::look(session)->flash)
      seen.flash = decode<int>(claimed->bytes).value_or(-1);
    const int self = static_cast<int>(i);
    if (seen.actions & erase_last) session.erase("last");
    if (seen.actions & clear_all) session.clear();
    if (seen.actions & set_own) {
      session.set(own_key(i), self);
      session.set("last", self);
    }
    if (seen.actions & update_n)
      session.update<int>(
          "n", 0, [](int n, int by) { return n + by; }, 1);
    if (seen.actions & bad_update)
      session.update<int>("n", 0, [](int) -> int { throw std::runtime_error("bad update"); });
    if (seen.actions & put_flash) session.set_flash(self + 1);
    if (seen.actions & regenerate) session.regenerate();
    const auto owner = std::to_string(scenario_.limit.login_owner(i));
    if ((seen.actions & login) && has_terms(i))
      session.set_owner(owner, {.idle = own_idle, .label = std::to_string(i)});
    else if (seen.actions & login)
      session.set_owner(owner);
    if (seen.actions & destroy) session.destroy();
    if (seen.actions & end_all) end_all_at_once(i);
    return !(seen.actions & fails);
  }

  std::optional<std::string> stop_and_explain() {
    for (const auto& host : hosts_)
      if (host.store) host.manager->stop();
    for (std::size_t i = 0; i < seen_.size(); ++i)
      if (auto problem = note_answers(i)) return problem;
    look_at_end();
    direct_.wait_for_events();  // the others were stopped
    history_.requests = seen_;
    return unexplained(history_);
  }

  /// Whether it perhaps was applied, by its text.
  static bool is_unknown(const Error& error) {
    return error.text.find("unknown") != std::string::npos;
  }

  std::optional<std::string> note_answers(std::size_t i) {
    const ScheduledRequest& request = *requests_[i];
    Seen& seen = seen_[i];
    seen.loading = {request.load_started, request.load_answered};
    if (request.commit_started == 0) {
      if (!history_.faults)
        return "request " + std::to_string(i) + " failed to load: " + request.error->text;
      seen.load = Seen::Load::error;
      return std::nullopt;
    }
    seen.committing = {request.commit_started, request.commit_answered};
    if (!request.error) {
      seen.commit = Seen::Commit::ok;
      if (request.id_out)
        seen.cookie = request.id_out->empty() ? Seen::Cookie::removed : Seen::Cookie::fresh;
      if ((seen.actions & fails) && request.id_out) return "a request that failed got a cookie";
      if (seen.cookie == Seen::Cookie::fresh) ids_[i + 1] = *request.id_out;
    } else if (request.error->code == Errc::update_failed && (seen.actions & bad_update)) {
      seen.commit = Seen::Commit::update_failed;
    } else if (request.error->code == Errc::too_many_sessions && scenario_.limit.refuses) {
      seen.commit = Seen::Commit::refused;
    } else {
      if (!history_.faults)
        return "request " + std::to_string(i) + " failed: " + request.error->text;
      seen.commit = is_unknown(*request.error) ? Seen::Commit::unknown : Seen::Commit::not_applied;
    }
    return std::nullopt;
  }

  void look_at_end() {
    for (std::size_t id = 0; id < ids_.size(); ++id) {
      if (ids_[id].empty()) continue;
      const auto session = load(ids_[id], Need::read);
      auto& opened = history_.at_end.emplace_back();
      opened.id = static_cast<int>(id);
      opened.exists = session.exists();
      opened.content = content(session);
    }
    for (auto& opened : history_.at_end)
      if (opened.exists) {
        Flash flash;
        const auto session = load(ids_[static_cast<std::size_t>(opened.id)], Need::flash, &flash);
        opened.flash = flash.get<int>().value_or(-1);
      }
  }

  Session load(const std::string& id, Need need, Flash* flash = nullptr) {
    const std::string cookie = "__Host-session=" + id;
    const std::string_view line = cookie;
    RequestView view;
    view.cookie_lines = {&line, 1};
    view.method = "GET";
    auto session = flash ? direct_.load(view, need, *flash) : direct_.load(view, need);
    if (!session) throw std::runtime_error(session.error().text);
    return std::move(*session);
  }

  std::string seen() const {
    std::string text;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const auto& each = seen_[i];
      text += "request " + std::to_string(i) + ": ID " + std::to_string(each.id) + ", " +
              (each.exists ? "saw " + session_tests::describe(each.content) : "saw no session") +
              ", flash " + std::to_string(each.flash) + "\n";
    }
    return text;
  }

  const EventsByHand events_by_hand_{};  // a thread for each world would take most of the time
  const Scenario& scenario_;
  Choices& choices_;
  FakeClock clock_{};
  SeededRandom random_{};
  StorePtr memory_ = memory::store();
  History history_{};
  std::vector<Seen> seen_{};
  Manager direct_{options(memory_), Environment{&clock_, &random_}};
  std::vector<std::shared_ptr<SteppedStore>> stores_{};
  std::vector<std::unique_ptr<Manager>> managers_{};
  std::vector<Schedule::Host> hosts_{};
  std::vector<ScheduledRequest*> requests_{};
  std::vector<std::string> ids_{};  ///< by number; empty: nobody got it
};

}  // namespace

std::string describe(const Scenario& scenario) {
  std::string text = "requests:";
  for (const unsigned actions : scenario.requests) text += " [" + describe(actions) + "]";
  return text + ", managers with a gate: " + std::to_string(scenario.gated_managers) +
         (scenario.flash_at_start ? ", a flash message at the start" : "") +
         (scenario.limit.sessions > 0
              ? ", at most " + std::to_string(scenario.limit.sessions) +
                    (scenario.limit.refuses ? " sessions, or a refusal" : " sessions")
              : "") +
         (scenario.touch_due ? ", a touch is due" : "");
}

std::optional<std::string> run(const Scenario& scenario, Choices& choices) {
  return World(scenario, choices).run();
}

}  // namespace flame::session_tests
