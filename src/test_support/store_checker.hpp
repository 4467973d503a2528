#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/test_support/store_checks.hpp>

namespace flame::inline v0::session::test_support {

using namespace std::chrono_literals;

struct Answer {
  Outcome outcome;
  Record record;
};

/// What the checks are written with. One thread, but for key(), record(), call() and connect().
class StoreChecker {
 public:
  explicit StoreChecker(const MakeStore& make);

  [[nodiscard]] StoreTraits traits() const noexcept { return store_->traits(); }
  [[nodiscard]] StoreConnection& connection() noexcept { return *connection_; }
  [[nodiscard]] std::unique_ptr<StoreConnection> connect() const;

  /// Of the same number always the same, spread evenly like those of a Manager.
  [[nodiscard]] static SessionKey key(std::uint64_t number) noexcept;
  /// Created now, ends an hour later; its content tells its number.
  [[nodiscard]] Record record(std::uint64_t number, std::string owner = {}) const;
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  [[nodiscard]] Call call(TimePoint at) const noexcept;

  Answer apply(Verb verb, const Record& record, TimePoint at, WriteToken expected = {});
  Answer apply(Verb verb, const Record& record) { return apply(verb, record, now_); }
  Answer load(const SessionKey& key, TimePoint at) { return apply(Verb::load, {.key = key}, at); }
  /// Sorts the operations as run() wants them, and runs them as one batch.
  void run(std::vector<StoreOp>& batch);
  /// All pages of an owner, of at most `limit` each.
  std::vector<Record> list(std::string_view owner, std::size_t limit, TimePoint at);

  void fail(std::string text) { failures_.push_back(std::move(text)); }
  void expect(bool right, std::string_view what);
  void expect(Outcome got, Outcome wanted, std::string_view what);
  /// All fields; only the blob's size is told, for it may be large.
  void expect(const Record& got, const Record& wanted, std::string_view what);
  void expect_stored(const Record& wanted, std::string_view what, TimePoint at);
  void expect_stored(const Record& wanted, std::string_view what) {
    expect_stored(wanted, what, now_);
  }
  void expect_missing(const SessionKey& key, std::string_view what, TimePoint at);

  [[nodiscard]] std::vector<std::string> take_failures() && { return std::move(failures_); }

 private:
  StorePtr store_;
  std::unique_ptr<StoreConnection> connection_;
  TimePoint now_;
  std::vector<std::string> failures_;
};

inline constexpr WriteToken token(std::uint64_t n) noexcept { return WriteToken{n}; }

/// Runs one operation as the library does: again while it is `later`, until it would be too late.
void run_one(StoreConnection& connection, StoreOp& op, const Call& call);

// The checks, by file.
std::vector<StoreCheck> verb_checks();
std::vector<StoreCheck> batch_checks();
std::vector<StoreCheck> owner_checks();
std::vector<StoreCheck> scan_checks();
std::vector<StoreCheck> race_checks();

}  // namespace flame::inline v0::session::test_support
