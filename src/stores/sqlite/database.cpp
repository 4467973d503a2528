#include "database.hpp"

#include <time.h>
#include <unistd.h>

#include <thread>

namespace flame::inline v0::session::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// SQLite's own pauses grow to 100 ms: a process that is unlucky waits for seconds beside busy ones.
constexpr microseconds shortest_pause{100};
constexpr microseconds longest_pause{500};

}  // namespace

/// What was open when a process was forked is its parent's: to close it would end the parent's
/// locks.
Database::~Database() {
  if (handle_ && process_ == ::getpid()) sqlite3_close_v2(handle_);
}

void Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW,
      nullptr);
  process_ = ::getpid();
  handle_ = handle;
  if (!handle) throw SqliteError(SQLITE_NOMEM);
  sqlite3_extended_result_codes(handle, 1);
  check(code);
  // What it opened for reading alone it would keep so, though the file be writable again.
  if (sqlite3_db_readonly(handle, "main") == 1) throw SqliteError(SQLITE_READONLY);
  sqlite3_busy_handler(
      handle, [](void* self, int) { return static_cast<Database*>(self)->wait_for_lock() ? 1 : 0; },
      this);
  // Temporary files would need a folder of their own; what is deleted from -wal need not be kept.
  execute("PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864");
}

bool Database::wait_for_lock() noexcept {
  if (interrupted()) return false;
  const auto now = steady_clock::now();
  if (until_ != Deadline{} && now >= until_) return false;
  std::uniform_int_distribution<microseconds::rep> any(shortest_pause.count(),
                                                       longest_pause.count());
  std::this_thread::sleep_for(microseconds(any(jitter_)));
  return true;
}

void Database::execute(const std::string& statements) {
  check_interrupted();
  check(sqlite3_exec(handle_, statements.c_str(), nullptr, nullptr, nullptr));
}

void Database::set_flushes(bool each_commit) {
  if (flushes_ == each_commit) return;
  execute(each_commit ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  flushes_ = each_commit;
}

void Database::roll_back() {
  if (!handle_ || sqlite3_get_autocommit(handle_) != 0) return;
  if (sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK) return;
  if (sqlite3_get_autocommit(handle_) == 0)
    fail(StoreError::Kind::connection_lost,
         "a transaction can't be ended: the database is opened again");
}

void Database::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  if (sqlite3* const handle = handle_) sqlite3_interrupt(handle);
}

void Database::check(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  throw SqliteError(code, sqlite3_system_errno(handle_));
}

void Database::checkpoint(int mode, int& pages) {
  check(sqlite3_wal_checkpoint_v2(handle_, "main", mode, &pages, nullptr));
}

void Database::on_commit(std::atomic<int>& wal_pages) noexcept {
  sqlite3_wal_hook(
      handle_,
      [](void* pages, sqlite3*, const char*, int count) {
        static_cast<std::atomic<int>*>(pages)->store(count, std::memory_order_relaxed);
        return SQLITE_OK;
      },
      &wal_pages);
}

Transaction::~Transaction() {
  if (sqlite3_get_autocommit(database_.handle()) == 0)
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() try { database_.execute("COMMIT"); } catch (const SqliteError& error) {
  throw error.in(Phase::committing);
}

}  // namespace flame::inline v0::session::sqlite
