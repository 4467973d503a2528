#include "temporary.hpp"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>

#include "failure.hpp"

namespace flame::inline v0::session::file {
namespace {

constexpr int tries_for_a_name = 100;
constexpr auto could_not_save = "could not save a record";

Descriptor open_new(const Folder& folder, std::uint64_t& number, Name& name) {
  for (int i = 0; i < tries_for_a_name; ++i) {
    name = temporary_name(++number);
    Descriptor file(::openat(folder.descriptor().get(), name.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file || errno != EEXIST) return file;
  }
  return {};
}

/// 0, or the error number.
int write_all(const Descriptor& file, std::string_view head, std::string_view blob) {
  while (!head.empty() || !blob.empty()) {
    // writev() reads through these only.
    const iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                           {const_cast<char*>(blob.data()), blob.size()}};
    const auto n = ::writev(file.get(), parts, 2);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    const auto of_head = std::min(head.size(), static_cast<std::size_t>(n));
    head.remove_prefix(of_head);
    blob.remove_prefix(static_cast<std::size_t>(n) - of_head);
  }
  return 0;
}

}  // namespace

Temporary::Temporary(const Folder& folder, std::uint64_t& number, const Record& record,
                     TimePoint last_seen, TimePoint expires_at, bool flush)
    : folder_(folder), file_(open_new(folder, number, name_)), flushed_(flush) {
  if (!file_) {
    if (errno == ENOENT) lose("root_dir, or a folder below it, was removed", errno);
    refuse(could_not_save, errno);
  }
  try {
    fill(record, last_seen, expires_at, flush);
  } catch (...) {
    ::unlinkat(folder_.descriptor().get(), name_.c_str(), 0);
    throw;
  }
}

void Temporary::fill(const Record& record, TimePoint last_seen, TimePoint expires_at, bool flush) {
  if (const int error = write_all(file_, encode_head(record, last_seen, expires_at), record.blob))
    refuse(could_not_save, error);
  const auto times = file_times(last_seen, expires_at);
  if (::futimens(file_.get(), times.data()) != 0) {
    // The file is ours: no rights are missing.
    if (errno == EPERM || is_unsupported(errno))
      refuse_file_system("set the times of a file (futimens)", errno);
    refuse(could_not_save, errno);
  }
  // Never tried again: a second fsync() would not tell of what the first one lost.
  if (flush && ::fsync(file_.get()) != 0) refuse("could not flush a record", errno);
  if (const int error = file_.close()) refuse(could_not_save, error);
}

Temporary::~Temporary() {
  // Where the name is free again, or holds what was replaced.
  if (!name_.view().empty()) ::unlinkat(folder_.descriptor().get(), name_.c_str(), 0);
}

bool Temporary::put_as_new(const Name& name) {
  const int folder = folder_.descriptor().get();
  if (::renameat2(folder, name_.c_str(), folder, name.c_str(), RENAME_NOREPLACE) == 0) {
    name_ = {};
    return true;
  }
  if (is_unsupported(errno)) {
    if (::linkat(folder, name_.c_str(), folder, name.c_str(), 0) == 0) return true;
    if (errno == EPERM || is_unsupported(errno))
      refuse_file_system("put a file in its place, and never over another (renameat2, linkat)",
                         errno);
  }
  if (errno == EEXIST) return false;
  refuse(could_not_save, errno);
}

void Temporary::put_in_place_of(const Name& name) {
  const int folder = folder_.descriptor().get();
  // Over a name, ext4 starts to write unflushed data out: some 20 times what an exchange costs.
  if (!flushed_ && ::renameat2(folder, name_.c_str(), folder, name.c_str(), RENAME_EXCHANGE) == 0)
    return;
  if (::renameat(folder, name_.c_str(), folder, name.c_str()) != 0) refuse(could_not_save, errno);
  name_ = {};
}

}  // namespace flame::inline v0::session::file
