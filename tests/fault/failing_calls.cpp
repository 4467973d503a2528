// Preloaded before the C library: calls fail with EIO while the file that FLAME_FAULT_FILE names
// says their names; unlinkat() also where it says that of what is removed. `fsync` is that of
// files, `fsync_folder` that of folders; `close` that of files that were written. File systems that
// cannot: `no_renames` without renameat2(), `loose_renames` with one that minds no flags,
// `no_links`, `no_locks`, `no_times`. `kill_at_7` ends the process at the seventh of these calls.

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// No call here may be one of those that it stands in for, but by number.
bool fails(const char* name) {
  const char* const path = std::getenv("FLAME_FAULT_FILE");
  if (!path) return false;
  const int saved = errno;
  const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
  char text[400] = " ";
  if (fd >= 0) {
    static_cast<void>(::syscall(SYS_read, fd, text + 1, sizeof(text) - 3));
    ::syscall(SYS_close, fd);
  }
  std::strcat(text, " ");
  char word[100] = " ";
  std::strcat(std::strcat(word, name), " ");
  static int calls = 0;
  const char* const last = std::strstr(text, " kill_at_");
  if (++calls == (last ? std::atoi(last + 9) : 0)) std::raise(SIGKILL);
  errno = saved;
  return std::strstr(text, word) != nullptr;
}

int failure(int error = EIO) {
  errno = error;
  return -1;
}

// Notes a call in the file that FLAME_CALLS_FILE names, with the last name of what it is about.
void note(const char* call, const char* path) {
  const char* const log = std::getenv("FLAME_CALLS_FILE");
  if (!log) return;
  const int saved = errno;
  const char* const slash = std::strrchr(path, '/');
  char line[200];
  const int size = std::snprintf(line, sizeof(line), "%s %s\n", call, slash ? slash + 1 : path);
  const auto fd =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600));
  static_cast<void>(::syscall(SYS_write, fd, line, size));
  ::syscall(SYS_close, fd);
  errno = saved;
}

void note(const char* call, int fd) {
  char link[50];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  char path[1000] = "";
  static_cast<void>(::readlink(link, path, sizeof(path) - 1));
  note(call, path);
}

bool is_folder(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

bool was_written(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
         (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  note("fsync", fd);
  if (fails(is_folder(fd) ? "fsync_folder" : "fsync")) return failure();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

// What SQLite calls.
int fdatasync(int fd) {
  if (fails("fdatasync")) return failure();
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t at) {
  if (fails("pwrite")) return failure();
  return ::syscall(SYS_pwrite64, fd, data, size, at);
}

int close(int fd) {
  const bool failing = was_written(fd) && fails("close");
  const auto result = static_cast<int>(::syscall(SYS_close, fd));
  return failing ? failure() : result;
}

ssize_t writev(int fd, const iovec* parts, int count) {
  if (fails("write")) return failure();
  // At most 100 bytes at a time, also of the blob: the rest is the caller's to write.
  iovec first = parts[0].iov_len > 0 || count < 2 ? parts[0] : parts[1];
  if (fails("short_write") && first.iov_len > 100) first.iov_len = 100;
  return fails("short_write") ? ::syscall(SYS_writev, fd, &first, 1)
                              : ::syscall(SYS_writev, fd, parts, count);
}

int renameat(int from, const char* old_name, int to, const char* new_name) {
  note("rename", new_name);
  if (fails("rename")) return failure();
  return static_cast<int>(::syscall(SYS_renameat2, from, old_name, to, new_name, 0U));
}

int renameat2(int from, const char* old_name, int to, const char* new_name, unsigned flags) {
  note("rename", new_name);
  if (fails("rename")) return failure();
  if (fails("no_renames")) return failure(EINVAL);
  if (fails("loose_renames")) flags = 0;
  return static_cast<int>(::syscall(SYS_renameat2, from, old_name, to, new_name, flags));
}

int linkat(int from, const char* old_name, int to, const char* new_name, int flags) {
  if (fails("no_links")) return failure(EPERM);
  return static_cast<int>(::syscall(SYS_linkat, from, old_name, to, new_name, flags));
}

int flock(int fd, int how) {
  if (fails("no_locks") && how != LOCK_UN) return failure(ENOLCK);
  return static_cast<int>(::syscall(SYS_flock, fd, how));
}

int unlinkat(int folder, const char* name, int flags) {
  if (fails(name) || fails("unlink")) return failure();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
}

int futimens(int fd, const timespec* times) {
  if (fails("futimens")) return failure();
  if (fails("no_times")) return failure(EPERM);
  return static_cast<int>(::syscall(SYS_utimensat, fd, nullptr, times, 0));
}
}
