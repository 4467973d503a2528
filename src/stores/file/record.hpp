#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

#include "descriptor.hpp"

namespace flame::inline v0::session::file {

inline constexpr std::size_t max_record = std::size_t{1} << 20;
inline constexpr std::size_t max_owner = 320;

enum class State : std::uint8_t {
  absent,
  present,
  damaged,  ///< a file of ours that cannot be read: in the way of a create
  newer,    ///< the same, of a later release: left alone also by the sweep
  foreign,  ///< not a regular file of this user: never touched
};

/// What a record file holds, without the blob. The times are those that count: a touch moves only
/// the times of the file, so expires_at is the later one of record and mtime, last_seen of record
/// and atime.
struct Stored {
  State state = State::absent;
  Record record{};
  std::size_t blob_size = 0;
  TimePoint changed_end{};  ///< mtime
  Descriptor file{};
};

/// A regular file of this user; of fstat(), or of fstatat() that follows no link.
[[nodiscard]] bool is_ours(const struct stat& info, uid_t user = ::geteuid()) noexcept;

enum class Part : std::uint8_t { head, whole };

/// Reads record files; its buffer is used again.
class RecordReader {
 public:
  /// Takes the file; throws StoreError(refused) where the disk does not answer. A blob that does
  /// not match its checksum is found with Part::whole only.
  [[nodiscard]] Stored read(Descriptor file, const SessionKey& key, Part part);

 private:
  [[nodiscard]] std::span<const std::byte> fill(const Descriptor& file, std::size_t size);
  uid_t user_ = ::geteuid();  // once: this would be a fifth of all calls of a load
  std::vector<std::byte> buffer_;
};

/// The bytes before the blob; its two times are given, for a replace never shortens.
[[nodiscard]] std::string encode_head(const Record& record, TimePoint last_seen,
                                      TimePoint expires_at);

/// atime and mtime, as futimens() takes them.
[[nodiscard]] std::array<timespec, 2> file_times(TimePoint last_seen,
                                                 TimePoint expires_at) noexcept;
[[nodiscard]] TimePoint time_of(const timespec& time) noexcept;

}  // namespace flame::inline v0::session::file
