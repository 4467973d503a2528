#include "file.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace flame::inline v0::detail {

namespace {

/// Mixed, for nobody need know the inode's number.
std::string etag_of(const struct stat& status) {
  std::uint64_t hash = 0;
  const auto mix = [&hash](auto value) {  // splitmix64's steps
    hash += static_cast<std::uint64_t>(value) + 0x9e3779b97f4a7c15;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    hash ^= hash >> 31;
  };
  mix(status.st_ino);
  mix(status.st_size);
  mix(status.st_mtim.tv_sec);
  mix(status.st_mtim.tv_nsec);
  std::string out = "\"";
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(hash >> shift) & 15];
  return out + '"';
}

}  // namespace

std::shared_ptr<File> File::of(Descriptor&& descriptor) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  std::shared_ptr<File> file(new File(std::move(descriptor)));
  file->size_ = static_cast<std::size_t>(status.st_size);
  file->modified_ = status.st_mtim.tv_sec;
  file->etag_ = etag_of(status);
  return file;
}

bool File::read(std::size_t from, std::span<char> to) const noexcept {
  from += first_;
  while (!to.empty()) {
    const auto got = ::pread(descriptor_.get(), to.data(), to.size(), static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    from += static_cast<std::size_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace flame::inline v0::detail
