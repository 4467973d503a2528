#include "folder.hpp"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string_view>
#include <thread>

#include "failure.hpp"

namespace flame::inline v0::session::file {
namespace {

using namespace std::chrono_literals;

// flock() has no limit of time, so it is asked again and again: soon at first, for most hold it for
// microseconds, then seldom.
constexpr auto first_pause = 20us;
constexpr auto longest_pause = 500us;

struct CloseListing {
  void operator()(DIR* listing) const noexcept { ::closedir(listing); }
};

// Why a record could not be opened. Absent where nothing is there, foreign what is no record of
// ours; throws where it should have been possible.
State state_without_file(const Descriptor& folder, const Name& name, int error) {
  if (error == ENOENT) return State::absent;
  if (error == ELOOP || error == ENXIO) return State::foreign;
  struct stat info;
  const bool seen = ::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (seen && !is_ours(info)) return State::foreign;
  refuse("could not open a record", error);
}

bool is_own_folder(const Descriptor& folder) {
  struct stat info;
  if (::fstat(folder.get(), &info) != 0) refuse("could not look at a folder", errno);
  return info.st_uid == ::geteuid();
}

}  // namespace

std::optional<Folder> Folder::open(const Root& root, const Name& path) {
  auto folder = root.open(path, O_RDONLY | O_DIRECTORY);
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return std::nullopt;
    refuse("could not open a folder", errno);
  }
  if (!is_own_folder(folder)) return std::nullopt;
  return Folder(std::move(folder));
}

Folder Folder::make(Root& root, const Name& path) {
  if (auto folder = open(root, path); folder && root.is_durable(path)) return std::move(*folder);
  root.make_folder(path);
  if (auto folder = open(root, path)) return std::move(*folder);
  refuse_foreign(path);
}

// Said aloud: a child of fork() may hold the descriptor, and with it the lock, for longer.
Folder::~Folder() {
  if (locked_) unlock();
}

void Folder::unlock() noexcept {
  ::flock(folder_.get(), LOCK_UN);
  locked_ = false;
}

bool Folder::lock_until(Deadline deadline) {
  for (auto pause = std::chrono::microseconds(first_pause);;
       pause = std::min<std::chrono::microseconds>(2 * pause, longest_pause)) {
    locked_ = ::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0;
    if (locked_) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) refuse_file_system("lock a folder (flock)", errno);
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
}

void Folder::list(bool (*f)(void*, const char*), void* context) const {
  Descriptor again(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) refuse("could not list a folder", errno);
  const std::unique_ptr<DIR, CloseListing> listing(::fdopendir(again.get()));
  if (!listing) refuse("could not list a folder", errno);
  static_cast<void>(again.release());
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(listing.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !f(context, entry->d_name)) return;
  }
  if (errno != 0) refuse("could not list a folder", errno);
}

Stored Folder::read(RecordReader& reader, const SessionKey& key, Part part) const {
  const auto name = record_name(key);
  Descriptor file(::openat(folder_.get(), name.c_str(), record_flags));
  if (file) return reader.read(std::move(file), key, part);
  Stored stored;
  stored.state = state_without_file(folder_, name, errno);
  return stored;
}

bool Folder::remove(const Name& name) const {
  if (::unlinkat(folder_.get(), name.c_str(), 0) == 0) return true;
  if (errno == ENOENT) return false;
  refuse("could not remove a file", errno);
}

Stored read_record(const Root& root, RecordReader& reader, const SessionKey& key, Part part) {
  if (auto file = root.open_to_read(record_path(key), record_flags)) {
    auto stored = reader.read(std::move(file), key, part);
    root.give_back(std::move(stored.file));
    return stored;
  }
  if (errno == ENOENT) return {};
  const auto folder = Folder::open(root, records_folder(key.bytes.front()));
  return folder ? folder->read(reader, key, part) : Stored{};
}

int Folder::flush() const noexcept { return ::fsync(folder_.get()) == 0 ? 0 : errno; }

}  // namespace flame::inline v0::session::file
