#include "record.hpp"

#include <errno.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <concepts>
#include <optional>

#include "failure.hpp"

namespace flame::inline v0::session::file {
namespace {

// The head, little-endian; the owner and the blob follow it (README.md).
constexpr std::string_view magic = "FLAMESES";
constexpr std::uint16_t version = 1;
constexpr std::size_t checked_size = 68;  // the head, up to its checksum
constexpr std::size_t head_size = checked_size + 8;

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void append(std::string& out, TimePoint time) {
  append(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) noexcept : left_(bytes) {}

  std::span<const std::byte> bytes(std::size_t size) noexcept {
    const auto out = left_.first(size);
    left_ = left_.subspan(size);
    return out;
  }
  template <std::unsigned_integral T>
  T number() noexcept {
    T value = 0;
    int shift = 0;
    for (const auto byte : bytes(sizeof(T))) {
      value = static_cast<T>(value | std::to_integer<T>(byte) << shift);
      shift += 8;
    }
    return value;
  }
  TimePoint time() noexcept {
    return TimePoint(TimePoint::duration(static_cast<TimePoint::rep>(number<std::uint64_t>())));
  }

 private:
  std::span<const std::byte> left_;
};

std::string_view text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of the head and the owner, so of the blob's checksum, and of the key: a file in another's place
// is none.
std::uint64_t head_checksum(std::string_view head, std::string_view owner) {
  return XXH3_64bits_withSeed(owner.data(), owner.size(), XXH3_64bits(head.data(), head.size()));
}

struct Head {
  std::uint64_t blob_checksum = 0;
  std::size_t blob_at = 0;
};

/// Into `stored`, with its state; the head where that is present.
Head parse(std::span<const std::byte> bytes, std::size_t file_size, const SessionKey& key,
           Stored& stored) {
  stored.state = State::damaged;
  if (bytes.size() < head_size) return {};
  Fields fields(bytes);
  if (text(fields.bytes(magic.size())) != magic) return {};
  if (const auto its = fields.number<std::uint16_t>(); its != version) {
    if (its > version) stored.state = State::newer;
    return {};
  }
  const std::size_t owner_size = fields.number<std::uint16_t>();
  const std::size_t blob_size = fields.number<std::uint32_t>();
  if (owner_size > max_owner || blob_size > max_record ||
      head_size + owner_size + blob_size != file_size) {
    return {};
  }
  Record& record = stored.record;
  std::ranges::copy(fields.bytes(record.key.bytes.size()), record.key.bytes.begin());
  record.token = WriteToken{fields.number<std::uint64_t>()};
  record.created_at = fields.time();
  record.last_seen = fields.time();
  record.expires_at = fields.time();
  const Head head{fields.number<std::uint64_t>(), head_size + owner_size};
  const auto checksum = fields.number<std::uint64_t>();
  const auto owner = text(fields.bytes(owner_size));
  if (record.key != key || checksum != head_checksum(text(bytes.first(checked_size)), owner)) {
    return {};
  }
  record.owner = owner;
  stored.blob_size = blob_size;
  stored.state = State::present;
  return head;
}

timespec timespec_of(TimePoint time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::chrono::nanoseconds rest = time - seconds;
  return {static_cast<time_t>(seconds.time_since_epoch().count()), static_cast<long>(rest.count())};
}

}  // namespace

TimePoint time_of(const timespec& time) noexcept {
  constexpr time_t most = time_t{1} << 42;  // what a file may say, kept in the range of TimePoint
  const std::chrono::seconds seconds{std::clamp(time.tv_sec, -most, most)};
  return TimePoint(seconds + std::chrono::milliseconds{time.tv_nsec / 1'000'000});
}

std::array<timespec, 2> file_times(TimePoint last_seen, TimePoint expires_at) noexcept {
  return {timespec_of(last_seen), timespec_of(expires_at)};
}

std::string encode_head(const Record& record, TimePoint last_seen, TimePoint expires_at) {
  std::string head;
  head.reserve(head_size + record.owner.size());
  head += magic;
  append(head, version);
  append(head, static_cast<std::uint16_t>(record.owner.size()));
  append(head, static_cast<std::uint32_t>(record.blob.size()));
  head += text(record.key.bytes);
  append(head, static_cast<std::uint64_t>(record.token));
  append(head, record.created_at);
  append(head, last_seen);
  append(head, expires_at);
  append(head, std::uint64_t{XXH3_64bits(record.blob.data(), record.blob.size())});
  append(head, head_checksum(head, record.owner));
  head += record.owner;
  return head;
}

bool is_ours(const struct stat& info, uid_t user) noexcept {
  return S_ISREG(info.st_mode) && info.st_uid == user;
}

Stored RecordReader::read(Descriptor file, const SessionKey& key, Part part) {
  Stored stored;
  stored.file = std::move(file);
  struct stat info;
  if (::fstat(stored.file.get(), &info) != 0) refuse("could not look at a record", errno);
  if (!is_ours(info, user_)) {
    stored.state = State::foreign;
    return stored;
  }
  stored.changed_end = time_of(info.st_mtim);
  const auto size = static_cast<std::size_t>(info.st_size);
  const auto wanted =
      part == Part::head ? head_size + max_owner : head_size + max_owner + max_record;
  const auto bytes = fill(stored.file, std::min(size, wanted));
  const auto head = parse(bytes, size, key, stored);
  if (stored.state != State::present) return stored;
  Record& record = stored.record;
  record.expires_at = std::max(record.expires_at, stored.changed_end);
  record.last_seen = std::max(record.last_seen, time_of(info.st_atim));
  if (part == Part::head) return stored;
  const auto blob = text(bytes.subspan(head.blob_at));
  if (XXH3_64bits(blob.data(), blob.size()) != head.blob_checksum) {
    stored.state = State::damaged;
  } else {
    record.blob = blob;
  }
  return stored;
}

std::span<const std::byte> RecordReader::fill(const Descriptor& file, std::size_t size) {
  if (buffer_.size() < size) buffer_.resize(size);
  std::size_t filled = 0;
  while (filled < size) {
    const auto n = ::read(file.get(), buffer_.data() + filled, size - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse("could not read a record", errno);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  return {buffer_.data(), filled};
}

}  // namespace flame::inline v0::session::file
