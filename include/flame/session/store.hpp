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

/// Marks one write. Unique over all processes, drawn by the Manager, never 0.
enum class WriteToken : std::uint64_t {};

/// One session as a store keeps it. The blob is opaque to the store.
struct Record {
  SessionKey key{};
  WriteToken token{};
  std::string owner{};  ///< empty: nobody's
  TimePoint created_at{}, last_seen{}, expires_at{};
  std::string blob{};
};

/// load reads. create never overwrites. replace writes only over a present, unexpired record whose
/// token is the expected one; it never shortens (a touch may have come between). touch moves
/// last_seen and expires_at, never shortens, never revives. erase is done also where there was
/// nothing.
enum class Verb : std::uint8_t { load, create, replace, touch, erase };

enum class Outcome : std::uint8_t {
  unanswered,  ///< after a return of run(): a bug of the store
  done,
  /// load, replace, touch: no such record, or expired at Call::now. A load that still found the
  /// expired one may leave its expires_at in StoreOp::record: an event tells of it then.
  missing,
  exists,    ///< create: the key is taken; nothing was written
  conflict,  ///< replace: another token; the newest record is in StoreOp::record
  refused,   ///< the store is full, or will not take this record
  /// load: there is one that the store itself cannot read, damaged or of a later release. To all
  /// but create (exists) and erase it is missing, and it stays as it is.
  unreadable,
};

struct StoreOp {
  Verb verb{};
  /// In: what to write, or the key alone. Out: what load and conflict found. Of what it wrote, once
  /// that is done, a store may take the blob, or swap all of it for another: what still has token
  /// and blob is as it was.
  Record record{};
  WriteToken expected{};  ///< replace only
  Outcome outcome{};
};

/// Given with every call. A record whose expires_at <= now is missing, for every verb, swept or
/// not.
struct Call {
  TimePoint now{};
  Deadline deadline{};
};

/// A page of an owner's sessions, without blobs. An empty `next` is the end.
struct OwnerPage {
  std::vector<Record> records{};
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
  };
  StoreError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  [[nodiscard]] Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

/// One connection to a backend: one thread at a time; any number at once where !traits().blocking.
class StoreConnection {
 public:
  virtual ~StoreConnection() = default;
  /// Runs a batch, sorted by verb, then key; keys are unique within a verb. Sets every outcome or
  /// throws.
  virtual void run(std::span<StoreOp> batch, const Call& call) = 0;
  /// Removes up to `limit` expired records; returns how many went.
  virtual std::size_t sweep(std::size_t limit, const Call& call) = 0;
  /// Unexpired sessions of an owner in a stable order; `from` is empty or the `next` of the page
  /// before.
  virtual OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                         const Call& call) = 0;
  /// The backend's own time, if it has a clock of its own.
  virtual std::optional<TimePoint> clock(const Call&) { return std::nullopt; }
  /// From another thread: makes a blocked call throw soon. The connection is not used afterwards.
  virtual void abort() noexcept {}
};

/// The part of a sorted batch that has this verb.
[[nodiscard]] std::span<StoreOp> only(Verb verb, std::span<StoreOp> batch) noexcept;

struct StoreTraits {
  bool blocking = true;  ///< false: run() never waits, and is called at once on the caller's thread
  std::size_t max_batch = 64;
  std::size_t max_record = std::size_t{1} << 20;  ///< bytes of one blob
};

/// A recipe for connections. Making one never throws and touches nothing: errors wait for
/// prepare().
class Store {
 public:
  virtual ~Store() = default;
  /// Checks options, rights and schema. Throws StoreError: refused for what the operator must mend
  /// (its text is the line to print), connection_lost for a backend that is down for now.
  virtual void prepare(const Call& call) = 0;
  virtual std::unique_ptr<StoreConnection> connect(Deadline deadline) = 0;
  [[nodiscard]] virtual StoreTraits traits() const noexcept = 0;
};
using StorePtr = std::shared_ptr<Store>;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
