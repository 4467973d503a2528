#include "owner_index.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "failure.hpp"

namespace flame::inline v0::session::file {
namespace {

// Keys of an owner's entries above `from`, in order.
std::vector<SessionKey> keys_of(const Folder& entries, const OwnerHash& owner,
                                std::string_view from) {
  std::vector<SessionKey> keys;
  entries.for_each_name([&](const char* name) {
    const auto entry = parse_entry(name, owner.front());
    if (entry && entry->owner == owner && record_name(entry->key).view() > from)
      keys.push_back(entry->key);
    return true;
  });
  std::ranges::sort(keys);
  return keys;
}

}  // namespace

void OwnerIndex::add(std::string_view owner, const SessionKey& key) {
  if (owner.empty()) return;
  const auto hash = hash_of(owner);
  const auto folder = Folder::make(root_, owners_folder(hash.front()));
  const auto name = entry_name(hash, key);
  const Descriptor entry(::openat(folder.descriptor().get(), name.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!entry && errno != EEXIST) refuse("could not note a session's owner", errno);
  if (!root_.survives_power_cut()) return;
  if (const int error = folder.flush()) refuse("could not flush the owner index", error);
}

void OwnerIndex::remove(std::string_view owner, const SessionKey& key) noexcept try {
  if (owner.empty()) return;
  const auto hash = hash_of(owner);
  if (const auto folder = Folder::open(root_, owners_folder(hash.front())))
    folder->remove(entry_name(hash, key));
} catch (const std::exception&) {
  // Nobody minds it: see list() and clean().
}

OwnerPage OwnerIndex::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call, RecordReader& reader) {
  OwnerPage page;
  const auto hash = hash_of(owner);
  const auto entries = Folder::open(root_, owners_folder(hash.front()));
  if (!entries || owner.empty()) return page;
  const auto keys = keys_of(*entries, hash, from);
  auto at = keys.begin();
  for (; at != keys.end() && page.records.size() < limit; ++at) {
    auto stored = read_record(root_, reader, *at, Part::head);
    const bool present = stored.state == State::present;
    if (present && stored.record.owner == owner) {
      if (stored.record.expires_at > call.now) page.records.push_back(std::move(stored.record));
    } else if (present || stored.state == State::absent) {
      remove_if_stale(*entries, {hash, *at}, reader);
    }
  }
  if (at != keys.begin() && at != keys.end()) page.next = record_name(*(at - 1)).view();
  return page;
}

std::size_t OwnerIndex::clean(std::byte first, RecordReader& reader, FirstRefusal& refusals) {
  const auto entries = Folder::open(root_, owners_folder(first));
  if (!entries) return 0;
  std::size_t seen = 0;
  std::vector<Entry> stale;
  entries->for_each_name([&](const char* name) {
    ++seen;
    const auto entry = parse_entry(name, first);
    refusals.catch_from([&] {
      if (entry && is_stale(*entry, reader)) stale.push_back(*entry);
    });
    return true;
  });
  for (const auto& entry : stale)
    refusals.catch_from([&] { remove_if_stale(*entries, entry, reader); });
  return seen;
}

bool OwnerIndex::is_stale(const Entry& entry, RecordReader& reader) const {
  const auto stored = read_record(root_, reader, entry.key, Part::head);
  if (stored.state == State::present) return hash_of(stored.record.owner) != entry.owner;
  return stored.state == State::absent;
}

void OwnerIndex::remove_if_stale(const Folder& entries, const Entry& entry, RecordReader& reader) {
  // Under the lock that a create holds from its entry to its record. Where others have it, the next
  // list() or sweep() cleans.
  auto records = Folder::open(root_, records_folder(entry.key.bytes.front()));
  if (!records || !records->lock_until() || !is_stale(entry, reader)) return;
  const auto name = entry_name(entry.owner, entry.key);
  struct stat info;
  const int folder = entries.descriptor().get();
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && is_ours(info))
    entries.remove(name);
}

}  // namespace flame::inline v0::session::file
