#include "place.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <system_error>

namespace flame::inline v0::session::sqlite {
namespace {

using Kind = StoreError::Kind;

constexpr std::string_view moved =
    "the database was moved, replaced or removed, or -wal or -shm beside it was";
constexpr std::string_view stranger =
    "has a -wal beside it that belongs to another database, which lay here before: what it holds "
    "would be read into this one: stop what uses that, and put its -wal and -shm beside it, or "
    "remove them";

/// Whether one is there. Where the way to it is closed to this user by now, the one that was opened
/// counts: `known`.
FileId id_of(const char* path, const FileId& known = {}) noexcept {
  struct statx info;
  if (::statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &info) != 0)
    return errno == ENOENT || errno == ENOTDIR ? FileId{} : known;
  FileId id{makedev(info.stx_dev_major, info.stx_dev_minor), info.stx_ino, 0};
  if ((info.stx_mask & STATX_BTIME) != 0)
    id.born_at =
        static_cast<std::uint64_t>(info.stx_btime.tv_sec) * 1'000'000'000 + info.stx_btime.tv_nsec;
  return id;
}

Opened look(const std::string& path) {
  Opened out{path, path + "-wal", path + "-shm", {}, ::getpid()};
  out.files = {id_of(path.c_str()), id_of(out.wal.c_str()), id_of(out.shm.c_str())};
  return out;
}

bool has_bytes(const std::string& path) noexcept {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

/// A file of this process that is closed takes all locks with it that SQLite has on the same one.
std::mutex& making() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void Place::refuse(std::string_view what) const {
  fail(Kind::refused, std::string("path `").append(path_.string()).append("` ").append(what));
}

void Place::make_file() const {
  const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0)
    ::close(file);
  else if (errno != EEXIST)
    refuse("cannot be made: " + explain(errno));
}

Opened Place::find(bool make) {
  const std::scoped_lock lock(mutex_, making());
  const auto path = path_.string();
  struct stat info;
  bool there = ::stat(path.c_str(), &info) == 0;
  if (!there && errno != ENOENT) refuse("cannot be reached: " + explain(errno));
  std::error_code error;
  if (!there && std::filesystem::is_symlink(std::filesystem::symlink_status(path_, error)))
    refuse("is a link that leads to no file: put the database back there, or remove the link");
  // SQLite has -wal beside what a link leads to.
  const auto place = std::filesystem::weakly_canonical(path_, error);
  if (error) refuse("cannot be reached: " + explain(error.value()));
  if ((!there || info.st_size == 0) && has_bytes(place.string() + "-wal"))
    refuse(
        "is empty or missing, and its -wal, which holds sessions, is still there: put the database "
        "back, or move -wal and -shm to where it is now");
  if (!there && !make)
    refuse("is not there: give that of a database, or set init_table to have one made");
  if (!there) make_file();
  if (there && !S_ISREG(info.st_mode)) refuse("is no file: give that of a database");
  if (there && info.st_nlink > 1)
    refuse(
        "has a second name (a hard link), and a -wal belongs to one name alone, so that what one "
        "saves the other loses: remove the other name");
  const auto canonical = std::filesystem::canonical(path_, error);
  if (error) refuse("cannot be reached: " + explain(error.value()));
  auto found = look(canonical.string());
  check_pair(found);
  return found;
}

void Place::check_pair(const Opened& found) const {
  if (const auto open = opened_.lock()) {
    if (open->process != found.process)
      refuse(
          "was open when this process was forked, and SQLite can't be used in both: fork before "
          "the "
          "first request, or exec");
    if (open->files.database == found.files.database && open->files != found.files)
      fail(Kind::connection_lost,
           std::string(moved).append(": it is opened again once all connections are closed"));
  }
  if (found.files.wal.there() && found.files.wal == last_.wal &&
      found.files.database != last_.database)
    refuse(stranger);
}

std::shared_ptr<const Opened> Place::join(const Opened& found) {
  const std::scoped_lock lock(mutex_);
  auto now = look(found.path);
  if (now.files.database != found.files.database || !now.files.wal.there() ||
      !now.files.shm.there())
    fail(Kind::connection_lost, moved);
  check_pair(now);
  auto open = opened_.lock();
  if (open && open->files == now.files) return open;
  open = std::make_shared<const Opened>(std::move(now));
  opened_ = open;
  last_ = open->files;
  return open;
}

void Place::check(const Opened& opened, Kind kind) const {
  const auto& files = opened.files;
  // By the path that was given: a link may lead elsewhere by now.
  if (id_of(path_.c_str(), files.database) != files.database ||
      id_of(opened.wal.c_str(), files.wal) != files.wal ||
      id_of(opened.shm.c_str(), files.shm) != files.shm)
    fail(kind, moved);
}

}  // namespace flame::inline v0::session::sqlite
