#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

/// What a store author implements: plain calls on batches, one thread at a time. Batching,
/// deadlines, reconnects and merging are the library's (docs/architecture.md).
namespace flame::inline v0::session {

/// Store time: milliseconds since the Unix epoch by the backend's clock.
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;
using Deadline = std::chrono::steady_clock::time_point;

/// The selector of a session ID. No secret: it opens nothing, so stores, logs and tools may name
/// it.
struct SessionKey {
  std::array<std::byte, 12> bytes{};
  auto operator<=>(const SessionKey&) const = default;
};

/// The 16 characters of base64url that logs and tools show for a key.
[[nodiscard]] std::string to_string(const SessionKey& key);
/// Empty for a text that to_string() gives of no key.
[[nodiscard]] std::optional<SessionKey> parse_key(std::string_view text) noexcept;

/// Marks one write. Unique over all processes, drawn by the Manager, never 0.
enum class WriteToken : std::uint64_t {};

/// One session as a store keeps it. The blob is opaque to the store.
struct Record {
  SessionKey key{};
  WriteToken token{};
  std::string owner{};  ///< empty: nobody's; at most 320 bytes of any value
  TimePoint created_at{}, last_seen{}, expires_at{};
  std::string blob{};
};

/// load reads. create never overwrites. replace writes only over a present, unexpired record whose
/// token is the expected one; touch moves last_seen and expires_at, and never revives. Neither ever
/// shortens (another touch may have come between), unless the stored last_seen is ahead of
/// Call::now, by a clock that was wrong: then both set last_seen and expires_at as given. erase is
/// done also where there was nothing.
///
/// touch and erase carry the owner as it was last known: it may be stale, and nothing that list()
/// answers may depend on it.
enum class Verb : std::uint8_t { load, create, replace, touch, erase };

/// What became of one operation. Beside refused, later and unknown, which any verb may get, an
/// operation gets what its verb may answer: all else is a failure of that one operation.
enum class Outcome : std::uint8_t {
  unanswered,  ///< after a return of run(): a bug of the store
  done,
  /// load, replace, touch: no such record, or expired at Call::now. A load that still has the
  /// expired one leaves it in StoreOp::record, whole: an event tells of it then.
  missing,
  exists,    ///< create: the key is taken; nothing was written
  conflict,  ///< replace: another token; the newest record is in StoreOp::record
  /// load: there is one that the store itself cannot read, damaged or of a later release. To all
  /// but create (exists) and erase it is missing, and it stays as it is.
  unreadable,
  refused,  ///< surely not applied: the store is full, or will not take this record; not sent again
  /// Surely not applied, and worth another try: one shard is away, a deadlock was broken. It is
  /// sent again after a pause, until its own deadline; the rest of its batch is not held up. A
  /// create comes again with the same key.
  later,
  unknown,  ///< applied or not, or perhaps still to be: nobody knows. The connection is good.
};

struct StoreOp {
  Verb verb{};  ///< the library's: a store never changes it, nor record.key
  /// In: what to write, or the key alone (and for touch and erase the owner). Out: what load and
  /// conflict found. Of what it wrote, once that is done, a store may take the blob, or swap all of
  /// it but the key for another: what still has token and blob is as it was.
  Record record{};
  WriteToken expected{};  ///< replace only
  Outcome outcome{};
};

/// Given with every call. A record whose expires_at <= now is missing, for every verb, swept or
/// not.
struct Call {
  TimePoint now{};
  /// When the call should have ended; later than that of any one operation in it. A call that takes
  /// longer is aborted. Unset: none, for tests and tools.
  Deadline deadline{};
};

/// A page of an owner's sessions, without blobs. An empty `next` is the end.
struct OwnerPage {
  std::vector<Record> records{};
  std::string next{};
};

/// A page of the keys of all sessions. An empty `next` is the end.
struct KeyPage {
  std::vector<SessionKey> keys{};
  std::string next{};
};

/// Thrown by a store for a whole call. Operations that were answered by then stay answered.
/// The text names the remedy, and holds no secret, key or value.
class StoreError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t {
    connection_lost,  ///< what became of the unanswered operations is unknown: reading tells
    /// Rights, schema, size, options: none of them was applied; a batch is tried again in halves.
    refused,
    /// Some were applied, and can be seen, but may not survive what the store promises (a flush or
    /// a replica failed). They are neither repeated nor settled by reading: their requests fail.
    unconfirmed,
    /// None of them was applied: this server is the wrong one now (a standby, or starting). They
    /// are `later`, and every connection to it is made anew before it is used again.
    away,
    full,  ///< refused: it takes no writes for now, for want of space or replicas:
           ///< event::store_full
    /// None of them was applied, and other connections may be good: this one had ended before
    /// anything was sent, or a lock was not to be had. They are `later`, on a new connection.
    later,
  };
  StoreError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  [[nodiscard]] Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

/// One connection to a backend, not connected yet when it is made. Every call comes from one thread
/// at a time, but abort(); where !traits().blocking, any number of runs at once.
///
/// No atomicity is asked of it, over verbs or within one: each operation is applied whole or not at
/// all, for itself. A store that locks rows commits each verb by itself, in the order of the keys,
/// and sets its outcomes before it begins the next: two batches in one transaction each wait for
/// each other otherwise. A store with a single writer may commit all of a batch at once.
class StoreConnection {
 public:
  virtual ~StoreConnection() = default;
  /// The first call, and the only one until it has succeeded. Names are resolved anew each time.
  virtual void connect(const Call&) {}
  /// Checks rights and schema, and makes what the options say is to be made. Comes after the first
  /// connect() of a process, and with each until it has succeeded. StoreError refused is what the
  /// operator must mend, here and in connect(): its text is the line to print. Returns what the
  /// operator should know though all works, a line each: a setting of the backend that breaks what
  /// the store promises, an option without use. The Manager tells them as event::store_warning.
  [[nodiscard]] virtual std::vector<std::string> prepare(const Call&) { return {}; }
  /// Runs a batch, sorted by verb, then key; keys are unique within a verb. Sets every outcome or
  /// throws. It holds at most as many operations and bytes as the traits of their lane say, or one.
  virtual void run(std::span<StoreOp> batch, const Call& call) = 0;
  /// Removes up to `limit` expired records; returns how many went. Call::now is a little in the
  /// past.
  virtual std::size_t sweep(std::size_t limit, const Call& call) = 0;
  /// Unexpired sessions of an owner in a stable order; `from` is empty or the `next` of the page
  /// before.
  virtual OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                         const Call& call) = 0;
  /// The keys of all sessions, whoever's; `from` as with list(). Whatever comes and goes meanwhile:
  /// a session that is there from the first page to the last comes at least once, and the pages
  /// end. What has expired may come, and so may a key of no session: who scans loads. `limit` is a
  /// wish: a page may be short, or empty, before the end, and where the backend counts otherwise it
  /// may have a hundred more. It must not cost what the whole of the sessions would: go by an index
  /// in the order of keys, or by parts. For who ends or copies everyone; no request needs it.
  virtual KeyPage scan(std::string_view from, std::size_t limit, const Call& call) = 0;
  /// The backend's own time, if it has a clock of its own: asked after connect(), and each minute.
  virtual std::optional<TimePoint> clock(const Call&) { return std::nullopt; }
  /// After StoreTraits::ping_after without a call: a round trip that shows whether the backend is
  /// still there.
  virtual void ping(const Call&) {}
  /// From another thread, at any time after construction, also before, between and after calls, and
  /// more than once: makes the call under way, or the next one, throw soon. Never blocks, takes no
  /// lock that a call holds while it waits, and works on a duplicate of the descriptor: a number
  /// that the driver has closed may be somebody else's by then. Only the destructor follows.
  virtual void abort() noexcept {}
};

/// For pages in the order of keys: the `next` of one that ends with this key.
[[nodiscard]] std::string page_end(const SessionKey& key);
/// The key that such a page ended with; empty: it is the first page. Throws StoreError refused for
/// what is no page_end().
[[nodiscard]] std::optional<SessionKey> page_before(std::string_view from);

/// The part of a sorted batch that has this verb.
[[nodiscard]] std::span<StoreOp> only(Verb verb, std::span<StoreOp> batch) noexcept;

/// One kind of worker: reads, writes, background (touch, sweep, erases that no request waits for).
struct LaneTraits {
  std::size_t workers = 2;     ///< threads, each with a connection of its own; at least 1
  std::size_t max_batch = 64;  ///< operations of one run(); at least 1
  std::size_t max_batch_bytes = std::size_t{4} << 20;  ///< of their records; one may be larger
};

struct StoreTraits {
  bool blocking = true;  ///< false: run() never waits, and is called at once on the caller's thread
  std::size_t max_record = std::size_t{1} << 20;  ///< bytes of one blob
  std::size_t max_sessions = 0;  ///< it holds no more than these; 0: not bounded by number
  LaneTraits reads{}, writes{}, background{.workers = 1};
  std::chrono::milliseconds ping_after{0};  ///< without a call; 0: never
  /// A connection without a call for so long is closed; the next call makes another. 0: never.
  std::chrono::milliseconds idle_close{0};
  /// A connection is made anew between two batches before it is older, each at a time of its own:
  /// so that a server that was added gets its share, and a password that was changed is seen. 0:
  /// never.
  std::chrono::milliseconds max_age{0};
  /// Between two calls of sweep(), about; a minute after one that failed.
  std::chrono::milliseconds sweep_every{60'000};
  bool expires_by_itself = false;  ///< the backend removes records by its own clock, whatever
                                   ///< Call::now is
};

/// A recipe for connections. Any thread. It outlives its connections, and so must what it refers
/// to; a connection that hangs and cannot be aborted when the Manager stops keeps it for ever.
class Store {
 public:
  virtual ~Store() = default;
  /// Touches nothing: what is wrong waits for connect(), and throws StoreError there.
  [[nodiscard]] virtual std::unique_ptr<StoreConnection> make_connection() = 0;
  /// Always the same.
  [[nodiscard]] virtual StoreTraits traits() const noexcept = 0;
};
using StorePtr = std::shared_ptr<Store>;

/// Made, connected and prepared: for tests and tools.
[[nodiscard]] std::unique_ptr<StoreConnection> open_connection(Store& store, const Call& call);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
