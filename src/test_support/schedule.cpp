#include <algorithm>
#include <cstdlib>
#include <utility>

#include <flame/session/test_support/inline_executor.hpp>
#include <flame/session/test_support/schedule.hpp>

namespace flame::inline v0::session::test_support {
namespace {

std::optional<std::uint64_t> number_of(const char* variable) {
  const char* const text = std::getenv(variable);
  if (!text) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

/// The value of the cookie that a response sets.
std::optional<std::string> set_id(const ResponseFields& response) {
  for (const auto& [name, value] : response.fields) {
    if (name != "Set-Cookie") continue;
    const auto start = value.find('=') + 1;
    return value.substr(start, value.find(';') - start);
  }
  return std::nullopt;
}

}  // namespace

std::size_t Choices::pick(std::size_t n) {
  std::size_t picked = 0;
  if (random_) {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % n;
  }
  if (made_.size() < prefix_.size()) picked = std::min(prefix_[made_.size()], n - 1);
  made_.push_back({picked, n});
  return picked;
}

std::string Choices::describe() const {
  if (random_) return "FLAME_SEED=" + std::to_string(*random_);
  std::string text = "choices";
  for (const auto& made : made_) text += " " + std::to_string(made.picked);
  return text;
}

bool AllChoices::next() {
  auto& made = choices_.made_;
  if (std::exchange(begun_, true)) {
    while (!made.empty() && made.back().picked + 1 == made.back().of) made.pop_back();
    if (made.empty()) return false;
    ++made.back().picked;
  }
  std::vector<std::size_t> prefix;
  for (const auto& each : made) prefix.push_back(each.picked);
  choices_ = Choices(std::move(prefix));
  return true;
}

struct Schedule::Running {
  enum class Phase : std::uint8_t { waiting, loading, loaded, committing, ending, finished };

  Schedule* schedule = nullptr;
  ScheduledRequest request{};
  Phase phase = Phase::waiting;
  std::string cookie{};
  LoadOperation load{};
  CommitOperation commit{};
  EndOperation end{};
  Session session{};
  Deadline deadline{};  ///< of what is under way

  void expects_answer(Operation& operation, std::chrono::milliseconds deadline_in) {
    const auto& options = schedule->hosts_[request.host].manager->options();
    const auto now = schedule->clock_.steady();
    const std::chrono::milliseconds usual = options.deadline;
    deadline = now + (deadline_in.count() > 0 ? deadline_in : usual);
    if (deadline_in.count() > 0) operation.deadline = deadline;
    operation.context = this;
    operation.executor = inline_executor();
  }
  [[nodiscard]] bool under_way() const {
    return phase == Phase::loading || phase == Phase::committing || phase == Phase::ending;
  }
};

struct Schedule::Step {
  enum class Kind : std::uint8_t {
    load,
    commit,
    end_all,
    run,
    fail,
    lose_reply,
    lose_and_apply_later,
    refuse,
    put_off,
    doubt,
    forget,
    advance,
    load_answered,
    commit_answered,
    ending_answered
  };
  Kind kind{};
  std::size_t host = 0;
  std::size_t index = 0;  ///< of a request, an operation or a duration
  std::string text{};
};

Schedule::Schedule(FakeClock& clock, std::span<const Host> hosts, Choices& choices, Options options)
    : clock_(clock),
      hosts_(hosts.begin(), hosts.end()),
      choices_(choices),
      options_(std::move(options)) {}
Schedule::~Schedule() = default;

ScheduledRequest& Schedule::add(ScheduledRequest request) {
  auto& running = requests_.emplace_back();
  running.schedule = this;
  running.request = std::move(request);
  return running.request;
}

bool Schedule::run() {
  constexpr std::size_t too_many = 10'000;
  for (;;) {
    offered_.clear();
    offer();
    if (offered_.empty() || !problem_.empty()) break;
    if (taken_.size() > too_many) {
      fail("it never ends");
      break;
    }
    Step step = std::move(offered_[offered_.size() == 1 ? 0 : choices_.pick(offered_.size())]);
    take(step);
  }
  for (const auto& each : requests_)
    if (each.phase != Running::Phase::finished) fail(each.request.name + " was never answered");
  return problem_.empty();
}

/// All that could happen next.
void Schedule::offer() {
  bool all_finished = true;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const auto phase = requests_[i].phase;
    all_finished = all_finished && phase == Running::Phase::finished;
    const bool ends = requests_[i].request.ends_all_of.has_value();
    if (phase == Running::Phase::waiting)
      offered_.push_back({ends ? Step::Kind::end_all : Step::Kind::load, 0, i});
    if (phase == Running::Phase::loaded) offered_.push_back({Step::Kind::commit, 0, i});
  }
  for (std::size_t host = 0; host < hosts_.size(); ++host) offer_operations(host);
  if (all_finished || options_.advances == 0) return;
  for (std::size_t i = 0; i < options_.advance_by.size(); ++i)
    offered_.push_back({Step::Kind::advance, 0, i});
}

void Schedule::offer_operations(std::size_t host) {
  const auto* store = hosts_[host].store;
  for (std::size_t i = 0; store && i < store->pending(); ++i) {
    offered_.push_back({Step::Kind::run, host, i});
    if (store->is_late(i)) {
      offered_.push_back({Step::Kind::forget, host, i});
    } else if (options_.faults > 0) {
      offered_.push_back({Step::Kind::fail, host, i});
      offered_.push_back({Step::Kind::lose_reply, host, i});
      if (store->is_list(i)) continue;
      offered_.push_back({Step::Kind::lose_and_apply_later, host, i});
      offered_.push_back({Step::Kind::refuse, host, i});
      offered_.push_back({Step::Kind::put_off, host, i});
      offered_.push_back({Step::Kind::doubt, host, i});
    }
  }
}

void Schedule::take(const Step& step) {
  taken_.push_back(step);
  auto* store = hosts_[step.host].store;
  switch (step.kind) {
    case Step::Kind::load:
      return start_load(requests_[step.index]);
    case Step::Kind::commit:
      return start_commit(requests_[step.index]);
    case Step::Kind::end_all:
      return start_ending(requests_[step.index]);
    case Step::Kind::advance:
      --options_.advances;
      clock_.advance(options_.advance_by[step.index]);
      for (const auto& host : hosts_)
        if (host.store) host.store->wake_if_due();
      return check_deadlines();
    default:
      break;
  }
  taken_.back().text = store->describe(step.index);
  switch (step.kind) {
    case Step::Kind::fail:
      --options_.faults;
      return store->fail(step.index);
    case Step::Kind::lose_reply:
      --options_.faults;
      return store->lose_reply(step.index);
    case Step::Kind::lose_and_apply_later:
      --options_.faults;
      return store->lose_and_apply_later(step.index);
    case Step::Kind::refuse:
      --options_.faults;
      return store->answer(step.index, Outcome::refused);
    case Step::Kind::put_off:
      --options_.faults;
      return store->answer(step.index, Outcome::later);
    case Step::Kind::doubt:
      --options_.faults;
      return store->answer(step.index, Outcome::unknown);
    case Step::Kind::forget:
      return store->forget(step.index);
    default:
      return store->step(step.index);
  }
}

void Schedule::start_load(Running& running) {
  auto& request = running.request;
  const auto& host = hosts_[request.host];
  running.phase = Running::Phase::loading;
  request.load_started = taken_.size();
  const std::string id = request.id ? request.id() : std::string();
  std::string_view line;
  if (!id.empty()) {
    running.cookie = "__Host-session=" + id;
    line = running.cookie;
    running.load.request.cookie_lines = {&line, 1};
  }
  running.load.need = request.need;
  running.load.request.method = "GET";
  running.expects_answer(running.load, request.load_deadline);
  running.load.done = [](Operation& operation) noexcept {
    auto& self = *static_cast<Running*>(operation.context);
    self.schedule->load_answered(self);
  };
  const std::size_t pending = host.store ? host.store->pending() : 0;
  if (host.manager->start(running.load))
    load_answered(running);
  else if (options_.reads_at_once && host.store->pending() > pending)
    host.store->step(pending);
}

void Schedule::load_answered(Running& running) {
  if (running.phase != Running::Phase::loading)
    return fail(running.request.name + " was answered twice");
  running.request.load_answered = taken_.size();
  taken_.push_back({Step::Kind::load_answered, 0, 0, running.request.name});
  auto& result = *running.load.result;
  if (result) {
    running.session = std::move(*result);
    running.phase = Running::Phase::loaded;
  } else {
    running.request.error = result.error();
    running.phase = Running::Phase::finished;
    taken_.back().text += ": " + result.error().text;
  }
}

void Schedule::start_commit(Running& running) {
  auto& request = running.request;
  running.phase = Running::Phase::committing;
  request.commit_started = taken_.size();
  request.failed = request.handler && !request.handler(running.session, running.load.flash);
  running.commit.session = &running.session;
  running.commit.status = request.failed ? 500 : 200;
  running.expects_answer(running.commit, request.commit_deadline);
  running.commit.done = [](Operation& operation) noexcept {
    auto& self = *static_cast<Running*>(operation.context);
    self.schedule->commit_answered(self);
  };
  const bool complete = hosts_[request.host].manager->start(running.commit);
  running.session = Session();
  if (complete) commit_answered(running);
}

void Schedule::commit_answered(Running& running) {
  if (running.phase != Running::Phase::committing)
    return fail(running.request.name + " was answered twice");
  running.phase = Running::Phase::finished;
  running.request.commit_answered = taken_.size();
  taken_.push_back({Step::Kind::commit_answered, 0, 0, running.request.name});
  auto& text = taken_.back().text;
  auto& result = *running.commit.result;
  if (!result) {
    running.request.error = result.error();
    text += ": " + result.error().text;
    return;
  }
  running.request.id_out = set_id(*result);
  if (running.request.id_out)
    text += running.request.id_out->empty() ? ": its cookie is removed" : ": a new ID";
}

void Schedule::start_ending(Running& running) {
  auto& request = running.request;
  running.phase = Running::Phase::ending;
  request.commit_started = taken_.size();
  running.end.owner = *request.ends_all_of;
  if (running.end.owner.empty()) running.end.whose = EndWhose::everyones;
  running.expects_answer(running.end, request.commit_deadline);
  running.end.done = [](Operation& operation) noexcept {
    auto& self = *static_cast<Running*>(operation.context);
    self.schedule->ending_answered(self);
  };
  if (hosts_[request.host].manager->start(running.end)) ending_answered(running);
}

void Schedule::ending_answered(Running& running) {
  if (running.phase != Running::Phase::ending)
    return fail(running.request.name + " was answered twice");
  running.phase = Running::Phase::finished;
  running.request.commit_answered = taken_.size();
  taken_.push_back({Step::Kind::ending_answered, 0, 0, running.request.name});
  auto& result = *running.end.result;
  if (result) return;
  running.request.error = result.error();
  taken_.back().text += ": " + result.error().text;
}

void Schedule::check_deadlines() {
  for (const auto& each : requests_)
    if (each.under_way() && each.deadline <= clock_.steady())
      fail(each.request.name + " was not answered by its deadline");
}

void Schedule::fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

std::string Schedule::trace() const {
  std::string text;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const auto& step = taken_[i];
    text += "  " + std::to_string(i + 1) + ". ";
    const auto operation = [&](const char* what) {
      text += "store";
      if (hosts_.size() > 1) text += " " + std::to_string(step.host);
      text += " " + std::string(what) + " " + step.text;
    };
    switch (step.kind) {
      case Step::Kind::load:
        text += requests_[step.index].request.name + " starts";
        break;
      case Step::Kind::commit:
        text += requests_[step.index].request.name + " runs its handler and commits";
        break;
      case Step::Kind::end_all:
        text += requests_[step.index].request.name + " ends all sessions of an owner";
        break;
      case Step::Kind::run:
        operation("runs");
        break;
      case Step::Kind::fail:
        operation("fails");
        break;
      case Step::Kind::lose_reply:
        operation("loses the reply of");
        break;
      case Step::Kind::lose_and_apply_later:
        operation("leaves unanswered");
        break;
      case Step::Kind::refuse:
        operation("refuses");
        break;
      case Step::Kind::put_off:
        operation("puts off for too long");
        break;
      case Step::Kind::doubt:
        operation("does not run, and knows nothing of,");
        break;
      case Step::Kind::forget:
        operation("never runs");
        break;
      case Step::Kind::advance:
        text += std::to_string(options_.advance_by[step.index].count()) + " ms pass";
        break;
      case Step::Kind::load_answered:
        text += "load answered: " + step.text;
        break;
      case Step::Kind::commit_answered:
        text += "commit answered: " + step.text;
        break;
      case Step::Kind::ending_answered:
        text += "all ended: " + step.text;
        break;
    }
    text += '\n';
  }
  return text;
}

std::optional<std::uint64_t> seed_to_replay() { return number_of("FLAME_SEED"); }
std::uint64_t seeds_to_run(std::uint64_t usual) { return number_of("FLAME_SEEDS").value_or(usual); }

}  // namespace flame::inline v0::session::test_support
