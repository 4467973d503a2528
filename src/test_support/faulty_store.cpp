#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include <flame/session/test_support/faulty_store.hpp>

namespace flame::inline v0::session::test_support {
namespace {

constexpr std::size_t verbs = 5;
using Answer = std::variant<Fault, Outcome>;

[[noreturn]] void lose_connection() {
  throw StoreError(StoreError::Kind::connection_lost, "faulty store: the connection is lost");
}

}  // namespace

struct FaultyStore::Plan {
  struct PerVerb {
    std::size_t seen = 0;
    std::size_t counted = 0;
    std::map<std::size_t, Answer> answers;  // by `seen`
  };

  void add(Verb verb, Answer answer, std::size_t skip) {
    const std::lock_guard lock(mutex);
    auto& of_verb = by_verb[static_cast<std::size_t>(verb)];
    of_verb.answers.insert_or_assign(of_verb.seen + skip, answer);
  }

  std::optional<Answer> meet(Verb verb) {
    const std::lock_guard lock(mutex);
    auto& of_verb = by_verb[static_cast<std::size_t>(verb)];
    ++of_verb.counted;
    if (is_down) lose_connection();
    const auto found = of_verb.answers.extract(of_verb.seen++);
    return found ? std::optional(found.mapped()) : std::nullopt;
  }

  void require_prepared() {
    const std::lock_guard lock(mutex);
    if (is_down) lose_connection();
    if (!refusal.empty()) throw StoreError(StoreError::Kind::refused, refusal);
  }

  void add_warnings(std::vector<std::string>& to) {
    const std::lock_guard lock(mutex);
    to.insert(to.end(), warnings.begin(), warnings.end());
  }

  void require_up() {
    const std::lock_guard lock(mutex);
    if (is_down) lose_connection();
  }

  std::mutex mutex;
  bool is_down = false;
  std::string refusal;
  std::vector<std::string> warnings;
  std::array<PerVerb, verbs> by_verb;
};

class FaultyStore::Connection final : public StoreConnection {
 public:
  Connection(std::unique_ptr<StoreConnection> inner, std::shared_ptr<Plan> plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  void connect(const Call& call) override {
    plan_->require_up();
    inner_->connect(call);
  }
  std::vector<std::string> prepare(const Call& call) override {
    plan_->require_prepared();
    auto warnings = inner_->prepare(call);
    plan_->add_warnings(warnings);
    return warnings;
  }
  void ping(const Call& call) override {
    plan_->require_up();
    inner_->ping(call);
  }
  void run(std::span<StoreOp> batch, const Call& call) override {
    for (auto& op : batch) {
      const auto answer = plan_->meet(op.verb);
      if (!answer) {
        inner_->run({&op, 1}, call);
      } else if (const auto* outcome = std::get_if<Outcome>(&*answer)) {
        op.outcome = *outcome;
      } else {
        fault(std::get<Fault>(*answer), op, call);
      }
    }
  }
  std::size_t sweep(std::size_t limit, const Call& call) override {
    plan_->require_up();
    return inner_->sweep(limit, call);
  }
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override {
    plan_->require_up();
    return inner_->list(owner, from, limit, call);
  }
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override {
    plan_->require_up();
    return inner_->scan(from, limit, call);
  }
  std::optional<TimePoint> clock(const Call& call) override {
    plan_->require_up();
    return inner_->clock(call);
  }
  void abort() noexcept override { inner_->abort(); }

 private:
  void fault(Fault fault, StoreOp& op, const Call& call) {
    using Kind = StoreError::Kind;
    if (fault == Fault::refuse) throw StoreError(Kind::refused, "faulty store: it is refused");
    if (fault == Fault::leave) throw StoreError(Kind::away, "faulty store: the wrong server");
    if (fault == Fault::fail) lose_connection();
    auto unseen = op;
    inner_->run({&unseen, 1}, call);
    if (fault == Fault::unconfirm) {
      throw StoreError(Kind::unconfirmed, "faulty store: it may not last");
    }
    if (fault == Fault::lose_reply) lose_connection();
    op.outcome = Outcome::unknown;
  }

  std::unique_ptr<StoreConnection> inner_;
  std::shared_ptr<Plan> plan_;
};

FaultyStore::FaultyStore(StorePtr inner)
    : inner_(std::move(inner)), plan_(std::make_shared<Plan>()) {}
FaultyStore::~FaultyStore() = default;

void FaultyStore::next(Verb verb, Fault fault, std::size_t skip) { plan_->add(verb, fault, skip); }
void FaultyStore::next(Verb verb, Outcome outcome, std::size_t skip) {
  plan_->add(verb, outcome, skip);
}

void FaultyStore::down(bool is_down) {
  const std::lock_guard lock(plan_->mutex);
  plan_->is_down = is_down;
}

void FaultyStore::warn(std::string text) {
  const std::lock_guard lock(plan_->mutex);
  plan_->warnings.push_back(std::move(text));
}

void FaultyStore::refuse_prepare(std::string text) {
  const std::lock_guard lock(plan_->mutex);
  plan_->refusal = std::move(text);
}

std::size_t FaultyStore::count(Verb verb) const noexcept {
  const std::lock_guard lock(plan_->mutex);
  return plan_->by_verb[static_cast<std::size_t>(verb)].counted;
}

std::size_t FaultyStore::count() const noexcept {
  const std::lock_guard lock(plan_->mutex);
  std::size_t all = 0;
  for (const auto& of_verb : plan_->by_verb) all += of_verb.counted;
  return all;
}

void FaultyStore::reset_counts() noexcept {
  const std::lock_guard lock(plan_->mutex);
  for (auto& of_verb : plan_->by_verb) of_verb.counted = 0;
}

std::unique_ptr<StoreConnection> FaultyStore::make_connection() {
  return std::make_unique<Connection>(inner_->make_connection(), plan_);
}

StoreTraits FaultyStore::traits() const noexcept { return inner_->traits(); }

}  // namespace flame::inline v0::session::test_support
