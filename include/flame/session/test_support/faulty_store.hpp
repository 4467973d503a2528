#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// What happens to one operation.
enum class Fault : std::uint8_t {
  fail,        ///< not applied; StoreError connection_lost
  refuse,      ///< not applied; StoreError refused
  lose_reply,  ///< applied; StoreError connection_lost, and no outcome
  unconfirm,   ///< applied; StoreError unconfirmed, and no outcome
  leave,       ///< not applied; StoreError away
  doubt,       ///< applied; the outcome is unknown
};

/// Another store, with the faults that a test names. They meet operations one by one, in the order
/// of their batches; those of a batch that come after a StoreError are neither run nor counted. Any
/// thread; what it is told holds for all connections.
class FaultyStore final : public Store {
 public:
  explicit FaultyStore(StorePtr inner);
  ~FaultyStore() override;

  /// For the next operation of this verb, after `skip` others of it. At most one fault each.
  void next(Verb verb, Fault fault, std::size_t skip = 0);
  /// The same: it gets this outcome, and is not applied.
  void next(Verb verb, Outcome outcome, std::size_t skip = 0);
  /// Until told otherwise every call throws connection_lost, connect() and prepare() too.
  void down(bool is_down = true);
  /// prepare() throws refused with this text; empty: no more.
  void refuse_prepare(std::string text);
  /// prepare() returns this line too.
  void warn(std::string text);

  /// Operations that came since the start, or since reset_counts().
  [[nodiscard]] std::size_t count(Verb verb) const noexcept;
  [[nodiscard]] std::size_t count() const noexcept;
  void reset_counts() noexcept;

  [[nodiscard]] std::unique_ptr<StoreConnection> make_connection() override;
  [[nodiscard]] StoreTraits traits() const noexcept override;

 private:
  class Connection;
  struct Plan;
  StorePtr inner_;
  std::shared_ptr<Plan> plan_;
};

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
