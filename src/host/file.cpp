#include "file.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace flame::inline v0::detail {

std::shared_ptr<const File> File::of(Descriptor descriptor) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  return std::shared_ptr<const File>(
      new File(std::move(descriptor), static_cast<std::size_t>(status.st_size)));
}

bool File::read(std::size_t from, std::span<char> to) const noexcept {
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
