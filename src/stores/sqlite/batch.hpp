#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "statement.hpp"

namespace flame::inline v0::session::sqlite {

inline constexpr std::size_t max_record = std::size_t{1} << 20;
inline constexpr std::size_t max_owner = 320;

/// The verbs. Whoever calls write() has begun a transaction: so what is read first is still true
/// when it is written, and every decision is made here.
class Batch {
 public:
  Batch(Database& database, const std::string& table);

  /// Answers each operation.
  void load(std::span<StoreOp> ops, TimePoint now);
  void write(std::span<StoreOp> ops, TimePoint now);
  /// What write() found, once its transaction is committed.
  void answer() noexcept;
  [[nodiscard]] OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                               TimePoint now);
  [[nodiscard]] KeyPage scan(std::string_view from, std::size_t limit);
  std::size_t sweep(std::size_t limit, TimePoint now);

 private:
  struct Found {
    std::int64_t row = 0;
    WriteToken token{};
    TimePoint created_at{}, last_seen{}, expires_at{};
    bool same_owner = false;
  };
  struct Times {
    TimePoint last_seen, expires_at;
  };
  [[nodiscard]] std::optional<Found> find(const Record& record);
  void read(StoreOp& op, TimePoint now);
  [[nodiscard]] Outcome apply(StoreOp& op, TimePoint now);
  [[nodiscard]] Outcome create(const Record& record, TimePoint now);
  [[nodiscard]] Outcome replace(StoreOp& op, TimePoint now);
  [[nodiscard]] Outcome touch(const Record& record, TimePoint now);
  [[nodiscard]] Outcome erase(const Record& record);
  void expect_one(int changed);
  void put(const Found& old, const Record& record, const Times& times);
  [[nodiscard]] static Times times_of(const Record& given, const Found& old,
                                      TimePoint now) noexcept;

  Database& database_;
  const std::string table_;
  Statement begin_, end_, load_, find_, insert_, replace_, replace_all_, touch_, erase_, list_,
      scan_, sweep_;
  std::vector<std::pair<StoreOp*, Outcome>> outcomes_{};
  std::vector<std::pair<StoreOp*, Record>> newest_{};  // of conflicts
};

}  // namespace flame::inline v0::session::sqlite
