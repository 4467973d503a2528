#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>

#include "runner/runner.hpp"

namespace flame::session::tests {

using namespace std::chrono_literals;

inline SessionKey key(unsigned n) {
  SessionKey out;
  out.bytes[0] = static_cast<std::byte>(n >> 8);
  out.bytes[1] = static_cast<std::byte>(n);
  return out;
}

/// Long enough for what must happen.
inline Deadline soon() { return std::chrono::steady_clock::now() + 60s; }

/// What a store was asked for in one exchange.
struct Exchanged {
  std::size_t connection = 0;
  std::vector<std::pair<Verb, SessionKey>> ops{};
};

/// A store that blocks where a test says so. What it says holds for all connections. Any thread.
class BlockingStore final : public Store {
 public:
  explicit BlockingStore(StorePtr inner = memory::store()) : inner_(std::move(inner)) {}

  /// Exchanges that begin with this verb stay in the store until released, or aborted.
  void hold(Verb verb) { set(held_[static_cast<std::size_t>(verb)], true); }
  void release(Verb verb) { set(held_[static_cast<std::size_t>(verb)], false); }
  void release_all() {
    for (auto& held : held_) set(held, false);
    release_connects();
    release_pings();
  }
  void hold_pings() { set(pings_held_, true); }
  void release_pings() { set(pings_held_, false); }
  void hold_connects() { set(connects_held_, true); }
  void release_connects() { set(connects_held_, false); }
  void down(bool is_down = true) { set(down_, is_down); }
  /// A driver that cannot be interrupted.
  void ignore_aborts() { set(ignores_aborts_, true); }
  /// An aborted exchange is answered all the same.
  void answer_aborted() { set(answers_aborted_, true); }

  /// Waits until so many exchanges or connects are held.
  void wait_until_held(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_now_ >= n; });
  }
  void wait_until_aborted(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return aborts_ >= n; });
  }
  void wait_until_swept(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sweeps_ >= n; });
  }

  template <class F>
  auto locked(F f) {
    const std::scoped_lock lock(mutex_);
    return f(*this);
  }
  std::vector<Exchanged> exchanges() {
    return locked([](auto& self) { return self.log_; });
  }
  /// How many exchanges had this operation in them.
  std::size_t sent(Verb verb, const SessionKey& which) {
    std::size_t out = 0;
    for (const auto& each : exchanges())
      out += std::ranges::count(each.ops, std::pair(verb, which));
    return out;
  }
  std::size_t connects() {
    return locked([](auto& self) { return self.connects_; });
  }
  void wait_until_connected(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return connected_ == n; });
  }
  std::size_t connected() {
    return locked([](auto& self) { return self.connected_; });
  }
  std::size_t pings() {
    return locked([](auto& self) { return self.pings_; });
  }
  std::size_t sweeps() {
    return locked([](auto& self) { return self.sweeps_; });
  }
  std::size_t aborts() {
    return locked([](auto& self) { return self.aborts_; });
  }

  // Set before the first operation. May throw what a store throws.
  std::function<void(std::span<StoreOp>)> on_run{[](std::span<StoreOp>) {}};
  /// Whether it gave this operation its outcome.
  std::function<bool(StoreOp&)> answers{[](StoreOp&) { return false; }};
  std::function<void()> on_abort{[] {}};
  std::function<std::size_t()> on_sweep{};  ///< none: the inner store sweeps
  std::function<std::optional<TimePoint>()> its_clock{[] { return std::nullopt; }};
  std::size_t max_batch = 64, workers = 2;
  std::chrono::milliseconds ping_after{0}, idle_close{0}, max_age{0};
  std::chrono::milliseconds sweep_every = StoreTraits().sweep_every;
  std::vector<std::string> warnings{};

  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Connection>(*this, inner_->make_connection());
  }
  [[nodiscard]] StoreTraits traits() const noexcept override {
    StoreTraits traits;
    traits.reads.max_batch = traits.writes.max_batch = traits.background.max_batch = max_batch;
    traits.reads.workers = traits.writes.workers = workers;
    traits.ping_after = ping_after;
    traits.idle_close = idle_close;
    traits.max_age = max_age;
    traits.sweep_every = sweep_every;
    return traits;
  }

  static StoreError lost(const char* text) { return {StoreError::Kind::connection_lost, text}; }
  static StoreError refused(const char* text) { return {StoreError::Kind::refused, text}; }

 private:
  class Connection final : public StoreConnection {
   public:
    Connection(BlockingStore& store, std::unique_ptr<StoreConnection> inner)
        : store_(store), inner_(std::move(inner)) {}
    ~Connection() override {
      store_.locked([this](auto& store) {
        store.connected_ -= is_connected_ ? 1 : 0;
        store.changed_.notify_all();
      });
    }

    void connect(const Call& call) override {
      std::unique_lock lock(store_.mutex_);
      number_ = ++store_.connects_;
      store_.stay(
          lock, [this] { return !store_.connects_held_ || (aborted_ && !store_.ignores_aborts_); });
      if (aborted_) throw lost("aborted");
      if (store_.down_) throw lost("the store is away");
      is_connected_ = true;
      ++store_.connected_;
      lock.unlock();
      inner_->connect(call);
    }
    std::vector<std::string> prepare(const Call&) override { return store_.warnings; }
    void ping(const Call&) override {
      std::unique_lock lock(store_.mutex_);
      ++store_.pings_;
      store_.stay(lock, [this] { return !store_.pings_held_ || aborted_; });
      if (aborted_) throw lost("aborted");
      if (store_.down_) throw lost("the store went away");
    }

    void run(std::span<StoreOp> batch, const Call& call) override {
      {
        std::unique_lock lock(store_.mutex_);
        Exchanged entry{number_, {}};
        for (const auto& op : batch) entry.ops.emplace_back(op.verb, op.record.key);
        store_.log_.push_back(std::move(entry));
        const auto& held = store_.held_[static_cast<std::size_t>(batch.front().verb)];
        store_.stay(lock, [&] { return !held || (aborted_ && !store_.ignores_aborts_); });
        if (aborted_ && !store_.answers_aborted_) throw lost("aborted");
        if (store_.down_) throw lost("the store went away");
      }
      store_.on_run(batch);
      for (auto& op : batch)
        if (!store_.answers(op)) inner_->run({&op, 1}, call);
    }
    std::size_t sweep(std::size_t limit, const Call& call) override {
      const auto removed = store_.on_sweep ? 0 : inner_->sweep(limit, call);
      store_.locked([](auto& store) {
        ++store.sweeps_;
        store.changed_.notify_all();
      });
      return store_.on_sweep ? store_.on_sweep() : removed;
    }
    OwnerPage list(std::string_view owner, std::string_view, std::size_t, const Call&) override {
      if (store_.locked([](auto& store) { return store.down_; })) throw lost("the store went away");
      return {.next = "of " + std::string(owner)};
    }
    KeyPage scan(std::string_view, std::size_t, const Call&) override {
      return {.keys = {SessionKey{}}, .next = "of all"};
    }
    std::optional<TimePoint> clock(const Call&) override { return store_.its_clock(); }
    void abort() noexcept override {
      store_.on_abort();
      store_.locked([this](auto& store) {
        ++store.aborts_;
        aborted_ = true;
        store.changed_.notify_all();
      });
    }

   private:
    BlockingStore& store_;
    std::size_t number_ = 0;
    std::unique_ptr<StoreConnection> inner_;
    bool is_connected_ = false;
    bool aborted_ = false;
  };

  void set(bool& what, bool to) {
    const std::scoped_lock lock(mutex_);
    what = to;
    changed_.notify_all();
  }
  template <class Until>
  void stay(std::unique_lock<std::mutex>& lock, Until until) {
    ++held_now_;
    changed_.notify_all();
    changed_.wait(lock, until);
    --held_now_;
  }

  const StorePtr inner_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::array<bool, 5> held_{};
  bool connects_held_ = false, pings_held_ = false, down_ = false, ignores_aborts_ = false,
       answers_aborted_ = false;
  std::size_t held_now_ = 0, connects_ = 0, connected_ = 0, aborts_ = 0, sweeps_ = 0, pings_ = 0;
  std::vector<Exchanged> log_{};
};

/// Where the answers to calls come in.
class Answers {
 public:
  struct Asked {
    StoreCall call{};
    Answers* answers = nullptr;
    int answered = 0;

    [[nodiscard]] bool done() const { return !call.failure && call.op.outcome == Outcome::done; }
    [[nodiscard]] Errc error() const { return call.failure.value().error.code; }
    [[nodiscard]] bool maybe_applied() const { return call.failure.value().maybe_applied; }
  };

  /// Submits; who is answered at once counts as answered.
  Asked& ask(Dispatch& dispatch, Verb verb, unsigned k, Deadline deadline) {
    Asked& asked = make(verb, k, deadline);
    if (dispatch.submit(asked.call)) count(asked);
    return asked;
  }
  Asked& make(Verb verb, unsigned k, Deadline deadline) {
    Asked& asked = all_.emplace_back();
    asked.answers = this;
    asked.call.op.verb = verb;
    asked.call.op.record.key = key(k);
    asked.call.op.record.token = WriteToken{k + 1};
    asked.call.op.record.expires_at =
        test_support::FakeClock::default_wall + std::chrono::hours(24);
    asked.call.deadline = deadline;
    asked.call.context = &asked;
    asked.call.done = [](StoreCall& call) noexcept {
      auto& self = *static_cast<Asked*>(call.context);
      self.answers->count(self);
    };
    return asked;
  }
  Asked& wait(Asked& asked) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked.answered > 0; });
    return asked;
  }
  void wait_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::all_of(all_, [](const Asked& each) { return each.answered > 0; });
    });
  }
  bool is_answered(const Asked& asked) {
    const std::scoped_lock lock(mutex_);
    return asked.answered > 0;
  }
  [[nodiscard]] const std::deque<Asked>& all() const { return all_; }

 private:
  void count(Asked& asked) noexcept {
    const std::scoped_lock lock(mutex_);
    ++asked.answered;
    changed_.notify_all();
  }

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Asked> all_{};  // used by one thread; its elements stay where they are
};

/// A runner on a clock that stands still: what is late, aborted or tried again is the test's to
/// say. Its watchdog looks at the clock each half deadline of real time.
class RunnerTest : public testing::Test {
 protected:
  using Asked = Answers::Asked;

  ~RunnerTest() override {
    store->release_all();  // also where a test failed half way
    end_runner();
    for (const auto& each : answers.all()) EXPECT_EQ(each.answered, 1);
  }

  Dispatch& runner() {
    if (runner_) return *runner_;
    runner_ = store_runner(store, time, clock, deadline);
    runner_->on_wake = [this] {
      const std::scoped_lock lock(mutex_);
      ++rung_;
      changed_.notify_all();
    };
    runner_->on_sweep_failed = [this](const Error& error) {
      const std::scoped_lock lock(mutex_);
      sweep_errors_.push_back(error.text);
      changed_.notify_all();
    };
    runner_->on_warning = [this](const std::string& text) {
      const std::scoped_lock lock(mutex_);
      warnings_.push_back(text);
    };
    if (opens) {
      EXPECT_FALSE(runner_->open());
    }
    return *runner_;
  }
  void end_runner() { runner_.reset(); }

  Asked& ask(Verb verb, unsigned k) {
    return answers.ask(runner(), verb, k, clock.steady() + deadline);
  }
  Asked& run(Verb verb, unsigned k) { return answers.wait(ask(verb, k)); }
  [[nodiscard]] std::size_t rung() {
    const std::scoped_lock lock(mutex_);
    return rung_;
  }
  void wait_until_rung(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return rung_ >= n; });
  }
  /// Both workers of the verb's lane get stuck in the store with it.
  void occupy(Verb verb) {
    store->hold(verb);
    for (unsigned i = 0; i < 2; ++i) {
      ask(verb, 60'000 + i);
      store->wait_until_held(i + 1);
    }
  }
  /// Returns once the watchdog has looked after everything by the clock as it is now.
  void let_watchdog_look() {
    for (int i = 0; i < 2; ++i) {  // it rings first and looks then: the second ring tells of it
      std::unique_lock lock(mutex_);
      const auto before = rung_;
      lock.unlock();
      runner().wake_at(clock.steady());
      lock.lock();
      changed_.wait(lock, [&] { return rung_ > before; });
    }
  }
  std::vector<std::string> warnings() {
    const std::scoped_lock lock(mutex_);
    return warnings_;
  }
  std::vector<std::string> wait_for_sweep_errors(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sweep_errors_.size() >= n; });
    return sweep_errors_;
  }

  test_support::FakeClock clock;
  StoreTime time{clock};
  std::chrono::milliseconds deadline{100};
  bool opens = true;  ///< before the first operation
  std::shared_ptr<BlockingStore> store = std::make_shared<BlockingStore>();
  Answers answers;

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::size_t rung_ = 0;
  std::vector<std::string> sweep_errors_{}, warnings_{};
  std::unique_ptr<Dispatch> runner_{};
};

}  // namespace flame::session::tests
