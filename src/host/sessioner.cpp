#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/adapter.hpp>
#include <flame/session/metrics.hpp>
#include <flame/sessioner.hpp>

#include "access.hpp"
#include "chain.hpp"
#include "loop.hpp"
#include "peer.hpp"
#include "text.hpp"
#include "token_check.hpp"

namespace flame::inline v0::session {
namespace {

using adapter::CountedAwait;

/// What an adapter writes, on the host's response.
struct Writer {
  Context& context;

  void set(std::string_view name, std::string_view value) { context.response().set(name, value); }
  void append(std::string_view name, std::string_view value) {
    context.response().append(name, value);
  }
  void begin(int status, std::string_view body) {
    context.response() = Response();
    context.answer(ResponseAccess::error(status, body.substr(0, body.find('\n'))));
  }
};

/// In a time that does not tell how much of it was right.
bool same_token(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

class Sessioner final : public Provider, public TokenCheck {
 public:
  Sessioner(Options options, Environment environment)
      : options_(std::move(options)), environment_(environment) {}
  explicit Sessioner(Manager& manager) noexcept : manager_(&manager) {}

  std::vector<Offer> offers() const override {
    return {offer<Session>(), offer<const Flash>(), offer<Manager>(), offer<const TokenCheck>()};
  }

  Result<void> open() override {
    const std::scoped_lock lock(mutex_);
    if (hosts_ == 0) {
      if (auto opened = open_first(); !opened) return opened;
    }
    ++hosts_;
    return {};
  }

  std::string claim() const override {
    const auto& cookie = manager_->options().cookie;
    return "the cookie " + cookie.name + " of path " + cookie.path +
           ": give one of them another cookie.name or cookie.path, or f.use(...) one for all";
  }

  void close() noexcept override {
    const std::scoped_lock lock(mutex_);
    if (--hosts_ > 0) return;
    if (own_) own_->stop();
    // What still is after their deadlines is answered on loops that were left behind.
    else
      static_cast<void>(
          under_way_.close(2 * manager_->options().deadline + std::chrono::seconds(1)));
  }

  Task<> around(Context& context, std::span<const Wanted> wanted, Next next) override {
    const Wanted &session = wanted[0], &flash = wanted[1];
    wanted[2].give(context, manager_);
    wanted[3].give(context, static_cast<const TokenCheck*>(this));
    const auto need = adapter::need(session.read || flash.read, session.write,
                                    flash.read && ContextAccess::route(context)->is_page);
    return need ? load_and_commit(context, session, flash, *need, next)
                : flame::detail::NextAccess::run(next);
  }

  Task<Answer> check_token(Context& context) const override {
    adapter::RequestFields fields(*manager_);
    gather(context, fields);
    CountedAwait<LoadOperation> loading(*manager_, count(), load_of(context, fields, Need::read));
    auto loaded = co_await loading;
    Writer writer{context};
    if (!loaded) {
      adapter::settle_failed_load(writer, loaded.error(), true);
      co_return Answer::unknown;
    }
    if (!loaded->exists()) co_return Answer::no_session;
    adapter::add_fields(writer, adapter::unsaved_fields());
    auto brought = std::string(context.request().field("X-CSRF-Token"));
    if (brought.empty()) brought = context.form("csrf_token").value_or(std::string());
    co_return same_token(brought, loaded->csrf_token()) ? Answer::right : Answer::wrong;
  }

 private:
  Task<> load_and_commit(Context& context, const Wanted& session, const Wanted& flash, Need need,
                         Next next) {
    Writer writer{context};
    adapter::RequestFields fields(*manager_);
    gather(context, fields);
    CountedAwait<LoadOperation> loading(*manager_, count(), load_of(context, fields, need));
    auto loaded = co_await loading;
    if (!loaded) {
      const bool required = session.required || flash.required;
      if (!required) co_await next();
      adapter::settle_failed_load(writer, loaded.error(), required);
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

    CountedAwait<CommitOperation> committing(*manager_, count(),
                                             commit_of(context, *loaded, thrown != nullptr));
    const auto committed = co_await committing;
    adapter::settle_commit(writer, committed, committing.status);
    if (!committed) tell(context, committed.error());
    if (thrown) std::rethrow_exception(thrown);
  }

  Result<void> open_first() {
    under_way_.open();
    if (!options_) return {};
    // Handlers of a host that were left behind may still refer to the one before.
    if (own_) replaced_.push_back(std::move(own_));
    own_ = std::make_unique<Manager>(*options_, environment_);
    manager_ = own_.get();
    return own_->open();
  }

  /// A Manager of our own waits itself, in stop().
  adapter::UnderWay* count() const noexcept { return own_ ? nullptr : &under_way_; }

  static void tell(Context& context, const Error& error) {
    std::string line(ContextAccess::route(context)->name);
    line.append(": the session was not saved: ").append(error.text);
    flame::detail::log_error(line);
  }

  static void gather(const Context& context, adapter::RequestFields& fields) {
    for (const auto& field : context.request().fields()) fields.add(field.name, field.value);
  }

  static LoadOperation load_of(Context& context, const adapter::RequestFields& fields, Need need) {
    const auto& request = context.request();
    LoadOperation load;
    load.executor = ContextAccess::loop(context);
    load.need = need;
    load.request = fields.view();
    load.request.from_this_host = request.from_this_host();
    load.request.secure = request.secure();
    load.request.method = request.method_name();
    load.request.peer = flame::detail::client_of(request);
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
  Environment environment_{};
  std::unique_ptr<Manager> own_{};
  std::vector<std::unique_ptr<Manager>> replaced_{};  // stopped
  Manager* manager_ = nullptr;
  mutable adapter::UnderWay under_way_{};
  std::mutex mutex_{};
  std::size_t hosts_ = 0;  // that have it open: a public and an admin port, say
};

}  // namespace

Middleware sessioner(Options options, Environment environment) {
  return Middleware(std::make_shared<Sessioner>(std::move(options), environment));
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
