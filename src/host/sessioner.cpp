#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/adapter.hpp>
#include <flame/session/metrics.hpp>
#include <flame/sessioner.hpp>

#include "access.hpp"
#include "loop.hpp"
#include "peer.hpp"
#include "text.hpp"

namespace flame::inline v0::session {
namespace {

std::vector<std::string_view> values_of(const Request& request, std::string_view name) {
  std::vector<std::string_view> values;
  if (name.empty()) return values;
  for (const auto& field : request.fields()) {
    if (flame::detail::same_name(field.name, name)) values.push_back(field.value);
  }
  return values;
}

void add_fields(Response& response, const ResponseFields& added) {
  for (const auto& [name, value] : added.fields) {
    if (adapter::replaces(name)) {
      response.set(name, value);
    } else {
      response.append(name, value);
    }
  }
}

void answer_error(Context& context, const Error& error) {
  const auto answer = adapter::error_response(error);
  Response response(answer.status, std::string(answer.body));
  add_fields(response, answer.fields);
  context.response() = Response();
  context.answer(std::move(response));
}

/// The parts of a request that a RequestView views.
struct Fields {
  std::vector<std::string_view> cookies, ids, purposes{};

  Fields(const Request& request, std::string_view id_header)
      : cookies(values_of(request, "Cookie")), ids(values_of(request, id_header)) {
    for (const auto name : adapter::purpose_fields)
      for (const auto value : values_of(request, name)) purposes.push_back(value);
  }
};

/// Operations on a Manager of the application's: they hold on to the event loops, and so close()
/// waits.
class UnderWay {
 public:
  /// False: no operation may start any more. leave() in any case.
  bool enter() noexcept {
    count_.fetch_add(1);
    return open_.load();
  }
  void leave() noexcept {
    count_.fetch_sub(1);
    count_.notify_all();
  }
  void open() noexcept { open_ = true; }
  void close() noexcept {
    open_ = false;
    for (auto left = count_.load(); left != 0; left = count_.load()) count_.wait(left);
  }

 private:
  std::atomic<bool> open_{false};
  std::atomic<int> count_{0};
};

/// Await, counted where there is something to count.
template <class Op>
class Running : public Await<Op> {
 public:
  Running(Manager& manager, UnderWay* count, Op operation)
      : Await<Op>(manager, std::move(operation)), count_(count) {}
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    if (count_ != nullptr && !count_->enter()) {
      this->result = tl::unexpected(Error{Errc::stopped, "the host has stopped"});
      return false;
    }
    return Await<Op>::await_suspend(waiting);
  }
  auto await_resume() {
    if (count_ != nullptr) count_->leave();
    return Await<Op>::await_resume();
  }

 private:
  UnderWay* count_;
};

class Sessioner final : public Provider {
 public:
  explicit Sessioner(Options options) : options_(std::move(options)) {}
  explicit Sessioner(Manager& manager) noexcept : manager_(&manager) {}

  std::vector<Offer> offers() const override {
    return {offer<Session>(), offer<const Flash>(), offer<Manager>()};
  }

  Result<void> open() override {
    under_way_.open();
    if (!options_) return {};
    own_ = std::make_unique<Manager>(*options_);
    manager_ = own_.get();
    return own_->open();
  }

  void close() noexcept override {
    if (own_) own_->stop();
    under_way_.close();
  }

  Task<> around(Context& context, std::span<const Wanted> wanted, Next next) override {
    const Wanted &session = wanted[0], &flash = wanted[1], &manager = wanted[2];
    manager.give(context, manager_);
    const auto need = adapter::need(session.read, session.write, flash.read);
    if (!need) {
      co_await next();
      co_return;
    }
    const Fields fields(context.request(), manager_->options().id_header);
    Running<LoadOperation> loading(*manager_, count(), load_of(context, fields, *need));
    auto loaded = co_await loading;
    if (!loaded) {
      if (session.required || flash.required) co_return answer_error(context, loaded.error());
      co_await next();
      add_fields(context.response(), adapter::unsaved_fields());
      co_return;
    }

    session.give(context, &*loaded);
    flash.give(context, &std::as_const(loading.flash));
    std::exception_ptr thrown;
    try {
      co_await next();
    } catch (...) {
      thrown = std::current_exception();
    }

    Running<CommitOperation> committing(*manager_, count(),
                                        commit_of(context, *loaded, thrown != nullptr));
    const auto committed = co_await committing;
    if (committed) {
      add_fields(context.response(), *committed);
    } else if (committing.status < 500) {
      answer_error(context, committed.error());
    } else {
      add_fields(context.response(), adapter::unsaved_fields());
    }
    if (thrown) std::rethrow_exception(thrown);
  }

 private:
  /// A Manager of our own waits itself, in stop().
  UnderWay* count() noexcept { return own_ ? nullptr : &under_way_; }

  static LoadOperation load_of(Context& context, const Fields& fields, Need need) {
    const auto& request = context.request();
    LoadOperation load;
    load.executor = ContextAccess::loop(context);
    load.need = need;
    load.request = {.cookie_lines = fields.cookies,
                    .id_headers = fields.ids,
                    .from_this_host = request.from_this_host(),
                    .method = request.method_name(),
                    .purposes = fields.purposes,
                    .peer = flame::detail::client_of(request)};
    return load;
  }

  static CommitOperation commit_of(Context& context, Session& session, bool thrown) {
    CommitOperation commit;
    commit.executor = ContextAccess::loop(context);
    commit.session = &session;
    commit.status = thrown ? 500 : context.response().status();
    return commit;
  }

  std::optional<Options> options_{};  // of a Manager of its own
  std::unique_ptr<Manager> own_{};
  Manager* manager_ = nullptr;
  UnderWay under_way_{};
};

}  // namespace

Middleware sessioner(Options options) {
  return Middleware(std::make_shared<Sessioner>(std::move(options)));
}

Middleware sessioner_on(Manager& manager) {
  return Middleware(std::make_shared<Sessioner>(manager));
}

Response metrics(Manager& manager) {
  Response response(prometheus_text(manager));
  response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace flame::inline v0::session
