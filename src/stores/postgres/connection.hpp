#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "link.hpp"
#include "settings.hpp"
#include "sweeper.hpp"

namespace flame::inline v0::session::postgres {

inline constexpr std::size_t max_record = std::size_t{1} << 20;
inline constexpr std::size_t max_owner = 320;

/// What the connections of a store share.
struct Shared {
  explicit Shared(PostgresOptions options);

  std::string wrong{};  ///< why there are no settings
  std::optional<Settings> settings{};
  Statements statements;
  std::atomic<bool> unnamed{false};  ///< a pooler loses prepared statements
};

/// Each verb of a batch is a group: a transaction of one statement for each operation, in the order
/// of keys. All groups go in one round trip.
class Connection final : public StoreConnection {
 public:
  explicit Connection(std::shared_ptr<Shared> shared);

  void connect(const Call& call) override;
  std::vector<std::string> prepare(const Call& call) override;
  void run(std::span<StoreOp> batch, const Call& call) override;
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  std::optional<TimePoint> clock(const Call& call) override;
  void ping(const Call& call) override;
  void abort() noexcept override { link_.interrupt(); }

 private:
  using Ops = std::span<StoreOp*>;
  struct Trouble {
    Ops ops{};
    StoreError error;
  };

  void open(const Keywords& keywords, Deadline until);
  void exchange(Ops all, const Call& call);
  void send(Ops ops, const Call& call);
  void ask(const StoreOp& op, const Call& call);
  void receive(Ops ops, const Call& call);
  /// The rows that were found, into their operations, which get this answer.
  void take_rows(const Result& result, Ops ops, Outcome found, const Call& call);
  void settle(Ops ops);
  void failed(Ops ops, const GroupEnd& end);
  /// A replace that found another token, or nothing: which of them, and the newest record.
  void explain_conflicts(const Call& call);
  void tell_trouble();

  std::shared_ptr<Shared> shared_;
  Link link_;
  Sweeper sweeper_;
  // Of the call under way; kept for their memory.
  std::vector<StoreOp*> open_{}, repeated_{}, conflicts_{};
  std::vector<Outcome> answers_{};
  std::vector<Trouble> troubles_{};
  std::string keys_{};
};

}  // namespace flame::inline v0::session::postgres
