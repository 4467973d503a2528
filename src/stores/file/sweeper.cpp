#include "sweeper.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace flame::inline v0::session::file {
namespace {

constexpr int folders = 256;
constexpr std::size_t enough_names = 10'000;  // some ten milliseconds
constexpr std::size_t removals_per_lock = 64;

// By the clock that the file system writes: store time may be another.
bool is_left_over(const struct stat& info) noexcept {
  const auto now =
      std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now());
  return std::min(time_of(info.st_mtim), time_of(info.st_ctim)) < now - temporary_grace;
}

}  // namespace

std::size_t Sweeper::sweep(std::size_t limit, const Call& call, RecordReader& reader,
                           const std::atomic<bool>& aborted) {
  std::size_t removed = 0;
  std::size_t seen = 0;
  bool more = false;
  refusals_ = {};
  for (int i = 0; i < folders && removed < limit && seen < enough_names; ++i) {
    if (aborted) lose("a sweep was given up", ECANCELED);
    const auto first = std::byte{next_};
    refusals_.catch_from([&] {
      auto folder = Folder::open(root_, records_folder(first));
      if (!folder) return;
      const auto found = look(*folder, limit - removed, call.now);
      seen += found.seen;
      const auto gone = remove(*folder, found, call.now, reader);
      removed += gone;
      more = !found.all && gone > 0;
    });
    if (more) break;
    refusals_.catch_from([&] { seen += owners_.clean(first, reader, refusals_); });
    ++next_;
  }
  if (removed < limit) refusals_.tell();  // or the next sweep, which comes soon
  return removed;
}

Sweeper::Found Sweeper::look(const Folder& folder, std::size_t limit, TimePoint now) const {
  Found found;
  const auto first = std::byte{next_};
  folder.for_each_name([&](const char* name) {
    ++found.seen;
    const auto key = parse_record(name, first);
    if (!key && !is_temporary(name)) return true;
    struct stat info;
    const int at = folder.descriptor().get();
    if (::fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !is_ours(info)) return true;
    if (key && time_of(info.st_mtim) <= now) {
      found.all = found.expired.size() < limit;
      if (found.all) found.expired.push_back(*key);
    }
    if (!key && is_left_over(info)) found.left_over.push_back(Name().add(name));
    return found.all;
  });
  return found;
}

std::size_t Sweeper::remove(Folder& folder, const Found& found, TimePoint now,
                            RecordReader& reader) {
  if (found.expired.empty() && found.left_over.empty()) return 0;
  std::size_t removed = 0;
  std::size_t at = 0;
  do {
    const auto until = std::chrono::steady_clock::now() + lock_patience;
    if (!folder.lock_until(until)) return removed;  // busy: the next time
    if (at == 0) {
      for (const auto& name : found.left_over) refusals_.catch_from([&] { folder.remove(name); });
    }
    const auto end = std::min(found.expired.size(), at + removals_per_lock);
    for (; at < end; ++at)
      refusals_.catch_from(
          [&] { removed += remove_if_expired(folder, found.expired[at], now, reader) ? 1 : 0; });
    folder.unlock();
  } while (at < found.expired.size());
  return removed;
}

bool Sweeper::remove_if_expired(const Folder& folder, const SessionKey& key, TimePoint now,
                                RecordReader& reader) {
  const auto stored = folder.read(reader, key, Part::head);
  const bool expired = (stored.state == State::present && stored.record.expires_at <= now) ||
                       (stored.state == State::damaged && stored.changed_end <= now);
  if (!expired || !folder.remove(record_name(key))) return false;
  owners_.remove(stored.record.owner, key);
  return true;
}

}  // namespace flame::inline v0::session::file
