#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include <flame/context.hpp>
#include <flame/session/error.hpp>
#include <flame/task.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

namespace detail {
struct Link;
struct [[gnu::visibility("hidden")]] NextAccess;
/// Runs the chain from this step on. Empty: it is done; otherwise there is something to wait for.
Task<> run_from(Context& context, const Step* step);
}  // namespace detail

/// The rest of the chain. `co_await next()` once, or not at all: then the answer is the
/// middleware's; where it has none either, that is a 500.
class Next {
 public:
  class [[nodiscard]] Call {
   public:
    Call(Context& context, const detail::Step* step) noexcept : context_(context), step_(step) {}
    [[nodiscard]] bool await_ready() {
      rest_ = detail::run_from(context_, step_);
      return rest_.await_ready();
    }
    bool await_suspend(std::coroutine_handle<> waiting) noexcept {
      return rest_.await_suspend(waiting);
    }
    void await_resume() { rest_.await_resume(); }

   private:
    Context& context_;
    const detail::Step* step_;
    Task<> rest_{};
  };

  Next(Context& context, const detail::Step* step) noexcept : context_(&context), step_(step) {}
  Call operator()() const noexcept { return {*context_, step_}; }

 private:
  friend struct detail::NextAccess;

  Context* context_;
  const detail::Step* step_;
};

/// A type that a Provider hands out; read_only: as const only.
struct Offer {
  const std::type_info* type = nullptr;
  bool read_only = false;
};
template <class T>
[[nodiscard]] Offer offer() noexcept {
  return {&typeid(T), std::is_const_v<T>};
}

/// What the handlers behind a Provider want, on one route, of one type that it offers.
struct Wanted {
  bool read = false;      ///< at all
  bool write = false;     ///< by T& or T*, not only by const
  bool required = false;  ///< by reference: without it those handlers cannot run
  std::uint16_t slot = 0;

  /// Hands out the object, which must live until next() is done; null is what a pointer then gets.
  void give(Context& context, const void* object) const noexcept;
};

/// A middleware that hands out objects which handlers ask for by type. It is only part of the
/// chains in which a handler behind it wants one of them. around() is called by many threads at
/// once.
class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual std::vector<Offer> offers() const = 0;
  /// At run() and start(), of each host that has it; the error is what they report.
  virtual session::Result<void> open() { return {}; }
  /// Once it is open: what no other provider of a host may have too, as it is told in the error of
  /// run() and start(). Empty: nothing.
  [[nodiscard]] virtual std::string claim() const { return {}; }
  /// As often as open(). After the last request: on a thread of its own, while the event loops
  /// still run what is posted.
  virtual void close() noexcept {}
  /// `wanted` has one entry for each offer, in that order. It gives what is wanted and awaits
  /// next(), once, or answers without: what is required and was not given must not be followed by
  /// next().
  virtual Task<> around(Context& context, std::span<const Wanted> wanted, Next next) = 0;
};

/// What Flame::use takes, beside functions: a Provider. A function is a handler that runs before,
/// or one with a parameter of type Next: Task<>(Context&, Next), that runs around what follows.
class Middleware {
 public:
  explicit Middleware(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {}
  [[nodiscard]] const std::shared_ptr<Provider>& provider() const noexcept { return provider_; }

  /// Of the library's own, which are no providers.
  explicit Middleware(std::shared_ptr<const detail::Link> link) : link_(std::move(link)) {}
  [[nodiscard]] const std::shared_ptr<const detail::Link>& link() const noexcept { return link_; }

 private:
  std::shared_ptr<Provider> provider_{};
  std::shared_ptr<const detail::Link> link_{};
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
