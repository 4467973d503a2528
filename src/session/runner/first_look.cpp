#include "first_look.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "library_thread.hpp"

namespace flame::inline v0::session {
namespace {

/// What the two threads share. Where the store does not come back it stays for ever.
struct Look {
  StorePtr store;
  Call call;
  std::unique_ptr<StoreConnection> connection{};
  std::optional<TimePoint> its_time{};
  std::exception_ptr thrown{};

  std::mutex mutex{};
  std::condition_variable changed{};
  bool ended = false, left_behind = false;
  Look* left_before = nullptr;

  void look() noexcept {
    mark_library_thread();
    try {
      connection->connect(call);
      connection->prepare(call);
      its_time = connection->clock(call);
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::scoped_lock lock(mutex);
    if (left_behind) return;
    ended = true;
    changed.notify_all();
  }
  bool wait_until(Deadline until) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, until, [this] { return ended; });
  }
  /// False: it has just ended.
  bool leave() {
    const std::scoped_lock lock(mutex);
    return left_behind = !ended;
  }
};

/// Reachable, for leak checkers.
void keep_for_ever(std::unique_ptr<Look> look) noexcept {
  static std::atomic<Look*> all{nullptr};
  look->left_before = all;
  while (!all.compare_exchange_weak(look->left_before, look.get())) continue;
  static_cast<void>(look.release());
}

}  // namespace

std::optional<Failure> first_look(const StorePtr& store, StoreTime& time, const Clock& clock,
                                  std::chrono::milliseconds deadline) try {
  const auto until = std::chrono::steady_clock::now() + deadline;
  auto look = std::make_unique<Look>(store, Call{time.now(), until});
  look->connection = store->make_connection();
  const auto sent = clock.elapsed();  // a little less exact than around clock() alone
  std::thread looks([&look = *look] {
    look.look();
    bool left = false;
    {
      const std::scoped_lock lock(look.mutex);
      left = look.left_behind;
    }
    if (left) park_for_ever();
  });
  if (!look->wait_until(until)) {
    look->connection->abort();
    if (!look->wait_until(until + deadline / 2) && look->leave()) {
      looks.detach();
      keep_for_ever(std::move(look));
      return failure_of(Errc::store_unavailable,
                        "the store neither connects in time nor lets itself be interrupted", false);
    }
  }
  looks.join();
  if (look->thrown) std::rethrow_exception(look->thrown);
  if (look->its_time)
    time.read(*look->its_time, sent, clock.elapsed());
  else
    time.assume();
  return std::nullopt;
} catch (const StoreError& error) {
  if (error.kind() == StoreError::Kind::refused) throw;
  return caught_failure();
} catch (const std::system_error&) {
  return failure_of(Errc::store_unavailable, "no thread could be started to look at the store",
                    false);
} catch (...) {
  return caught_failure();
}

}  // namespace flame::inline v0::session
