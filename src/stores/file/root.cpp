#include "root.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "failure.hpp"

namespace flame::inline v0::session::file {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t folder_mode = 0700;
// Kept for sessions with an owner: a twentieth of the disk, but no more than this.
constexpr std::uint64_t most_bytes_kept = std::uint64_t{256} << 20;
constexpr std::uint64_t most_inodes_kept = 65'536;

[[noreturn]] void refuse_root(const std::string& path, std::string_view what) {
  throw StoreError(StoreError::Kind::refused,
                   "file store: root_dir `" + path + "` " + std::string(what));
}

[[noreturn]] void refuse_root(const std::string& path, std::string_view what, int error) {
  refuse_root(path, std::string(what) + ": " + explain(error));
}

[[noreturn]] void refuse_to_make(const std::string& path, int error) {
  if (error == ENOENT) refuse_root(path, "cannot be made: make the folder that it lies in");
  if (error == EACCES) {
    refuse_root(path,
                "cannot be made by the user that this process runs as: make it, and chown it to "
                "that user");
  }
  refuse_root(path, "cannot be made", error);
}

// Without the slashes at its end: behind one a link would be followed.
std::string plain_path(const FileOptions& options) {
  auto path = options.root_dir.string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Descriptor open_root(const std::string& path, Reserve& reserve) {
  if (::mkdir(path.c_str(), folder_mode) != 0) {
    const int error = errno;
    // It may be there all the same: in a folder that is not ours, or on a read-only file system.
    if (error != EEXIST && ::access(path.c_str(), F_OK) != 0) refuse_to_make(path, error);
  }
  struct stat info;
  if (::lstat(path.c_str(), &info) == 0) {
    if (S_ISLNK(info.st_mode)) refuse_root(path, "is a link: give the folder that it names");
    if (!S_ISDIR(info.st_mode)) refuse_root(path, "is not a folder: give a folder");
  }
  auto folder = reserve.open([&] { return Descriptor(::open(path.c_str(), folder_flags)); });
  if (!folder) refuse_root(path, "cannot be opened", errno);
  return folder;
}

struct stat check_root(const std::string& path, const Descriptor& folder) {
  struct stat info;
  if (::fstat(folder.get(), &info) != 0) refuse_root(path, "cannot be looked at", errno);
  if (info.st_uid != ::geteuid()) {
    refuse_root(path,
                "belongs to another user: give a folder of the user that this process runs as");
  }
  if ((info.st_mode & 022) != 0) {
    refuse_root(path, "can be written by other users: chmod go-w `" + path + "`");
  }
  return info;
}

void flush(const Descriptor& folder) {
  if (::fsync(folder.get()) != 0) refuse("could not flush a folder", errno);
}

long open_beneath(int folder, const char* path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags));
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return ::syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

}  // namespace

void refuse_foreign(const Name& path) {
  throw StoreError(StoreError::Kind::refused, "file store: `" + std::string(path.view()) +
                                                  "` below root_dir is no folder of this user's: "
                                                  "take it away");
}

Root::Root(const FileOptions& options, std::shared_ptr<Reserve> reserve)
    : reserve_(std::move(reserve)),
      path_(plain_path(options)),
      survives_power_cut_(options.durability == Durability::power_cut) {}

void Root::open() {
  if (path_.empty()) {
    throw StoreError(StoreError::Kind::refused,
                     "file store: root_dir is empty: give the folder for the sessions");
  }
  folder_ = open_root(path_, *reserve_);
  info_ = check_root(path_, folder_);
  if (survives_power_cut_) flush_name();  // whoever made it
  // Linux before 5.6 does not have it, and some sandboxes deny it.
  auto beneath = reserve_->open(
      [&] { return Descriptor(static_cast<int>(open_beneath(folder_.get(), ".", folder_flags))); });
  if (!beneath && is_out_of_descriptors(errno)) refuse_root(path_, "cannot be opened", errno);
  has_openat2_ = static_cast<bool>(beneath);
  reserve_->refill(std::move(beneath));
}

void Root::check_writable() const {
  if (::faccessat(folder_.get(), ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    refuse_root(path_, "cannot be written", errno);
  }
}

void Root::check_place() const {
  struct stat info;
  const bool seen = ::lstat(path_.c_str(), &info) == 0;
  if (seen && info.st_ino == info_.st_ino && info.st_dev == info_.st_dev) return;
  // Where the way to it is closed to this user by now, it is what was opened that counts.
  if (seen || errno == ENOENT || errno == ENOTDIR) lose("root_dir was moved or removed", ESTALE);
}

void Root::flush_name() const {
  const auto parent =
      reserve_->open([&] { return Descriptor(::openat(folder_.get(), "..", folder_flags)); });
  if (!parent && is_out_of_descriptors(errno)) refuse_root(path_, "cannot be flushed", errno);
  if (!parent) {
    refuse_root(path_,
                "lies in a folder that this user cannot read, and power_cut must flush that, too: "
                "chmod a+rx it");
  }
  flush(parent);
}

Descriptor Root::open(const Name& path, int flags) const noexcept {
  const int all = flags | O_CLOEXEC | O_NOFOLLOW;
  if (!has_openat2_) return open_by_steps(path, all);
  return Descriptor(static_cast<int>(open_beneath(folder_.get(), path.c_str(), all)));
}

Descriptor Root::open_to_read(const Name& path, int flags) const noexcept {
  return reserve_->open([&] { return open(path, flags); });
}

Descriptor Root::open_by_steps(const Name& path, int flags) const noexcept {
  Descriptor folder;
  auto left = path.view();
  for (auto slash = left.find('/'); slash != left.npos; slash = left.find('/')) {
    const auto step = Name().add(left.substr(0, slash));
    Descriptor next(::openat(folder ? folder.get() : folder_.get(), step.c_str(), folder_flags));
    if (!next) return next;
    folder = std::move(next);
    left.remove_prefix(slash + 1);
  }
  const auto last = Name().add(left);
  return Descriptor(::openat(folder ? folder.get() : folder_.get(), last.c_str(), flags));
}

bool Root::is_nearly_full() const noexcept {
  struct statvfs disk;
  if (::fstatvfs(folder_.get(), &disk) != 0) return false;
  const std::uint64_t block = std::max<std::uint64_t>(disk.f_frsize, 1);
  // f_files is 0 where inodes are not counted.
  return disk.f_bavail < std::min<std::uint64_t>(disk.f_blocks / 20, most_bytes_kept / block) ||
         disk.f_favail < std::min<std::uint64_t>(disk.f_files / 20, most_inodes_kept);
}

void Root::make_folder(const Name& path) {
  const auto slash = path.view().rfind('/');
  const bool deep = slash != std::string_view::npos;
  const auto parent = deep ? Name().add(path.view().substr(0, slash)) : Name().add(".");
  if (deep) make_folder(parent);
  const auto folder = open(parent, folder_flags);
  if (!folder && (errno == ENOTDIR || errno == ELOOP)) refuse_foreign(parent);
  if (!folder) refuse("could not open a folder", errno);
  const auto last = Name().add(deep ? path.view().substr(slash + 1) : path.view());
  if (::mkdirat(folder.get(), last.c_str(), folder_mode) != 0 && errno != EEXIST) {
    // Only a folder that was removed has no room for another: a new connection opens the new root.
    if (errno == ENOENT) lose("root_dir was removed", errno);
    refuse("could not make a folder", errno);
  }
  if (!survives_power_cut_) return;
  // Also where another process made it: it may not have flushed it yet.
  flush(folder);
  durable_.emplace(path.view());
}

}  // namespace flame::inline v0::session::file
