#include "failure.hpp"

#include <errno.h>

#include <system_error>

namespace flame::inline v0::session::file {
namespace {

constexpr std::string_view other_file_system =
    ": give a root_dir on a local file system (ext4, XFS, Btrfs, tmpfs)";

std::string_view remedy(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ": free some space, or some inodes";
    case EROFS:
      return ": mount it writable";
    case EACCES:
    case EPERM:
      return ": the folder and all in it must belong to the user that this process runs as, with "
             "all rights (chmod -R u+rwX)";
    case EMFILE:
    case ENFILE:
      return ": raise the limit of open files (ulimit -n)";
    case EIO:
      return ": check the disk";
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ": give another root_dir";
    case EINVAL:
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
      return other_file_system;
    default:
      return "";
  }
}

std::string text(std::string_view what, int error) {
  return "file store: " + std::string(what) + ": " + explain(error);
}

}  // namespace

std::string explain(int error) {
  return std::generic_category().message(error).append(remedy(error));
}

bool is_unsupported(int error) noexcept {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

bool is_full(int error) noexcept { return error == ENOSPC || error == EDQUOT; }

bool is_out_of_descriptors(int error) noexcept { return error == EMFILE || error == ENFILE; }

void refuse(std::string_view what, int error) { throw CallRefused(text(what, error), error); }

void refuse_file_system(std::string_view cannot, int error) {
  const auto said = std::generic_category().message(error);
  throw CallRefused(std::string("file store: the file system of root_dir cannot ")
                        .append(cannot)
                        .append(": ")
                        .append(said)
                        .append(other_file_system),
                    error);
}

void leave_unconfirmed(std::string_view what, int error) {
  throw StoreError(StoreError::Kind::unconfirmed, text(what, error));
}

void lose(std::string_view what, int error) {
  throw StoreError(StoreError::Kind::connection_lost, text(what, error));
}

}  // namespace flame::inline v0::session::file
