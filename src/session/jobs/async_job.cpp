#include "async_job.hpp"

namespace flame::inline v0::session {
namespace {

Error late(bool unsent) noexcept try {
  return {Errc::deadline, unsent
                              ? "nothing was done: the store was too busy, or others came first"
                              : "the store did not answer in time: what became of it is unknown"};
} catch (...) {
  return {Errc::deadline, {}};
}

/// In the place of an operation that its deadline answered.
Operation expired;

/// The job of one kind of operation.
template <class ItsJob, class ItsOperation>
class AsyncOf final : public AsyncJob {
 public:
  template <class... JobArguments>
  AsyncOf(AsyncJobs& owner, ItsOperation& operation, Deadline ends, std::size_t bytes,
          JobArguments&&... arguments)
      : AsyncJob(owner, operation, ends, bytes),
        job_(owner.core, std::forward<JobArguments>(arguments)...) {}

 private:
  Job& job() noexcept override { return job_; }
  void deliver(Operation& operation, const Error* error) override {
    auto& result = static_cast<ItsOperation&>(operation).result;
    if (error)
      result = tl::unexpected(*error);
    else
      give(static_cast<ItsOperation&>(operation));
  }
  void give(ItsOperation& operation) { operation.result = job_.result(); }
  void orphaned() override {}
  void forgotten() noexcept override {}

  ItsJob job_;
};
using AsyncLoad = AsyncOf<LoadJob, LoadOperation>;
using AsyncCommit = AsyncOf<CommitJob, CommitOperation>;
using AsyncList = AsyncOf<ListJob, ListOperation>;
using AsyncEnd = AsyncOf<EndJob, EndOperation>;

/// A flash message that was claimed for a request nobody waits for any more goes back. Its own
/// executor: there is nobody to tell.
class FlashReturn final : Executor {
 public:
  static void start(AsyncJobs& jobs, std::shared_ptr<SessionState> state) {
    if (!state || !state->flash) return;
    auto session = SessionAccess::make(std::move(state));
    auto self = std::make_unique<FlashReturn>();
    self->operation_.session = &session;
    self->operation_.status = failed_from;
    self->operation_.executor = self.get();
    const auto deadline = jobs.core.deadline_from_now();
    if (!jobs.start_unbounded(self->operation_, deadline)) static_cast<void>(self.release());
  }

 private:
  void post(Operation*) noexcept override { delete this; }

  CommitOperation operation_{};
};

template <>
void AsyncLoad::give(LoadOperation& operation) {
  operation.flash = job_.flash();
  operation.result = job_.result();
}

template <>
void AsyncLoad::orphaned() {
  auto session = job_.result();
  if (session) FlashReturn::start(owner_, SessionAccess::commit(*session));
}

template <>
void AsyncCommit::orphaned() {
  FlashReturn::start(owner_, job_.unreturned_flash());
  if (auto op = job_.erase_of_unseen_login()) owner_.unawaited.send(std::move(*op));
}
template <>
void AsyncCommit::forgotten() noexcept {
  job_.forget_flash();
  try {  // it may be there again
    if (auto op = job_.erase_of_unseen_login()) owner_.unawaited.send(std::move(*op));
  } catch (...) {
  }
}

}  // namespace

AsyncJob::AsyncJob(AsyncJobs& owner, Operation& operation, Deadline ends,
                   std::size_t bytes) noexcept
    : deadline(ends), owner_(owner), operation_(&operation), bytes_(bytes) {
  if (bytes_ > 0) owner_.bytes_.fetch_add(bytes_, std::memory_order_relaxed);
}

AsyncJob::~AsyncJob() {
  if (bytes_ > 0) owner_.bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
}

bool AsyncJob::start() {
  owner_.add(*this);
  if (!advance()) return false;
  bool answered_here = false;
  finish(&answered_here);
  return answered_here;
}

/// Nobody waits any more, and nothing of anybody's would be lost.
bool AsyncJob::is_over() noexcept { return operation_ == &expired && !job().unit().returned_flash; }

/// True: the job is finished. False: an answer is awaited, and *this may be gone.
bool AsyncJob::advance() noexcept {
  try {
    while (!out_of_memory_) {
      bool answered = false;
      const auto step = job().next(call_.op);
      did_some_ = job().did_some();  // before expire() may find that nothing of this was sent
      if (step == Job::Step::finished || is_over()) return true;
      if (!job().unit().returned_flash) sending_.reopen();
      if (step == Job::Step::write)
        answered = write();
      else if (step == Job::Step::many)
        answered = many();
      else
        answered = call();
      if (!answered) return false;
    }
  } catch (...) {  // nothing is under way: what throws does so before or after
    self_.reset();
    out_of_memory_ = true;
  }
  return true;
}

/// Answers the operation, unless that was done before. Within start() nobody calls its done().
void AsyncJob::settle(bool* answered_here) noexcept {
  Operation* const operation = operation_.exchange(nullptr);
  if (operation == &expired) orphan_ = true;
  if (!operation || operation == &expired) return;
  if (!answer(*operation, nullptr)) out_of_memory_ = true;
  if (answered_here)
    *answered_here = true;
  else
    complete(*operation);
}

/// False: for want of memory its result is nobody's.
bool AsyncJob::answer(Operation& operation, const Error* error) noexcept {
  const Error no_memory{Errc::out_of_memory, {}};  // no text: it would need some
  try {
    deliver(operation, out_of_memory_ ? &no_memory : error);
    return true;
  } catch (...) {
  }
  deliver(operation, &no_memory);
  return false;
}

bool AsyncJob::call() {
  if (call_.op.verb == Verb::touch) {
    owner_.unawaited.send(std::move(call_.op));
    job().answered(call_.op, std::nullopt, {});
    return true;
  }
  call_.deadline = deadline;
  call_.sending = &sending_;
  call_.maybe_applied = false;
  call_.times_later = 0;
  call_.failure.reset();
  call_.context = this;
  call_.done = [](StoreCall& call) noexcept {
    auto& self = *static_cast<AsyncJob*>(call.context);
    self.call_answered();
    self.resume();
  };
  self_ = shared_from_this();
  if (call_.op.verb == Verb::erase) owner_.gate.erase_begins(call_.op.record.key);
  if (!owner_.dispatch.submit(call_)) return false;
  self_.reset();
  call_answered();
  return true;
}

void AsyncJob::call_answered() {
  owner_.core.judge(call_);
  const bool erases = call_.op.verb == Verb::erase;
  const auto key = call_.op.record.key;
  try {
    job().answered(call_.op, call_.failure, owner_.core.time.now());
  } catch (...) {
    out_of_memory_ = true;
  }
  did_some_ = job().did_some();
  if (erases) owner_.gate.erase_ended(key, !call_.failure);
}

/// They are the job's, which stays until all are answered.
bool AsyncJob::many() {
  auto& calls = job().calls();
  announce_erases(calls);  // throws before anything is under way, or not at all
  self_ = shared_from_this();
  const auto keep = self_;
  unanswered_ = calls.size() + 1;  // and this
  for (StoreCall& each : calls) {
    each.deadline = deadline;
    each.context = this;
    each.done = [](StoreCall& call) noexcept {
      auto& self = *static_cast<AsyncJob*>(call.context);
      if (self.one_of_many(call)) self.all_of_many();
    };
    if (owner_.dispatch.submit(each)) static_cast<void>(one_of_many(each));
  }
  if (--unanswered_ > 0) return false;
  self_.reset();
  job().all_answered();
  return true;
}

void AsyncJob::announce_erases(std::vector<StoreCall>& calls) {
  std::size_t announced = 0;
  try {
    for (; announced < calls.size(); ++announced)
      if (calls[announced].op.verb == Verb::erase)
        owner_.gate.erase_begins(calls[announced].op.record.key);
  } catch (...) {
    while (announced-- > 0)
      if (calls[announced].op.verb == Verb::erase)
        owner_.gate.erase_ended(calls[announced].op.record.key, false);
    throw;
  }
}

/// True: it was the last one.
bool AsyncJob::one_of_many(StoreCall& call) noexcept {
  owner_.core.judge(call);
  if (call.list && !call.failure) owner_.unawaited.leave_out_erased(call.list->page.records);
  if (call.op.verb == Verb::erase) owner_.gate.erase_ended(call.op.record.key, !call.failure);
  return --unanswered_ == 0;
}

void AsyncJob::all_of_many() noexcept {
  try {
    job().all_answered();
  } catch (...) {
    out_of_memory_ = true;
  }
  resume();
}

bool AsyncJob::write() {
  ticket_.unit = &job().unit();
  ticket_.beside = job().beside();
  ticket_.base = job().base();
  ticket_.deadline = deadline;
  ticket_.sending = ticket_.unit->returned_flash ? nullptr : &sending_;
  ticket_.context = this;
  ticket_.done = [](Ticket& ticket) noexcept {
    static_cast<AsyncJob*>(ticket.context)->write_answered();
  };
  self_ = shared_from_this();
  const auto keep = self_;
  turn_ = Turn::handing_over;
  owner_.gate.enter(ticket_);
  if (turn_.exchange(Turn::handed_over) != Turn::answered) return false;
  self_.reset();
  job().written(std::move(ticket_.newest));
  return true;
}

void AsyncJob::write_answered() noexcept {
  // Whoever comes second goes on: this answer, or the one who handed over.
  if (turn_.exchange(Turn::answered) == Turn::handing_over) return;
  try {
    job().written(std::move(ticket_.newest));
  } catch (...) {
    out_of_memory_ = true;
  }
  resume();
}

void AsyncJob::resume() {
  const auto keep = std::move(self_);
  if (advance()) finish(nullptr);
}

void AsyncJob::finish(bool* answered_here) noexcept {
  settle(answered_here);
  if (out_of_memory_) {
    forgotten();
  } else if (orphan_) {
    try {
      orphaned();
    } catch (...) {
      forgotten();
    }
  }
  owner_.remove(*this);
}

void AsyncJob::expire() noexcept {
  const bool unsent = sending_.give_up();
  Error error = late(unsent && !did_some_);
  job().tell_progress(error);
  Operation* operation = operation_;
  if (!operation || !operation_.compare_exchange_strong(operation, &expired)) return;
  owner_.core.answers = false;
  owner_.core.events.emit(event::timed_out, nullptr, error.text);
  static_cast<void>(answer(*operation, &error));
  complete(*operation);
}

namespace {

template <class Op>
bool refused_as(const char* why, bool too_much, Op& operation, Events& events) {
  if (!too_much) return false;
  operation.result = tl::unexpected(Error{Errc::overloaded, why});
  events.emit(event::turned_away, nullptr, why);
  return true;
}

bool too_many(const Spares& jobs) noexcept { return jobs.in_use() >= AsyncJobs::max_under_way; }

constexpr auto are_too_many = "too many operations are under way already";
constexpr auto are_too_large = "the commits under way take too much memory already";

}  // namespace

bool AsyncJobs::start(LoadOperation& operation, Deadline deadline) {
  return start_in<AsyncLoad>(loads_, operation, deadline, operation.request, operation.need);
}

bool AsyncJobs::start(CommitOperation& operation, Deadline deadline) {
  const auto others = bytes_.load(std::memory_order_relaxed);
  const bool too_large =
      others > 0 && others + SessionAccess::bytes(*operation.session) > max_bytes_under_way;
  return refused_as(are_too_many, too_many(commits_), operation, core.events) ||
         refused_as(are_too_large, too_large, operation, core.events) ||
         start_unbounded(operation, deadline);
}

bool AsyncJobs::start_unbounded(CommitOperation& operation, Deadline deadline) {
  const SpareAllocator<AsyncCommit> memory(commits_);
  const auto bytes = SessionAccess::bytes(*operation.session);
  auto session = SessionAccess::commit(*operation.session);
  return std::allocate_shared<AsyncCommit>(memory, *this, operation, deadline, bytes,
                                           std::move(session), operation.status >= failed_from)
      ->start();
}

template <class ItsJob, class Op, class... Arguments>
bool AsyncJobs::start_in(Spares& spares, Op& operation, Deadline deadline,
                         const Arguments&... arguments) {
  if (refused_as(are_too_many, too_many(spares), operation, core.events)) return true;
  const SpareAllocator<ItsJob> memory(spares);
  return std::allocate_shared<ItsJob>(memory, *this, operation, deadline, 0U, arguments...)
      ->start();
}

bool AsyncJobs::start(ListOperation& operation, Deadline deadline) {
  return start_in<AsyncList>(lists_, operation, deadline, operation.owner);
}

bool AsyncJobs::start(EndOperation& operation, Deadline deadline) {
  return start_in<AsyncEnd>(ends_, operation, deadline, operation);
}

void AsyncJobs::return_flash(std::shared_ptr<SessionState> session) {
  FlashReturn::start(*this, std::move(session));
}

void AsyncJobs::add(AsyncJob& job) {
  const auto deadline = job.deadline;
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = by_deadline_.empty() || deadline < by_deadline_.begin()->deadline;
    by_deadline_.insert(by_deadline_.end(), job);  // where nearly all of them belong
  }
  if (first) dispatch.wake_at(deadline);
}

void AsyncJobs::remove(AsyncJob& job) noexcept {
  const std::scoped_lock lock(mutex_);
  if (job.is_linked()) by_deadline_.erase(by_deadline_.iterator_to(job));
}

void AsyncJobs::expire(Deadline now) noexcept {
  const CompletionBatch batch;
  for (;;) {
    std::shared_ptr<AsyncJob> job;
    Deadline next{};
    {
      const std::scoped_lock lock(mutex_);
      if (by_deadline_.empty()) return;
      auto first = by_deadline_.begin();
      next = first->deadline;
      if (next <= now) {
        job = first->shared_from_this();
        by_deadline_.erase(first);
      }
    }
    if (!job) return dispatch.wake_at(next);
    job->expire();
  }
}

bool AsyncJobs::drain(Deadline until) noexcept {
  bool all = true;
  for (Spares* each : {&loads_, &lists_, &ends_, &commits_}) all &= each->wait_for_all(until);
  return all;
}

}  // namespace flame::inline v0::session
