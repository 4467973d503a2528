#pragma once

#if __cplusplus < 202002L
#error "flame-session needs C++20: compile with -std=c++20, or newer"
#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <flame/context.hpp>
#include <flame/handler.hpp>
#include <flame/http_error.hpp>
#include <flame/middleware.hpp>
#include <flame/request.hpp>
#include <flame/response.hpp>
#include <flame/session/error.hpp>
#include <flame/stream.hpp>
#include <flame/task.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// By which fields proxies tell of a client; the others are never read.
enum class ProxyFields : std::uint8_t {
  x_forwarded,  ///< X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host
  forwarded     ///< Forwarded (RFC 7239)
};

/// Where and how a Flame serves. run() and start() check them.
struct HostOptions {
  std::string address{};               ///< host:port; empty: $FLAME_ADDR, or else 127.0.0.1:2830
  std::size_t threads = 0;             ///< event loops; 0: one for each processor
  std::size_t blocking_threads = 16;   ///< at most, for handlers in blocking()
  std::size_t blocking_waiting = 256;  ///< that wait for one of these threads; 503 above
  std::size_t max_head = 16'384;       ///< bytes of request line and fields; 431 above
  std::size_t max_fields = 100;        ///< 431 above
  std::size_t max_body = std::size_t{1} << 20;      ///< bytes; 413 above
  std::size_t max_bodies = std::size_t{256} << 20;  ///< bytes of all bodies together; 503 above
  /// At once; fewer where `ulimit -n` says so, whose soft limit start() raises as far as it may,
  /// less a reserve for files and stores. At the bound the longest idle one of the thread
  /// that accepts is closed; 503 where it has none.
  std::size_t max_connections = 10'000;
  /// Of one address, or IPv6 network of 64 bits. 0: a quarter of all for a public address; a
  /// private one may be a proxy that all visitors come through.
  std::size_t max_per_address = 0;
  std::chrono::milliseconds head_time{3'000};    ///< from its first byte to its last; 408 after
  std::chrono::milliseconds body_time{30'000};   ///< below min_rate; 408 after
  std::chrono::milliseconds idle_time{75'000};   ///< between requests; closed after
  std::chrono::milliseconds write_time{10'000};  ///< an answer below min_rate; cut after
  std::size_t min_rate = 1'024;  ///< bytes a second, of bodies and answers over the times above
  /// Addresses and networks of proxies, such as `10.0.0.0/8` or `2001:db8::1`. What they tell of
  /// a client is taken for Request::peer(), secure() and host(), and so for the log and the limits
  /// of new sessions; what others tell never is. Each of them must set these fields itself, or
  /// remove what a client sent: of addresses the last one counts that no trusted proxy has, of all
  /// else the last word, and what cannot be read ends the chain. max_per_address does not hold for
  /// them.
  std::vector<std::string> trusted_proxies{};
  ProxyFields proxy_fields = ProxyFields::x_forwarded;
  /// For the requests under way when it stops; below the 10 s that containers are granted.
  std::chrono::milliseconds drain_time{5'000};
};

/// Makes the page for an error that the host answers itself; `text` says what is wrong in a few
/// words that are no secret.
using ErrorPage = std::function<Response(const Context&, int status, std::string_view text)>;

/// A web server. Nothing before run() and start() throws for what is wrong with a route or an
/// option: these report it. Set it up in one thread, before it starts.
class Flame {
 public:
  explicit Flame(HostOptions options = {});
  Flame(Flame&&) noexcept;
  Flame& operator=(Flame&&) = delete;
  ~Flame();  ///< stop()

  /// Paths are made of segments, spelled decoded: `/users/{name}/edit`; `{name}` matches any one
  /// that is not empty, and `{**}` at the end all that is left. A fixed segment wins over `{name}`,
  /// that over `{**}`; two routes of one method that match the same paths are an error. Handlers
  /// run in order until one has a result (handler.hpp). Where a path has no route for them, HEAD is
  /// answered by that of GET, without the body, OPTIONS by 204 and `Allow`, other methods by 405
  /// and `Allow`; for the latter two and for 404 only what is used outside of groups runs.
  /// While this runs, whatever adds to it throws std::logic_error.
  template <class... H>
  void get(std::string_view path, H&&... handlers) {
    route(Method::get, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void post(std::string_view path, H&&... handlers) {
    route(Method::post, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void put(std::string_view path, H&&... handlers) {
    route(Method::put, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void patch(std::string_view path, H&&... handlers) {
    route(Method::patch, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void del(std::string_view path, H&&... handlers) {
    route(Method::del, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void head(std::string_view path, H&&... handlers) {
    route(Method::head, path, std::forward<H>(handlers)...);
  }
  template <class... H>
  void options(std::string_view path, H&&... handlers) {
    route(Method::options, path, std::forward<H>(handlers)...);
  }
  /// Whatever the method, where the path has no route for that one.
  template <class... H>
  void any(std::string_view path, H&&... handlers) {
    route(Method::other, path, std::forward<H>(handlers)...);
  }

  /// The routes that define() adds get this prefix, and before their own handlers these and what
  /// define() calls use() with, in that order; so do groups within. `"/"` within is the prefix
  /// itself, with and without a slash at its end, `""` the latter alone; a prefix of either adds
  /// nothing to the paths.
  template <class Define, class... H>
  void group(std::string_view prefix, Define&& define, H&&... handlers) {
    static_assert(
        std::is_invocable_v<Define&>,
        "f.group(prefix, define, handlers...): first the function without parameters that "
        "adds the group's routes, then what guards them");
    if constexpr (std::is_invocable_v<Define&>) {
      begin_group(prefix, detail::links_of(std::forward<H>(handlers)...));
      const GroupEnd end{*this};
      define();
    }
  }

  /// Handlers and middleware for every request, or in a group for each of its routes, in order of
  /// use, before those of the routes; also for those that were added before, so that a guard holds
  /// for all.
  template <class... H>
  void use(H&&... middleware) {
    add_middleware(detail::links_of(std::forward<H>(middleware)...));
  }
  /// What answers where no route does, with status 404 unless it sets another.
  template <class... H>
  void not_found(H&&... handlers) {
    set_not_found(detail::links_of(std::forward<H>(handlers)...));
  }

  /// What makes the body where the host itself answers 4xx or 5xx: no route, another method, a body
  /// too large, an exception, the store down. Status and fields stay, but for those that the page
  /// has, and what a handler answers is left alone. Called by many threads at once, when all
  /// handlers are done; not for malformed requests. Where it throws the text is sent.
  void on_error(ErrorPage page);

  /// A service: handlers that ask for T& (or T*) get this object, on many threads at once.
  template <class T>
  void map(std::shared_ptr<T> service) {
    T* object = service.get();
    add_service(offer<T>(), const_cast<std::remove_const_t<T>*>(object), std::move(service));
  }
  /// The same; it must outlive this.
  template <class T>
  void map(T& service) {
    add_service(offer<T>(), const_cast<std::remove_const_t<T>*>(&service), nullptr);
  }

  /// Serves until SIGINT, SIGTERM or stop(): what has arrived is answered, and it returns. What
  /// takes longer than HostOptions::drain_time, or is under way at a second signal, is cut: a line
  /// on stderr names its route, and the process exits with status 1, whatever handlers do (2 s
  /// later at most). A signal that comes once all requests are over, while providers close, ends
  /// the process as the system does. std::exit(), anywhere, is stop() first, on whatever serves:
  /// what is older than the start is not destroyed before that, by up to 64 threads that exit at
  /// once. What is wrong at the start is printed there too, a line each, with status 1. That it is
  /// running already, and was not stopped, is one of these errors.
  void run();
  /// The same without signals and exit: returns once it listens, or with the lines that run() would
  /// print.
  session::Result<void> start();
  /// Ends it as the first signal does, and returns then; at once when called by a handler. Handlers
  /// that do not end are left behind, with the memory they need. Any thread.
  void stop() noexcept;
  /// Where it listens, as host:port, port 0 resolved; empty before start().
  [[nodiscard]] std::string address() const;

 private:
  friend class TestClient;
  friend Flame classic(HostOptions options);
  struct [[gnu::visibility("hidden")]] Impl;
  struct GroupEnd {
    Flame& host;
    ~GroupEnd() { host.end_group(); }
  };

  template <class... H>
  void route(Method method, std::string_view path, H&&... handlers) {
    static_assert(sizeof...(H) > 0, "a route needs a handler");
    add_route(method, path, detail::links_of(std::forward<H>(handlers)...));
  }
  void add_route(Method method, std::string_view path, std::vector<detail::Link> links);
  void add_middleware(std::vector<detail::Link> links);
  void set_not_found(std::vector<detail::Link> links);
  void begin_group(std::string_view prefix, std::vector<detail::Link> links);
  void end_group() noexcept;
  void add_service(Offer offer, void* object, std::shared_ptr<const void> owner);

  std::unique_ptr<Impl> impl_;
};

/// A Flame with a line per request on stdout, also of those that the host refuses, and with the
/// files of the folder `public`, if there is one, before any route (static_files.hpp). run() tells
/// which folder that is.
[[nodiscard]] Flame classic(HostOptions options = {});

}  // namespace flame::inline v0

#pragma GCC visibility pop
