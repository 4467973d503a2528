#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::command {

/// The URL without what would have a store make its table.
[[nodiscard]] std::string without_making(std::string_view url);
/// open_store(), of a store that is there: none is made for a name that was mistyped. Throws
/// StoreError.
[[nodiscard]] StorePtr open_existing(std::string_view url);
/// open_store(), to copy to: it may be made.
[[nodiscard]] StorePtr open_target(std::string_view url);

/// A store and one connection to it, for what goes past a Manager. Throws StoreError.
class Access {
 public:
  /// Connects and prepares.
  explicit Access(StorePtr store);

  [[nodiscard]] const StoreTraits& traits() const noexcept { return traits_; }
  [[nodiscard]] TimePoint now() const;
  [[nodiscard]] KeyPage scan(std::string_view from, std::size_t limit);
  [[nodiscard]] std::size_t sweep(std::size_t limit);

  /// Sessions that the index has of an owner, as the store knows it; also such as cannot be read.
  [[nodiscard]] std::size_t count(std::string_view owner);
  /// Runs operations of one verb, with keys that differ, in batches that the store takes; what it
  /// puts off is sent again. Sorts them. All have an outcome that their verb may answer, or it
  /// throws; but a create may be refused.
  void run(std::vector<StoreOp>& ops);
  /// Loads in the order of keys.
  [[nodiscard]] std::vector<StoreOp> load(const std::vector<SessionKey>& keys);

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] Call call() const;
  void run_batch(std::span<StoreOp> batch);
  void run_or_split(std::span<StoreOp> batch);
  [[nodiscard]] std::span<StoreOp> batch_of(std::span<StoreOp> ops) const;

  StorePtr store_;
  StoreTraits traits_;
  std::unique_ptr<StoreConnection> connection_{};
  TimePoint read_{};  ///< the store's clock
  Clock::time_point read_at_{};
};

}  // namespace flame::inline v0::session::command
