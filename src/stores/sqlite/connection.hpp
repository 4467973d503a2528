#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include <flame/session/sqlite.hpp>

#include "batch.hpp"
#include "place.hpp"
#include "queue.hpp"
#include "turn.hpp"

namespace flame::inline v0::session::sqlite {

/// What the connections of a store share.
struct Shared {
  explicit Shared(SqliteOptions given);

  std::string wrong{};  ///< with the options: told by connect()
  SqliteOptions options;
  Place place;
  Turn turn{};
  std::atomic<int> wal_pages{0};  ///< at this process's last commit
};

class Connection final : public StoreConnection {
 public:
  explicit Connection(std::shared_ptr<Shared> shared);

  void connect(const Call& call) override;
  std::vector<std::string> prepare(const Call& call) override;
  void run(std::span<StoreOp> batch, const Call& call) override;
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override;
  void abort() noexcept override {
    database_.interrupt();
    shared_->turn.wake();
  }

 private:
  /// Runs f as one exchange: what is later is thrown as it is, all else as StoreError.
  template <class F>
  auto exchange(const Call& call, F f);
  template <class F>
  void answer_or_later(std::span<StoreOp> ops, const Call& call, F f);
  template <class F>
  auto transact(const Call& call, bool flushes, F f);
  void write(std::span<StoreOp> ops, const Call& call);
  void bound_wal();
  void try_a_save(const Call& call);
  void checkpoint(const Call& call);

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<const Opened> opened_{};  // outlives the handle
  Database database_{};
  Queue queue_{};
  Batch batch_;
  int copied_at_ = 0;  // pages of -wal, when a save has copied them
};

}  // namespace flame::inline v0::session::sqlite
