#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <flame/session/test_support/stepped_store.hpp>

#include "session/runner/dispatch.hpp"

namespace flame::inline v0::session::test_support {
namespace {

Failure lost(bool maybe_applied) {
  Failure failure{{Errc::store_unavailable, "stepped store: the connection is lost"},
                  maybe_applied};
  failure.lost = true;
  return failure;
}

}  // namespace

/// What store and dispatch share: either may go first.
struct SteppedStore::List {
  struct Waiting {
    StoreCall* call = nullptr;  ///< null: late
    StoreOp op{};               ///< of a late one
  };

  List(StorePtr its_inner, FakeClock& its_clock) : inner(std::move(its_inner)), clock(its_clock) {}

  StorePtr inner;
  FakeClock& clock;
  const StoreTime* time = nullptr;
  Dispatch* dispatch = nullptr;
  std::unique_ptr<StoreConnection> connection{};
  std::vector<Waiting> waiting{};
  std::optional<Deadline> wakes_at{};
  bool stopped = false;

  StoreConnection& connected() {
    if (!connection) connection = open_connection(*inner, {time->now(), {}});
    return *connection;
  }
  void run(StoreCall& call) {
    auto* const wanted = call.list;
    if (!wanted) return run(call.op, call.deadline);
    wanted->page = wanted->read(connected(), {time->now(), call.deadline});
  }
  void run(StoreOp& op, Deadline deadline) {
    connected();
    Record written = op.record;
    connection->run({&op, 1}, {time->now(), deadline});
    // Like a store on a wire: what it wrote is still the caller's.
    if (op.outcome == Outcome::done && (op.verb == Verb::create || op.verb == Verb::replace))
      op.record = std::move(written);
  }
  Waiting take(std::size_t i) {
    Waiting taken = std::move(waiting.at(i));
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
    return taken;
  }
  /// Of one that is not late.
  StoreCall& take_call(std::size_t i) {
    if (!waiting.at(i).call) throw std::logic_error("a late statement has been answered already");
    return *take(i).call;
  }
};

namespace {

template <class List>
class SteppedDispatch final : public Dispatch {
 public:
  SteppedDispatch(std::shared_ptr<List> list, const StoreTime& time) : list_(std::move(list)) {
    list_->time = &time;
    list_->dispatch = this;
    list_->stopped = false;
  }
  ~SteppedDispatch() override {
    list_->time = nullptr;
    list_->dispatch = nullptr;
  }

  std::optional<Failure> open() override { return std::nullopt; }
  bool submit(StoreCall& call) noexcept override {
    // What waits here is at the store already: a deadline does not keep it from being applied.
    if (call.sending && !call.sending->begin()) {
      call.failure = Failure{{Errc::deadline, "nobody waits for it any more"}, false};
      return true;
    }
    if (list_->stopped) {
      call.failure = Failure{{Errc::stopped, "the session manager was stopped"}, false};
      return true;
    }
    try {
      list_->waiting.push_back({&call, {}});
    } catch (const std::bad_alloc&) {
      call.failure = Failure{{Errc::out_of_memory, {}}, false};
      return true;
    }
    return false;
  }
  void wake_at(Deadline when) noexcept override {
    list_->wakes_at = std::min(when, list_->wakes_at.value_or(when));
  }
  std::string stop(Deadline) noexcept override {
    list_->stopped = true;
    for (auto& each : std::exchange(list_->waiting, {})) {
      if (!each.call) continue;
      each.call->failure = Failure{{Errc::stopped, "the session manager was stopped"}, true};
      each.call->done(*each.call);
    }
    return {};
  }

 private:
  std::shared_ptr<List> list_;
};

}  // namespace

namespace {

template <class Base, class List>
class WithDispatch final : public Base, public DispatchSource {
 public:
  explicit WithDispatch(std::shared_ptr<List> list) : Base(std::move(list)) {}
  [[nodiscard]] std::unique_ptr<Dispatch> dispatch(const StoreTime& time) override {
    return std::make_unique<SteppedDispatch<List>>(this->list_, time);
  }
};

}  // namespace

SteppedStore::SteppedStore(std::shared_ptr<List> list) : list_(std::move(list)) {}
SteppedStore::~SteppedStore() = default;

std::shared_ptr<SteppedStore> SteppedStore::make(StorePtr inner, FakeClock& clock) {
  return std::make_shared<WithDispatch<SteppedStore, List>>(
      std::make_shared<List>(std::move(inner), clock));
}

std::size_t SteppedStore::pending() const noexcept { return list_->waiting.size(); }

const StoreOp& SteppedStore::op(std::size_t i) const {
  const auto& waiting = list_->waiting.at(i);
  return waiting.call ? waiting.call->op : waiting.op;
}

Deadline SteppedStore::deadline(std::size_t i) const {
  const auto* const call = list_->waiting.at(i).call;
  if (!call) throw std::logic_error("a late statement has no deadline");
  return call->deadline;
}

bool SteppedStore::is_list(std::size_t i) const {
  const auto* const call = list_->waiting.at(i).call;
  return call && call->list;
}

bool SteppedStore::is_late(std::size_t i) const { return !list_->waiting.at(i).call; }

std::string SteppedStore::describe(std::size_t i) const {
  if (is_list(i)) return "list";
  return (is_late(i) ? "late " : "") + test_support::describe(op(i));
}

void SteppedStore::step(std::size_t i) {
  auto [call, late_op] = list_->take(i);
  try {
    if (call)
      list_->run(*call);
    else
      list_->run(late_op, {});
  } catch (const std::bad_alloc&) {
    if (!call) throw;
    call->failure = Failure{{Errc::out_of_memory, {}}, true};
  }
  if (call) call->done(*call);
}

void SteppedStore::fail(std::size_t i) {
  StoreCall& call = list_->take_call(i);
  call.failure = lost(false);
  call.done(call);
}

void SteppedStore::lose_reply(std::size_t i) {
  StoreCall& call = list_->take_call(i);
  StoreOp unseen = call.op;
  if (!call.list) list_->run(unseen, call.deadline);
  call.failure = lost(true);
  call.done(call);
}

void SteppedStore::lose_and_apply_later(std::size_t i) {
  auto& waiting = list_->waiting.at(i);
  if (!waiting.call) throw std::logic_error("a late statement has been answered already");
  StoreCall& call = *std::exchange(waiting.call, nullptr);
  waiting.op = call.op;
  call.failure = lost(true);
  call.done(call);
}

void SteppedStore::answer(std::size_t i, Outcome outcome) {
  StoreCall& call = list_->take_call(i);
  call.op.outcome = outcome;
  call.done(call);
}

void SteppedStore::forget(std::size_t i) {
  if (list_->waiting.at(i).call) throw std::logic_error("only a late statement can be forgotten");
  list_->take(i);
}

void SteppedStore::step_all() {
  while (pending() > 0) step(0);
}

void SteppedStore::advance(FakeClock::Duration by) {
  list_->clock.advance(by);
  wake_if_due();
}

void SteppedStore::wake_if_due() {
  if (!list_->dispatch || !list_->wakes_at || *list_->wakes_at > list_->clock.steady()) return;
  list_->wakes_at.reset();
  list_->dispatch->on_wake();
}

std::unique_ptr<StoreConnection> SteppedStore::make_connection() {
  return list_->inner->make_connection();
}

StoreTraits SteppedStore::traits() const noexcept {
  auto traits = list_->inner->traits();
  traits.blocking = true;
  return traits;
}

std::string describe(const StoreOp& op) {
  static constexpr std::array names{"load", "create", "replace", "touch", "erase"};
  return std::string(names.at(static_cast<std::size_t>(op.verb))) + " " + to_string(op.record.key);
}

}  // namespace flame::inline v0::session::test_support
