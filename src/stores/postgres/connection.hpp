#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch.hpp"
#include "link.hpp"
#include "settings.hpp"
#include "sweeper.hpp"
#include "target.hpp"

namespace flame::inline v0::session::postgres {

/// What the connections of a store share.
struct Shared {
  explicit Shared(PostgresOptions options);

  std::string wrong{};  ///< why there are no settings
  std::optional<Settings> settings{};
  Statements statements;
  std::atomic<bool> unnamed{false};  ///< a pooler loses prepared statements
};

class Connection final : public StoreConnection {
 public:
  explicit Connection(std::shared_ptr<Shared> shared);

  void connect(const Call& call) override;
  std::vector<std::string> prepare(const Call& call) override;
  void run(std::span<StoreOp> batch, const Call& call) override { batch_.run(batch, call); }
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override;
  std::optional<TimePoint> clock(const Call& call) override;
  void ping(const Call& call) override;
  void abort() noexcept override { link_.interrupt(); }

 private:
  void open(const Target& target, const std::string& password, Deadline until);
  void sign_in(const Target& target, const std::string& password, Deadline until);

  std::shared_ptr<Shared> shared_;
  Link link_;
  Batch batch_;
  Sweeper sweeper_;
};

}  // namespace flame::inline v0::session::postgres
