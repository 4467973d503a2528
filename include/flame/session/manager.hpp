#pragma once

#if __cplusplus < 202002L
#error "flame-session needs C++20: compile with -std=c++20, or newer"
#endif

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/cookie.hpp>
#include <flame/session/environment.hpp>
#include <flame/session/error.hpp>
#include <flame/session/option_store.hpp>
#include <flame/session/peer.hpp>
#include <flame/session/session.hpp>
#include <flame/session/store.hpp>
#include <flame/session/store_counters.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// The cookie that carries the ID: Secure, HttpOnly, and named with the strictest prefix that fits:
/// `__Host-`, or `__Secure-` with a domain or another path (draft-ietf-httpbis-rfc6265bis, 4.1.3).
struct CookieOptions {
  std::string name =
      "session";  ///< an RFC 9110 token; the prefix is put before it unless it has one
  std::string path = "/";
  std::string domain{};  ///< empty: this host only
  SameSite same_site = SameSite::lax;
  bool partitioned = false;  ///< within a frame of another site: a cookie jar for each such site
  bool plain_http = false;   ///< for plain http, in development: neither Secure nor a prefix
  bool persistent = false;   ///< Max-Age: what is left of the absolute timeout (at most 400 days);
                             ///< of one login: Login::persistent
};

/// What happened to a session, or to the store. Names are listed in namespace event; key and text
/// are valid during the call.
struct Event {
  std::string_view name{};
  const SessionKey* key = nullptr;  ///< null: of no one session
  std::string_view text{};          ///< holds no ID, secret or value
};
namespace event {
inline constexpr std::string_view created = "created";
inline constexpr std::string_view renewed = "renewed";      ///< a new ID: regenerate, or a login
inline constexpr std::string_view destroyed = "destroyed";  ///< by Session::destroy
inline constexpr std::string_view expired = "expired";
inline constexpr std::string_view dropped =
    "dropped";  ///< changes of a session that had ended meanwhile
inline constexpr std::string_view id_rejected = "id_rejected";  ///< made-up, ended or superseded
inline constexpr std::string_view dup_cookie =
    "dup_cookie";  ///< one request brought IDs of two live sessions, or more IDs than two
inline constexpr std::string_view decode_failed =
    "decode_failed";                                          ///< a record that cannot be read
inline constexpr std::string_view store_down = "store_down";  ///< again for each further reason
inline constexpr std::string_view store_up = "store_up";
inline constexpr std::string_view store_full = "store_full";
inline constexpr std::string_view store_refused =
    "store_refused";  ///< one operation, for want of rights or space, or since what was applied may
                      ///< not last: the text says which
inline constexpr std::string_view store_warning =
    "store_warning";  ///< the store works, but not as its README promises: the text says why
inline constexpr std::string_view turned_away =
    "turned_away";  ///< an operation was refused at once: too much was waiting
inline constexpr std::string_view timed_out =
    "timed_out";  ///< an operation met its deadline: the store is too slow for what is asked of it
inline constexpr std::string_view store_stuck =
    "store_stuck";  ///< stop() left a thread behind that hangs in the store
inline constexpr std::string_view sweep_failed = "sweep_failed";  ///< expired records stay for now
inline constexpr std::string_view flash_lost =
    "flash_lost";  ///< a claimed message could not be put back, or perhaps was claimed
inline constexpr std::string_view creation_refused =
    "creation_refused";  ///< a visitor's session, by Options::max_created_per_second
inline constexpr std::string_view cookie_at_risk =
    "cookie_at_risk";  ///< Secure cookie over plain http, unless a TLS proxy is in front
inline constexpr std::string_view failed =
    "failed";  ///< a load, a commit, list() or an end, or what was to follow a login: the text says
               ///< why
inline constexpr std::string_view events_lost =
    "events_lost";  ///< more came than on_event kept up with: the text says how many
inline constexpr std::array all{
    created,          renewed,        destroyed,  expired,     dropped,      id_rejected,
    dup_cookie,       decode_failed,  store_down, store_up,    store_full,   store_refused,
    store_warning,    turned_away,    timed_out,  store_stuck, sweep_failed, flash_lost,
    creation_refused, cookie_at_risk, failed,     events_lost};
}  // namespace event

/// How often an event came.
struct EventCount {
  std::string_view name{};
  std::uint64_t count = 0;
};

/// At Options::max_sessions_per_owner. Where several sign in at once, those above the limit are
/// ended right after their login: by end_oldest those whose login was first, by refuse those whose
/// was last, which get Errc::too_many_sessions unless answered by then. Where the store fails after
/// a login was saved (an event), or over 1024 are above the limit, the next logins that are not
/// refused end the rest.
enum class AtOwnerLimit : std::uint8_t { end_oldest, refuse };

/// Setting one option resets no other. open() checks them.
struct Options {
  OptionStore store{};  ///< null: a memory store of its own
  CookieOptions cookie{};
  std::string id_header{};  ///< not empty: the ID travels in this header too, both ways
  std::string
      application{};  ///< at most 64 bytes, without NUL: goes into every verifier and before every
                      ///< owner, so that two applications on one store cannot meet
  OptionSeconds idle_timeout = std::chrono::minutes(30);  ///< at most absolute_timeout
  OptionSeconds absolute_timeout = std::chrono::hours(12);
  /// The most that a login may ask for (Login), and has, whatever it asked for once: this,
  /// or absolute_timeout where that is longer.
  OptionSeconds longest_login = std::chrono::hours(400 * 24);
  OptionMilliseconds deadline = std::chrono::seconds(2);  ///< of one load or commit
  std::size_t max_bytes = 64 * 1024;  ///< of one session's keys and values, as encoded
  /// Sessions without an owner that may begin in this process each second, at most 1'000'000; 0:
  /// any number. More are refused (503), so that a flood neither drives out who is here nor
  /// fills the disk. Unset: as many as StoreTraits::max_sessions holds for an idle timeout, or
  /// 10'000 where the store has no such bound. One address (RequestView::peer) may begin a tenth
  /// of it, at least 1 each second and 5 at once, so that it does not turn all others away; one of
  /// this host or a private network all of it, for many may come through it. Where a proxy with a
  /// public address brings all visitors, choose ten times the number, or 0.
  std::optional<std::size_t> max_created_per_second{};
  /// Sessions that one owner may have at the same time; 0: any number.
  std::size_t max_sessions_per_owner = 0;
  /// What a login does that would be one too many.
  AtOwnerLimit at_owner_limit = AtOwnerLimit::end_oldest;
  /// Called on one thread of the Manager's (each process of a fork() has its own); must not throw;
  /// may call the Manager but not stop or destroy it. It holds up nobody: where it takes too long,
  /// events wait, and what finds too many of them is lost. Null: a line each on stderr, at most ten
  /// of a name each second.
  std::function<void(const Event&)> on_event{};
};

/// What a handler will do with the session: read it, change it, take the flash message.
enum class Need : std::uint8_t { read = 1, write = 2, flash = 4 };
[[nodiscard]] constexpr Need operator|(Need a, Need b) noexcept {
  return static_cast<Need>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool has(Need set, Need one) noexcept {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(one)) != 0;
}

/// What the library needs of a request. Read during start() only. What an adapter leaves out is
/// taken for what is safe, not for what is usual.
struct RequestView {
  std::span<const std::string_view> cookie_lines{};  ///< the values of all Cookie fields, undecoded
  /// Instead of the lines, from a framework that has none: names and values of all pairs.
  std::span<const std::pair<std::string_view, std::string_view>> cookies{};
  /// The values of all fields that Options::id_header names.
  std::span<const std::string_view> id_headers{};
  bool secure = false;  ///< over TLS, as seen by this process or a trusted proxy
  /// HEAD, and one that is not told, leaves a flash message where it is.
  std::string_view method{};
  /// The values of all fields that adapter::purpose_fields name: what is fetched ahead, or for an
  /// image, a script, a style or a font, leaves it, too.
  std::span<const std::string_view> purposes{};
  /// The client: the connection's other end, or whom a trusted proxy tells. Empty where it is not
  /// known, or is one that many visitors come by: a proxy.
  Peer peer{};
};

/// Header fields to add to the response. Cache-Control replaces one that is there; others are
/// appended. The names live as long as the Manager.
struct ResponseFields {
  std::vector<std::pair<std::string_view, std::string>> fields{};
};

struct Operation;

/// Where completions go, as one list per batch: an event loop, say, which then calls each done().
/// post() is called on any thread, also on those that serve all others: it must not wait. It
/// outlives what was started with it, until that is done: an event loop that ends first waits for
/// its operations, or stops the Manager, which answers them all.
struct Executor {
  virtual void post(Operation* list) noexcept = 0;

 protected:
  ~Executor() = default;
};

/// The caller's own, unmoved until done. Never cancelled: its deadline ends it.
struct Operation {
  void (*done)(Operation&) noexcept = nullptr;
  void* context = nullptr;
  Executor* executor = nullptr;  ///< required: null is Errc::misuse. Outlives the operation
  Deadline deadline{};           ///< unset: Options::deadline from now
  Operation* next = nullptr;     ///< the list that an Executor walks
};

struct LoadOperation : Operation {
  RequestView request{};
  Need need = Need::read;
  std::optional<Result<Session>> result{};
  Flash flash{};  ///< what was claimed, where `need` has Need::flash
};

struct CommitOperation : Operation {
  Session* session = nullptr;  ///< required; may go before the operation is done. Committed
                               ///< once, by the Manager that loaded it: again, by another one, or
                               ///< once it was moved from, is Errc::misuse
  /// Of the handler's response; where it threw, 500. From 500 on nothing is saved, and a claimed
  /// flash message goes back.
  int status = 200;
  std::optional<Result<ResponseFields>> result{};
};

/// One session of an owner's.
struct OwnedSession {
  SessionKey key{};     ///< Session::key() of the session itself
  std::string label{};  ///< Login::label
  TimePoint created_at{}, last_seen{}, expires_at{};
};

struct ListOperation : Operation {
  std::string owner{};
  std::optional<Result<std::vector<OwnedSession>>> result{};
};

/// Whose sessions an EndOperation ends, where it names no key.
enum class EndWhose : std::uint8_t {
  owners,    ///< those of EndOperation::owner; of an empty one nobody's
  everyones  ///< all of the application's, whoever's; an owner or a key beside it is Errc::misuse
};

struct EndOperation : Operation {
  std::optional<SessionKey> key{};  ///< this one alone; unset: by `whose`
  EndWhose whose = EndWhose::owners;
  std::string owner{};
  std::optional<SessionKey> except{};           ///< of several this one stays
  std::optional<Result<std::size_t>> result{};  ///< how many were ended
};

/// What a host or an adapter calls: load before the handler, commit after it and before the first
/// byte of the response. Any thread.
class Manager {
 public:
  explicit Manager(Options options, Environment environment = {});
  ~Manager();  ///< stop(): not from a callback
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Checks options and store. A store that is down for now is no error: an event, and 503 until it
  /// is up.
  [[nodiscard]] Result<void> open();
  /// Answers all that a store that blocks has under way, within about `bound`: half of it for what
  /// can still be done; then what waits is refused, and what is in the store is aborted. A thread
  /// that hangs there all the same is left behind with its connection and its memory, and the error
  /// says so. A function given to update(), or an Executor::post(), that does not return is waited
  /// for, however long it takes. What other threads have begun on a store that never blocks is
  /// theirs to end first. Events that wait are told; an on_event that does not return keeps its
  /// thread. Every operation after that ends with Errc::stopped. Final. From a callback of the
  /// Manager's it is an error, and nothing is stopped: it would wait for itself.
  Result<void> stop(std::chrono::milliseconds bound = default_stop_bound) noexcept;
  static constexpr std::chrono::milliseconds default_stop_bound{4000};

  /// True: complete now, and done() is not called (a memory store: always). False: done() will be.
  bool start(LoadOperation& operation) noexcept;
  bool start(CommitOperation& operation) noexcept;
  bool start(ListOperation& operation) noexcept;
  bool start(EndOperation& operation) noexcept;

  /// The same, blocking; within a done() only where its executor's thread may wait.
  [[nodiscard]] Result<Session> load(const RequestView& request, Need need);
  /// With Need::flash, too.
  [[nodiscard]] Result<Session> load(const RequestView& request, Need need, Flash& flash);
  [[nodiscard]] Result<ResponseFields> commit(Session& session);
  /// Instead of commit(), where the handler failed: saves nothing, puts a claimed flash back.
  [[nodiscard]] Result<ResponseFields> abandon(Session& session);

  /// The sessions that set_owner() signed in as `owner`, in no order; of this application alone, as
  /// with all that follows. One whose record cannot be read is left out.
  [[nodiscard]] Result<std::vector<OwnedSession>> list(std::string_view owner);
  /// Ends a session as Session::destroy() does: 1, or 0 where there is none of this application's.
  [[nodiscard]] Result<std::size_t> end(const SessionKey& key);
  /// Ends all of an owner's, but one: for "sign out everywhere else" that is Session::key(). Tells
  /// how many. A login that comes at the same time is ended too, or later than all this. After an
  /// error some may be left, and it says how many are not: do it again.
  [[nodiscard]] Result<std::size_t> end_all(std::string_view owner,
                                            std::optional<SessionKey> except = {});

  /// Ends all of this application's sessions, of owners and visitors: all that were there when it
  /// was called. One that begins meanwhile is ended too, or later than all this. It looks at every
  /// session of the store, so it may take longer than Options::deadline: give one that is meant for
  /// it. One whose record cannot be read, damaged or of a later release, stays: nobody knows whose
  /// it is. Tells how many. After an error some may be left: do it again.
  [[nodiscard]] Result<std::size_t> end_everyone(Deadline deadline = {});

  /// For probes of readiness: whether the store answered lately, within its deadline. Never waits:
  /// each call has the store asked once more, and the next one tells what came of it. False before
  /// open() and after stop().
  [[nodiscard]] bool ready() noexcept;

  /// Whether load(), commit() and the like wait, for the store is one that blocks.
  [[nodiscard]] bool waits() const noexcept;
  [[nodiscard]] const Options& options() const noexcept;
  /// With its prefix; empty before open().
  [[nodiscard]] const std::string& cookie_name() const noexcept;
  [[nodiscard]] StoreCounters counters() const noexcept;
  /// Of event::all, in that order, since the Manager was made: told or lost. events_lost counts the
  /// events, not how often that was told. A child of fork() goes on from its parent's.
  [[nodiscard]] std::array<EventCount, event::all.size()> event_counts() const noexcept;
  /// Returns when all events so far were told, for tests and before exit; at once within on_event.
  void wait_for_events() noexcept;

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

/// co_await Await(manager, operation), whatever the coroutine's type; it is resumed by the
/// operation's executor. Name the operation first: g++ 12.2 destroys aggregate temporaries of a
/// co_await expression twice.
template <class Op>
struct Await : Op {
  Await(Manager& manager, Op operation) : Op(std::move(operation)), manager_(manager) {}
  /// Filled in where it is: in a coroutine's frame an operation is then kept once.
  explicit Await(Manager& manager) : manager_(manager) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    this->context = waiting.address();
    this->done = [](Operation& self) noexcept {
      std::coroutine_handle<>::from_address(self.context).resume();
    };
    return !manager_.start(static_cast<Op&>(*this));
  }
  auto await_resume() { return std::move(*this->result); }

 private:
  Manager& manager_;
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
