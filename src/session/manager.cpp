#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

#include <flame/session/memory.hpp>

#include "jobs/async_job.hpp"
#include "runner/fork.hpp"
#include "runner/library_thread.hpp"
#include "runner/runner.hpp"
#include "runner/semaphore.hpp"

namespace flame::inline v0::session {

namespace {

constexpr std::chrono::hours longest_bound{1};  // what is more may not be added to a time

const char* missing_executor(const Operation& operation) noexcept {
  if (!operation.executor)  // also where the store needs none: programs change stores
    return "an Operation needs an executor: set Operation::executor to what runs its done(), an "
           "event loop say, or call Manager::load() and commit(), which wait";
  return nullptr;
}

/// What is wrong with how it was filled in; null: nothing.
const char* misuse_in(const Operation& operation, const Core&) noexcept {
  return missing_executor(operation);
}

const char* misuse_in(const EndOperation& operation, const Core&) noexcept {
  if (operation.whose == EndWhose::everyones && (operation.key || !operation.owner.empty()))
    return "an EndOperation that ends everyone's sessions names a key or an owner: leave both out, "
           "or EndOperation::whose as it is";
  return missing_executor(operation);
}

const char* misuse_in(const CommitOperation& operation, const Core& core) noexcept {
  if (!operation.session)
    return "a CommitOperation needs a session: set CommitOperation::session to what was loaded";
  switch (SessionAccess::state(*operation.session)) {
    case SessionAccess::State::committed:
      return "this Session was committed already: load it anew for more changes, and commit each "
             "Session once";
    case SessionAccess::State::moved_from:
      return "this Session was moved from: commit the one that it was moved to";
    case SessionAccess::State::open:
      break;
  }
  const auto* const session = SessionAccess::look(*operation.session);
  if (session && session->loaded_by && session->loaded_by != &core)
    return "this Session was loaded by another Manager: commit it with that one";
  return missing_executor(operation);
}

}  // namespace

struct Manager::Impl {
  Impl(Options given, const Environment& environment)
      : options(std::move(given)), core(options, environment) {
    if (!options.store) options.store = memory::store();
    blocking = options.store->traits().blocking;
  }

  Options options;
  Core core;
  std::unique_ptr<Dispatch> dispatch{};
  bool blocking = false;
  ForkMutex mutex{};
  std::atomic<AsyncJobs*> jobs{
      nullptr};  ///< where the store blocks; of the process before a fork()
  std::atomic<bool> serving{false};
  struct Probe;
  std::atomic<unsigned> probing{0};  ///< for ready()

  ~Impl() {
    AsyncJobs* const last = jobs.load();
    if (last && last->generation == fork_generation()) delete last;
  }

  [[nodiscard]] std::unique_ptr<Dispatch> make_dispatch();
  void call(StoreCall& call) noexcept;
  void erase(StoreOp op) noexcept;
  void write(Job& job, Deadline deadline);
  void return_flash(const SessionKey& key, const FlashHome::Message& message) noexcept;
  void drive(Job& job, Deadline deadline);
  [[nodiscard]] Deadline deadline_of(const Operation& operation) const noexcept {
    return operation.deadline != Deadline{} ? operation.deadline : core.deadline_from_now();
  }
  [[nodiscard]] AsyncJobs& current_jobs();
  [[nodiscard]] std::string stop_store(Deadline until, std::chrono::milliseconds bound) noexcept;
  template <class Op, class Direct>
  bool start(Op& operation, Direct direct) noexcept;
};

void Manager::Impl::call(StoreCall& call) noexcept {
  call.failure.reset();
  call.now = core.time.now();
  dispatch->submit(call);
  core.judge(call);
}

/// What nobody waits for.
void Manager::Impl::erase(StoreOp op) noexcept {
  StoreCall each{.op = std::move(op)};
  call(each);
}

void Manager::Impl::write(Job& job, Deadline deadline) {
  Unit* const units[] = {&job.unit(), job.beside()};
  const auto context = core.plan_context();
  WriteFlow flow(context, core.random, job.base(), std::span(units, units[1] ? 2 : 1));
  StoreCall each;
  each.deadline = deadline;
  while (flow.next(each.op, core.time.now())) {
    call(each);
    flow.answer(each.op, each.failure, core.time.now());
  }
  for (StoreOp& stray : flow.take_strays()) erase(std::move(stray));
  job.written(flow.take_newest());
}

void Manager::Impl::drive(Job& job, Deadline deadline) {
  StoreCall each;
  each.deadline = deadline;
  for (;;) switch (job.next(each.op)) {
      case Job::Step::finished:
        return;
      case Job::Step::call:
        call(each);
        job.answered(each.op, each.failure, each.now);
        break;
      case Job::Step::write:
        write(job, deadline);
        break;
      case Job::Step::many:
        for (StoreCall& one : job.calls()) {
          one.deadline = deadline;
          call(one);
        }
        job.all_answered();
        break;
    }
}

/// Of a Session that was dropped.
void Manager::Impl::return_flash(const SessionKey& key, const FlashHome::Message& message) noexcept
    try {
  if (!serving) {
    return core.events.emit(event::flash_lost, &key,
                            "a Session with a flash message was dropped after the Manager's stop");
  }
  auto session = std::make_shared<SessionState>();
  session->base.record.key = key;
  session->presence = Presence::live;
  session->flash = message;
  if (blocking) return current_jobs().return_flash(std::move(session));
  CommitJob job(core, std::move(session), true);
  drive(job, Deadline{});
} catch (...) {
  core.events.emit(event::flash_lost, &key, "out of memory");
}

std::unique_ptr<Dispatch> Manager::Impl::make_dispatch() {
  if (auto* source = dynamic_cast<DispatchSource*>(options.store.get()))
    return source->dispatch(core.time);
  if (blocking) return store_runner(options.store, core.time, core.clock, options.deadline);
  return direct_dispatch(options.store, core.time);
}

/// A child of fork() begins anew: what its parent had under way, and the locks that its threads
/// held, are left alone.
AsyncJobs& Manager::Impl::current_jobs() {
  const auto is_ours = [](const AsyncJobs* all) {
    return all && all->generation == fork_generation();
  };
  AsyncJobs* all = jobs.load(std::memory_order_acquire);
  if (is_ours(all)) return *all;
  const std::scoped_lock lock(mutex);
  all = jobs.load();
  if (is_ours(all)) return *all;
  all = new AsyncJobs(core, *dispatch);
  jobs.store(all, std::memory_order_release);
  return *all;
}

template <class Op, class Direct>
bool Manager::Impl::start(Op& operation, Direct direct) noexcept {
  try {
    if (const char* const misuse = misuse_in(operation, core)) {
      core.events.emit(event::failed, nullptr, misuse);
      operation.result = tl::unexpected(Error{Errc::misuse, misuse});
      return true;
    }
    if (!serving.load(std::memory_order_acquire)) {
      const char* const text = dispatch
                                   ? "the session manager was stopped"
                                   : "the session manager is not open: call Manager::open() first";
      if (!dispatch) core.events.emit(event::failed, nullptr, text);
      operation.result = tl::unexpected(Error{Errc::stopped, text});
      return true;
    }
    if (blocking) return current_jobs().start(operation, deadline_of(operation));
    operation.result = direct(operation.deadline);
  } catch (...) {
    operation.result =
        tl::unexpected(Error{Errc::out_of_memory, {}});  // no text: it would need some
  }
  return true;
}

Manager::Manager(Options options, Environment environment)
    : impl_(std::make_unique<Impl>(std::move(options), environment)) {}

/// On a thread of the library's own nothing can be waited for, and so nothing can go: as when
/// exit() is called in a callback, and the Manager is of static storage.
Manager::~Manager() {
  const bool stopped = stop().has_value();
  impl_->core.flash_home->set({});
  if (stopped || !is_library_thread()) return;
  static std::atomic<Impl*> kept{nullptr};  // reachable, for leak checkers
  kept = impl_.release();
}

bool Manager::waits() const noexcept { return impl_->blocking; }

const Options& Manager::options() const noexcept { return impl_->options; }

Result<void> Manager::open() {
  auto& self = *impl_;
  if (self.serving) return {};
  if (self.dispatch)
    return tl::unexpected(Error{Errc::stopped, "a session manager that was stopped stays so"});
  const auto traits = self.options.store->traits();
  auto rules = check(self.options, traits);
  if (!rules) return tl::unexpected(std::move(rules.error()));
  auto dispatch = self.make_dispatch();
  self.core.rules = std::move(*rules);
  self.core.creations.set(self.core.rules.max_created_per_second, self.core.random);
  dispatch->on_wake = [&self] { self.current_jobs().expire(self.core.clock.steady()); };
  dispatch->on_warning = [&self](const std::string& text) {
    self.core.events.emit(event::store_warning, nullptr, text);
  };
  dispatch->on_sweep_failed = [&self](const Error& error) {
    self.core.events.emit(event::sweep_failed, nullptr, error.text);
  };
  try {
    if (const auto failure = dispatch->open())
      self.core.events.store_down(failure->error.text);
    else
      self.core.time.assume(), self.core.answers = true;
  } catch (const StoreError& error) {
    return tl::unexpected(Error{Errc::invalid_option, error.what()});
  }
  self.dispatch = std::move(dispatch);
  self.core.flash_home->set([&self](const SessionKey& key, const FlashHome::Message& message) {
    self.return_flash(key, message);
  });
  if (self.blocking) static_cast<void>(self.current_jobs());
  self.serving.store(true, std::memory_order_release);
  return {};
}

/// What hangs, and was left behind.
std::string Manager::Impl::stop_store(Deadline until, std::chrono::milliseconds bound) noexcept
    try {
  AsyncJobs* const all = blocking ? &current_jobs() : nullptr;
  if (all) static_cast<void>(all->drain(until - bound / 2));
  if (all) all->unawaited.drain(until - bound / 2);
  const auto named = dispatch->stop(until - bound / 8);
  if (all) static_cast<void>(all->drain(Deadline::max()));  // all has been answered
  if (named.empty()) return {};
  return "a thread that serves the store (" + named +
         ") hangs in it, obeys neither its deadline nor abort(), and was left behind";
} catch (const std::bad_alloc&) {
  return "out of memory";
}

Result<void> Manager::stop(std::chrono::milliseconds bound) noexcept {
  auto& self = *impl_;
  if (is_library_thread())
    return tl::unexpected(Error{Errc::misuse,
                                "Manager::stop() was called from a callback, whose end it would "
                                "wait for: call it from a thread of your own"});
  bound = std::clamp<std::chrono::milliseconds>(bound, std::chrono::milliseconds(0), longest_bound);
  const auto until = std::chrono::steady_clock::now() + bound;
  self.serving = false;
  const auto named = self.dispatch ? self.stop_store(until, bound) : std::string();
  if (!named.empty()) self.core.events.emit(event::store_stuck, nullptr, named);
  static_cast<void>(self.core.events.stop(until));
  if (named.empty()) return {};
  return tl::unexpected(Error{Errc::store_unavailable, named});
}

void Manager::wait_for_events() noexcept { impl_->core.events.wait(); }

StoreCounters Manager::counters() const noexcept {
  if (!impl_->dispatch) return {};
  auto out = impl_->dispatch->counters();
  const AsyncJobs* const jobs = impl_->jobs;
  if (jobs && jobs->generation == fork_generation())
    out.touches_dropped = jobs->unawaited.touches_dropped();
  return out;
}

std::array<EventCount, event::all.size()> Manager::event_counts() const noexcept {
  return impl_->core.events.counts().read();
}

bool Manager::start(LoadOperation& operation) noexcept {
  auto& self = *impl_;
  return self.start(operation, [&](Deadline deadline) {
    LoadJob job(self.core, operation.request, operation.need);
    self.drive(job, deadline);
    operation.flash = job.flash();
    return job.result();
  });
}

bool Manager::start(CommitOperation& operation) noexcept {
  auto& self = *impl_;
  return self.start(operation, [&](Deadline deadline) {
    CommitJob job(self.core, SessionAccess::commit(*operation.session),
                  operation.status >= failed_from);
    try {
      self.drive(job, deadline);
      return job.result();
    } catch (...) {
      if (auto op = job.erase_of_unseen_login()) self.erase(std::move(*op));
      throw;
    }
  });
}

bool Manager::start(ListOperation& operation) noexcept {
  auto& self = *impl_;
  return self.start(operation, [&](Deadline deadline) {
    ListJob job(self.core, operation.owner);
    self.drive(job, deadline);
    return job.result();
  });
}

bool Manager::start(EndOperation& operation) noexcept {
  auto& self = *impl_;
  return self.start(operation, [&](Deadline deadline) {
    EndJob job(self.core, operation);
    self.drive(job, deadline);
    return job.result();
  });
}

/// Asks the store for a session that nobody has.
struct Manager::Impl::Probe final : Executor {
  Impl& manager;
  EndOperation operation{};

  explicit Probe(Impl& its_manager) : manager(its_manager) {
    operation.key = SessionKey{};
    operation.executor = this;
    operation.done = [](Operation&) noexcept {};
  }
  void post(Operation*) noexcept override { end(); }
  void end() noexcept {
    manager.core.answers = operation.result->has_value();
    manager.probing = 0;
    delete this;
  }
};

bool Manager::ready() noexcept {
  auto& self = *impl_;
  if (!self.serving) return false;
  // Nobody goes on with one that was under way when this process was forked.
  const auto mine = fork_generation() + 1;
  if (self.probing.exchange(mine) == mine) return self.core.answers;
  auto* const probe = new (std::nothrow) Impl::Probe(self);
  if (!probe)
    self.probing = 0;
  else if (start(probe->operation))
    probe->end();
  return self.core.answers;
}

const std::string& Manager::cookie_name() const noexcept { return impl_->core.rules.cookie.name; }

namespace {

/// Wakes who waits for an operation.
class Waiting final : public Executor {
 public:
  void post(Operation*) noexcept override { answered_.release(); }
  void wait() noexcept { answered_.acquire(); }

 private:
  Semaphore answered_;
};

template <class Op>
auto run_to_end(Manager& manager, Op& operation) {
  Waiting waiting;
  operation.executor = &waiting;
  if (!manager.start(operation)) waiting.wait();
  return std::move(*operation.result);
}

}  // namespace

Result<Session> Manager::load(const RequestView& request, Need need) {
  LoadOperation operation;
  operation.request = request;
  operation.need = need;
  return run_to_end(*this, operation);
}

Result<Session> Manager::load(const RequestView& request, Need need, Flash& flash) {
  LoadOperation operation;
  operation.request = request;
  operation.need = need | Need::flash;
  auto session = run_to_end(*this, operation);
  flash = std::move(operation.flash);
  return session;
}

Result<ResponseFields> Manager::commit(Session& session) {
  CommitOperation operation;
  operation.session = &session;
  return run_to_end(*this, operation);
}

Result<ResponseFields> Manager::abandon(Session& session) {
  CommitOperation operation;
  operation.session = &session;
  operation.status = failed_from;
  return run_to_end(*this, operation);
}

Result<std::vector<OwnedSession>> Manager::list(std::string_view owner) {
  ListOperation operation;
  operation.owner = owner;
  return run_to_end(*this, operation);
}

Result<std::size_t> Manager::end(const SessionKey& key) {
  EndOperation operation;
  operation.key = key;
  return run_to_end(*this, operation);
}

Result<std::size_t> Manager::end_all(std::string_view owner, std::optional<SessionKey> except) {
  EndOperation operation;
  operation.owner = owner;
  operation.except = except;
  return run_to_end(*this, operation);
}

Result<std::size_t> Manager::end_everyone(Deadline deadline) {
  EndOperation operation;
  operation.whose = EndWhose::everyones;
  operation.deadline = deadline;
  return run_to_end(*this, operation);
}

}  // namespace flame::inline v0::session
