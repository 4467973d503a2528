#pragma once

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <memory>

#include "commit_job.hpp"
#include "gate.hpp"
#include "load_job.hpp"
#include "owner_jobs.hpp"
#include "runner/completion.hpp"
#include "runner/fork.hpp"
#include "runner/short_mutex.hpp"
#include "runner/spares.hpp"
#include "unawaited.hpp"

namespace flame::inline v0::session {

class AsyncJobs;

/// One load or commit at a store that blocks: drives its job from answer to answer, on whatever
/// thread brings them. Outlives its operation, which its deadline may answer first.
class AsyncJob : public std::enable_shared_from_this<AsyncJob>,
                 public boost::intrusive::set_base_hook<> {
 public:
  /// `bytes`: what it keeps in memory while it is under way.
  AsyncJob(AsyncJobs& owner, Operation& operation, Deadline ends, std::size_t bytes) noexcept;
  virtual ~AsyncJob();

  /// True: finished, and the operation is answered without its done().
  [[nodiscard]] bool start();
  /// Its deadline has passed: answers the operation, and gives up what was not sent yet. Runs
  /// nothing else: whoever has what was given up finds it so, and goes on with it.
  void expire() noexcept;

  const Deadline deadline;
  friend bool operator<(const AsyncJob& a, const AsyncJob& b) noexcept {
    return a.deadline < b.deadline;
  }

 protected:
  AsyncJobs& owner_;

 private:
  enum class Turn : std::uint8_t { none, handing_over, handed_over, answered };

  [[nodiscard]] virtual Job& job() noexcept = 0;
  virtual void deliver(Operation& operation, const Error* error) = 0;
  /// Finished after its operation had been answered: what it got is nobody's.
  virtual void orphaned() {}
  /// There is no memory for what would be done with what it still has, or was to tell.
  virtual void forgotten() noexcept {}

  [[nodiscard]] bool advance() noexcept;
  [[nodiscard]] bool is_over() noexcept;
  void settle(bool* answered_here) noexcept;
  [[nodiscard]] bool answer(Operation& operation, const Error* error) noexcept;
  [[nodiscard]] bool call();
  [[nodiscard]] bool write();
  [[nodiscard]] bool many();
  void announce_erases(std::vector<StoreCall>& calls);
  [[nodiscard]] bool one_of_many(StoreCall& call) noexcept;
  void all_of_many() noexcept;
  void call_answered();
  void write_answered() noexcept;
  void resume();
  void finish(bool* answered_here) noexcept;

  std::atomic<Operation*> operation_;
  const std::size_t bytes_;
  std::shared_ptr<AsyncJob> self_{};  // while an answer is awaited
  StoreCall call_{};
  std::atomic<std::size_t> unanswered_{0};  // of many calls
  Ticket ticket_{};
  Sending sending_{};  // of whatever it has under way
  std::atomic<Turn> turn_{Turn::none};
  bool orphan_ = false;                     // its deadline has answered the operation
  std::atomic<bool> did_some_{false};       // of several steps
  std::atomic<bool> out_of_memory_{false};  // ends this operation, and nothing else (R16)
};

/// All that is under way at a store that blocks. Any thread.
class AsyncJobs {
 public:
  AsyncJobs(Core& its_core, Dispatch& its_dispatch)
      : core(its_core),
        dispatch(its_dispatch),
        unawaited(core, dispatch),
        gate(core, dispatch, unawaited) {}

  /// Loads, and as many commits, that may be under way; above it they are refused at once.
  static constexpr std::size_t max_under_way = 10'000;
  /// Bytes of all commits under way; one may be larger.
  static constexpr std::size_t max_bytes_under_way = std::size_t{64} << 20;

  [[nodiscard]] bool start(LoadOperation& operation, Deadline deadline);
  [[nodiscard]] bool start(CommitOperation& operation, Deadline deadline);
  [[nodiscard]] bool start(ListOperation& operation, Deadline deadline);
  [[nodiscard]] bool start(EndOperation& operation, Deadline deadline);
  /// For what must not be refused: a flash message on its way back.
  [[nodiscard]] bool start_unbounded(CommitOperation& operation, Deadline deadline);
  /// A claimed flash message whose request is over goes back to its session.
  void return_flash(std::shared_ptr<SessionState> session);
  /// Answers the operations whose deadline has passed.
  void expire(Deadline now) noexcept;
  /// Returns when nothing is under way any more; nothing may be started meanwhile. False: at
  /// `until` (of the steady clock) something still was.
  [[nodiscard]] bool drain(Deadline until) noexcept;

  Core& core;
  Dispatch& dispatch;
  Unawaited unawaited;
  Gate gate;
  const unsigned generation = fork_generation();  ///< of the process that it serves

 private:
  friend class AsyncJob;
  template <class ItsJob, class Op, class... Arguments>
  [[nodiscard]] bool start_in(Spares& spares, Op& operation, Deadline deadline,
                              const Arguments&... arguments);
  void add(AsyncJob& job);
  void remove(AsyncJob& job) noexcept;

  std::atomic<std::size_t> bytes_{0};
  // The memory of jobs, of each kind by itself, which is in use while they are under way.
  Spares loads_{}, commits_{}, lists_{}, ends_{};
  ShortMutex mutex_{};
  boost::intrusive::multiset<AsyncJob> by_deadline_{};
};

}  // namespace flame::inline v0::session
