#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// Hands each call to another connection: a double overrides those that it changes.
class Forwarding : public StoreConnection {
 public:
  explicit Forwarding(std::unique_ptr<StoreConnection> inner) noexcept : inner_(std::move(inner)) {}

  void connect(const Call& call) override { inner_->connect(call); }
  std::vector<std::string> prepare(const Call& call) override { return inner_->prepare(call); }
  void run(std::span<StoreOp> batch, const Call& call) override { inner_->run(batch, call); }
  std::size_t sweep(std::size_t limit, const Call& call) override {
    return inner_->sweep(limit, call);
  }
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override {
    return inner_->list(owner, from, limit, call);
  }
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override {
    return inner_->scan(from, limit, call);
  }
  std::optional<TimePoint> clock(const Call& call) override { return inner_->clock(call); }
  void ping(const Call& call) override { inner_->ping(call); }
  void abort() noexcept override { inner_->abort(); }

 protected:
  [[nodiscard]] StoreConnection& inner() const noexcept { return *inner_; }

 private:
  const std::unique_ptr<StoreConnection> inner_;
};

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
