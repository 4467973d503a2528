#include "controlled_store.hpp"

#include <span>
#include <utility>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/forwarding.hpp>

namespace demo {

namespace session = flame::session;
using session::StoreError;
using session::StoreOp;

class ControlledStore::Connection final : public session::test_support::Forwarding {
 public:
  Connection(std::unique_ptr<session::StoreConnection> inner, std::shared_ptr<State> state)
      : Forwarding(std::move(inner)), state_(std::move(state)) {}

  void run(std::span<StoreOp> batch, const session::Call& call) override {
    for (auto& op : batch) {
      if (meet(op.verb == session::Verb::load ? state_->reads : state_->writes))
        inner().run({&op, 1}, call);
      else
        op.outcome = session::Outcome::refused;
    }
  }
  void abort() noexcept override {
    const std::scoped_lock lock(state_->mutex);
    aborted_ = true;
    state_->changed.notify_all();
  }

 private:
  /// Whether it is to be done.
  bool meet(const Lane& lane) {
    std::unique_lock lock(state_->mutex);
    ++state_->count;
    ++state_->waiting;
    state_->changed.wait(lock, [&] { return aborted_ || !lane.held; });
    --state_->waiting;
    if (aborted_) throw StoreError(StoreError::Kind::connection_lost, "it was aborted");
    return !lane.refused;
  }

  const std::shared_ptr<State> state_;
  bool aborted_ = false;
};

ControlledStore::ControlledStore() : inner_(session::memory::store()) {}

void ControlledStore::hold(bool reads, bool writes) {
  const std::scoped_lock lock(state_->mutex);
  state_->reads.held |= reads;
  state_->writes.held |= writes;
}

void ControlledStore::refuse(bool reads, bool writes) {
  const std::scoped_lock lock(state_->mutex);
  state_->reads.refused |= reads;
  state_->writes.refused |= writes;
}

void ControlledStore::free() {
  const std::scoped_lock lock(state_->mutex);
  state_->reads = state_->writes = {};
  state_->changed.notify_all();
}

std::size_t ControlledStore::waiting() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->waiting;
}

std::size_t ControlledStore::count() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->count;
}

std::unique_ptr<session::StoreConnection> ControlledStore::make_connection() {
  return std::make_unique<Connection>(inner_->make_connection(), state_);
}

session::StoreTraits ControlledStore::traits() const noexcept {
  auto traits = inner_->traits();
  traits.blocking = true;
  return traits;
}

}  // namespace demo
