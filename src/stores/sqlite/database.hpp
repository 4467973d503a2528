#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace flame::inline v0::session::sqlite {

/// SQLite's handle, for one thread at a time, with waits of ours: they end at a deadline, or where
/// another thread interrupts. Throws SqliteError.
class Database {
 public:
  Database() = default;
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Once. Nothing is read yet.
  void open(const std::string& path);
  /// Until when locks are waited for from now on; unset: for ever.
  void wait_until(Deadline until) noexcept { until_ = until; }
  /// What SQLite does when another has the lock: sleeps a little. False: enough of that.
  [[nodiscard]] bool wait_for_lock() noexcept;
  void execute(const std::string& statements);
  /// Whether commits from now on wait for the disk. Between transactions.
  void set_flushes(bool each_commit);
  /// Of one that may be under way; throws StoreError where it cannot be ended.
  void roll_back();
  /// Any thread.
  void interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept {
    return interrupted_.load(std::memory_order_acquire);
  }
  void check_interrupted() const {
    if (interrupted()) throw SqliteError(SQLITE_INTERRUPT);
  }
  /// Throws where `code` is an error.
  void check(int code) const;
  /// Copies from -wal to the database; `pages` is what -wal holds.
  void checkpoint(int mode, int& pages);
  /// How many pages -wal holds, after a commit that wrote some.
  void on_commit(std::atomic<int>& wal_pages) noexcept;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

 private:
  std::atomic<sqlite3*> handle_{nullptr};  // set once
  std::atomic<bool> interrupted_{false};
  Deadline until_{};
  std::minstd_rand jitter_{std::random_device{}()};
  std::optional<bool> flushes_{};
  pid_t process_ = 0;
};

/// A transaction that may write; rolled back unless it is committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
  }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
};

}  // namespace flame::inline v0::session::sqlite
