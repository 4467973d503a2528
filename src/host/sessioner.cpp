#include <coroutine>
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
#include "own_cookie.hpp"
#include "text.hpp"
#include "token_check.hpp"

namespace flame::inline v0::session {
namespace {

using adapter::CountedAwait;

/// One request, as all adapters see it.
struct HostRequest {
  Context& context;

  void gather(adapter::RequestFields& fields) const {
    for (const auto& field : context.request().fields()) fields.add(field.name, field.value);
  }
  void describe(RequestView& view) const {
    const auto& request = context.request();
    view.secure = request.secure();
    view.method = request.method_name();
    if (!RequestAccess::is_of_a_proxy(request)) view.peer = request.peer();
  }
  Executor* executor() const { return ContextAccess::loop(context); }

  void set(std::string_view name, std::string_view value) {
    ContextAccess::set_own(context, name, value);
  }
  void append(std::string_view name, std::string_view value) {
    ContextAccess::append_own(context, name, value);
  }
  void begin(int status, std::string_view body) {
    context.response() = Response();
    context.answer(ResponseAccess::error(status, body.substr(0, body.find('\n'))));
  }
};

/// The rest of the chain, whose answer is looked at while nothing of it is saved.
class [[nodiscard]] CheckedCall {
 public:
  CheckedCall(const Context& context, std::string_view cookie, Next next)
      : context_(context), cookie_(cookie), call_(next()) {}
  [[nodiscard]] bool await_ready() { return call_.await_ready(); }
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    return call_.await_suspend(waiting);
  }
  void await_resume() {
    call_.await_resume();
    flame::detail::check_cookies(context_, context_.response(), cookie_);
  }

 private:
  const Context& context_;
  std::string_view cookie_;
  Next::Call call_;
};

/// … and its handlers, which the rest of the chain is.
struct HostExchange : HostRequest {
  const Wanted &session, &flash;
  Next next;
  std::string_view cookie;

  CheckedCall handle(Session* loaded, const Flash* claimed) {
    if (loaded != nullptr) session.give(context, loaded), flash.give(context, claimed);
    return {context, cookie, next};
  }
  int status() const noexcept { return context.response().status(); }
  void unsaved(const Error& error) const {
    std::string line(ContextAccess::route(context)->name);
    line.append(": the session was not saved: ").append(error.text);
    flame::detail::log_error(line);
  }
  void finish(const std::exception_ptr& thrown) const {
    if (thrown) std::rethrow_exception(thrown);
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

class Sessioner final : public Provider, public TokenCheck, public flame::detail::CookieOwner {
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
    return "the cookie " + manager_->cookie_name() + " of path " + manager_->options().cookie.path +
           ": give one of them another cookie.name or cookie.path, or f.use(...) one for all";
  }

  std::string_view cookie_name() const noexcept override { return manager_->cookie_name(); }

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
    if (!need) return flame::detail::NextAccess::run(next);
    return adapter::serve_in<Task<>>(
        *manager_, count(), {need, session.required || flash.required},
        std::optional(HostExchange{{context}, session, flash, next, cookie_name()}));
  }

  Task<Answer> check_token(Context& context) const override {
    HostRequest request{context};
    adapter::RequestFields fields(*manager_);
    request.gather(fields);
    CountedAwait<LoadOperation> loading(*manager_, count());
    loading.request = fields.view();
    request.describe(loading.request);
    loading.executor = request.executor();
    auto loaded = co_await loading;
    if (!loaded) {
      adapter::settle_failed_load(request, loaded.error(), true);
      co_return Answer::unknown;
    }
    if (!loaded->exists()) co_return Answer::no_session;
    adapter::add_fields(request, adapter::unsaved_fields());
    auto brought = std::string(context.request().field("X-CSRF-Token"));
    if (brought.empty()) brought = context.form("csrf_token").value_or(std::string());
    co_return same_token(brought, loaded->csrf_token()) ? Answer::right : Answer::wrong;
  }

 private:
  Result<void> open_first() {
    under_way_.open();
    if (!options_) return manager_->open();
    // Handlers of a host that were left behind may still refer to the one before.
    if (own_) replaced_.push_back(std::move(own_));
    own_ = std::make_unique<Manager>(*options_, environment_);
    manager_ = own_.get();
    return own_->open();
  }

  /// A Manager of our own waits itself, in stop().
  adapter::UnderWay* count() const noexcept { return own_ ? nullptr : &under_way_; }

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
