#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/stepped_store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// Decides whatever a test leaves open: by a seed, or by a list of choices (and the first after it
/// ends).
class Choices {
 public:
  explicit Choices(std::uint64_t seed) noexcept : random_(seed) {}
  explicit Choices(std::vector<std::size_t> choices = {}) : prefix_(std::move(choices)) {}

  /// Below n, which is at least 1.
  [[nodiscard]] std::size_t pick(std::size_t n);
  /// True once in n.
  [[nodiscard]] bool once_in(std::size_t n) { return pick(n) == n - 1; }
  /// The seed, or the choices made: what replays this run.
  [[nodiscard]] std::string describe() const;

 private:
  friend class AllChoices;
  struct Made {
    std::size_t picked, of;
  };
  std::optional<std::uint64_t> random_{};
  std::uint64_t state_ = random_.value_or(0);
  std::vector<std::size_t> prefix_{};
  std::vector<Made> made_{};
};

/// Every sequence of choices there is, depth first: while (all.next()) run(all.choices()).
class AllChoices {
 public:
  [[nodiscard]] bool next();
  [[nodiscard]] Choices& choices() noexcept { return choices_; }

 private:
  Choices choices_{std::vector<std::size_t>{}};
  bool begun_ = false;
};

/// One request of a schedule. What is given first, then what came of it.
struct ScheduledRequest {
  std::string name{};
  std::size_t host = 0;  ///< which Manager serves it
  Need need = Need::read;
  std::function<std::string()> id{};  ///< what its cookie says, asked when it starts
  std::function<bool(Session&, const Flash&)> handler{};  ///< false: it failed
  /// No request at all: all sessions of this owner are ended, or where it is empty everyone's.
  /// What came of it is told as of a commit.
  std::optional<std::string> ends_all_of{};
  std::chrono::milliseconds load_deadline{0};    ///< 0: the Manager's
  std::chrono::milliseconds commit_deadline{0};  ///< 0: the Manager's

  /// In steps of the schedule, from 1; 0: did not happen.
  std::size_t load_started = 0, load_answered = 0, commit_started = 0, commit_answered = 0;
  bool failed = false;                  ///< the handler
  std::optional<Error> error{};         ///< of load or commit
  std::optional<std::string> id_out{};  ///< of Set-Cookie; empty: it takes the cookie away
};

/// Runs the phases of several requests, and the operations of their stores, in an order that
/// Choices decide. One thread. A phase: the load starts; the handler runs and its commit starts; or
/// sessions are ended.
class Schedule {
 public:
  struct Host {
    Manager* manager = nullptr;
    SteppedStore* store = nullptr;  ///< null: the store never blocks
  };
  struct Options {
    std::size_t faults =
        0;  ///< at most so many operations fail, lose their reply, or get an outcome that is none
    std::size_t advances = 0;  ///< at most so often time passes
    std::vector<std::chrono::milliseconds> advance_by{};
    bool reads_at_once =
        false;  ///< a load's first operation is not put off: fewer orders, same answers
  };

  Schedule(FakeClock& clock, std::span<const Host> hosts, Choices& choices, Options options);
  ~Schedule();
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// Before run(). The answer is good as long as the schedule.
  ScheduledRequest& add(ScheduledRequest request);
  /// Until every request is answered and no operation waits. False: something went wrong by itself,
  /// and problem() says what: no answer, or two, or one that came after its deadline.
  bool run();

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  /// The steps taken, a line each.
  [[nodiscard]] std::string trace() const;

 private:
  struct Running;
  struct Step;

  void offer();
  void offer_operations(std::size_t host);
  void take(const Step& step);
  void start_load(Running& running);
  void start_commit(Running& running);
  void start_ending(Running& running);
  void ending_answered(Running& running);
  void load_answered(Running& running);
  void commit_answered(Running& running);
  void check_deadlines();
  void fail(std::string problem);

  FakeClock& clock_;
  std::vector<Host> hosts_;
  Choices& choices_;
  Options options_;
  std::deque<Running> requests_;
  std::vector<Step> offered_;
  std::vector<Step> taken_;
  std::string problem_{};
};

/// What a run is repeated with: FLAME_SEED of the environment.
[[nodiscard]] std::optional<std::uint64_t> seed_to_replay();
/// How many seeds to run: FLAME_SEEDS of the environment, else `usual`.
[[nodiscard]] std::uint64_t seeds_to_run(std::uint64_t usual);

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
