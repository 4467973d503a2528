#include "first_look.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "library_thread.hpp"
#include "record/new_connection.hpp"

namespace flame::inline v0::session {
namespace {

/// What the threads share. One that does not come back keeps it for ever.
struct Look {
  Look(StorePtr its_store, const Call& its_call, std::unique_ptr<StoreConnection> its_connection)
      : store(std::move(its_store)), call(its_call), connection(std::move(its_connection)) {}

  const StorePtr store;
  const Call call;
  std::unique_ptr<StoreConnection> connection;
  std::vector<std::string> warnings{};
  std::optional<TimePoint> its_time{};
  std::exception_ptr thrown{};

  std::mutex mutex{};
  std::condition_variable changed{};
  bool looking = true, aborting = false, ended = false;
  std::atomic<bool> left_behind{false};

  void look() {
    connection->connect(call);
    warnings = connection->prepare(call);
    its_time = connection->clock(call);
  }
  /// Closing may hang as well.
  void close() noexcept {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !aborting || left_behind; });
    looking = false;
    lock.unlock();
    if (!left_behind) connection.reset();
  }
  void end() noexcept {
    std::unique_lock lock(mutex);
    if (left_behind) {
      lock.unlock();
      park_for_ever();
    }
    ended = true;
    changed.notify_all();
  }
  void abort() noexcept {
    {
      const std::scoped_lock lock(mutex);
      if (!looking) return;
      aborting = true;  // it keeps the connection there
    }
    connection->abort();
    const std::scoped_lock lock(mutex);
    aborting = false;
    changed.notify_all();
  }
  bool wait_until(Deadline until) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, until, [this] { return ended; });
  }
  /// False: it has just ended.
  bool leave() {
    const std::scoped_lock lock(mutex);
    left_behind = !ended;
    changed.notify_all();
    return left_behind;
  }
};

void run(const std::shared_ptr<Look>& look) noexcept {
  mark_library_thread();
  try {
    look->look();
  } catch (...) {
    look->thrown = std::current_exception();
  }
  look->close();
  look->end();
}

/// On a thread of its own: it may take its time, against the contract.
void interrupt(const std::shared_ptr<Look>& look) noexcept try {
  std::thread([look] {
    mark_library_thread();
    look->abort();
  }).detach();
} catch (const std::exception&) {  // it is left behind, then
}

}  // namespace

std::optional<Failure> first_look(const StorePtr& store, StoreTime& time, const Clock& clock,
                                  std::chrono::milliseconds deadline, const Warn& warn) try {
  const auto until = std::chrono::steady_clock::now() + deadline;
  const auto sent = clock.elapsed();  // a little less exact than around clock() alone
  const auto look = std::make_shared<Look>(store, Call{time.now(), until}, new_connection(*store));
  std::thread looks([look]() mutable { run(look); });
  if (!look->wait_until(until)) {
    interrupt(look);
    if (!look->wait_until(until + deadline / 2) && look->leave()) {
      looks.detach();
      return failure_of(Errc::store_unavailable,
                        "the store neither connects in time nor lets itself be interrupted", false);
    }
  }
  looks.join();
  for (const auto& warning : look->warnings) warn(warning);
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
