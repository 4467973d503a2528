#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch.hpp"

namespace flame::inline v0::session::mongo {

/// What the connections of a store share.
struct Shared {
  explicit Shared(MongoOptions options);

  std::string wrong{};  ///< why there are no settings
  std::optional<Settings> settings{};
  std::atomic<bool> sweeps{false};  ///< the server removes nothing by itself
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
  void try_rights(const Call& call);
  const bson_t& ask_for_page(std::string_view owner, std::string_view from, std::size_t limit,
                             const Call& call);

  std::shared_ptr<Shared> shared_;
  const Settings& settings_;
  Commands commands_;
  Link link_;
  Batch batch_;
};

}  // namespace flame::inline v0::session::mongo
