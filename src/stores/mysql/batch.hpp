#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include <flame/session/store.hpp>

#include "forms.hpp"
#include "statement.hpp"

namespace flame::inline v0::session::mysql {

/// The verbs, for up to 64 records by one statement: that all of them were changed is told by their
/// number; who they were, where it is less, by a second one that reads. It throws DriverError for a
/// statement that changed nothing, and StoreError for a lost connection.
class Batch {
 public:
  static constexpr std::size_t most = 64;

  Batch(Wire& wire, const TableName& table) : wire_(wire), table_(table) {}

  void load(std::span<StoreOp> ops, TimePoint now);
  void create(std::span<StoreOp> ops, TimePoint now);
  void replace(std::span<StoreOp> ops, TimePoint now);
  void touch(std::span<StoreOp> ops, TimePoint now);
  void erase(std::span<StoreOp> ops);
  /// What others have locked is left to the next sweep.
  std::size_t sweep(std::size_t limit, const Call& call);
  [[nodiscard]] OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                               TimePoint now);
  [[nodiscard]] KeyPage scan(std::string_view from, std::size_t limit);
  /// Prepares all for one record: shows whether the user has the rights.
  void check_rights();

 private:
  Statement& statement(Form form, std::size_t n);
  /// Calls f with each operation whose record is there, and with row_ as it is.
  template <class F>
  void look(std::span<StoreOp> ops, F f);
  template <class F>
  void settle(std::span<StoreOp> ops, F read);
  [[nodiscard]] bool create_all(std::span<StoreOp> ops);
  void create_one(StoreOp& op, TimePoint now);
  [[nodiscard]] std::vector<StoreOp> find_expired(std::size_t limit, TimePoint now);
  std::uint64_t remove_expired(std::span<StoreOp> ops, TimePoint now);
  void tell_replaced(std::span<StoreOp> ops, std::uint64_t replaced, TimePoint now);

  Wire& wire_;
  const TableName& table_;
  static constexpr std::size_t sizes = 7;  // 1, 2, 4 to 64
  std::array<std::array<std::unique_ptr<Statement>, sizes>, form_count> statements_{};
  Record row_{};
};

}  // namespace flame::inline v0::session::mysql
