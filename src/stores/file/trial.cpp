#include "trial.hpp"

#include <errno.h>
#include <unistd.h>

#include "failure.hpp"
#include "temporary.hpp"

namespace flame::inline v0::session::file {
namespace {

/// Takes a name away, whatever else fails.
class Removed {
 public:
  Removed(const Folder& folder, const Name& name) noexcept : folder_(folder), name_(name) {}
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
  ~Removed() { ::unlinkat(folder_.descriptor().get(), name_.c_str(), 0); }

 private:
  const Folder& folder_;
  const Name& name_;
};

/// Under names that the sweep removes: so also a kill leaves nothing for good. The lock is held.
void try_files(const Root& root, const Folder& folder, std::uint64_t& number) {
  const bool flush = root.survives_power_cut();
  const auto name = temporary_name(++number);
  const Removed at_the_end(folder, name);
  Temporary created(folder, number, {}, {}, {}, flush);
  Temporary replacing(folder, number, {}, {}, {}, flush);
  if (!created.put_as_new(name)) refuse("could not save a record", EEXIST);
  if (replacing.put_as_new(name))
    refuse_file_system("put a file in its place, and never over another (renameat2)", EINVAL);
  replacing.put_in_place_of(name);
  folder.remove(name);
  if (const int error = flush ? folder.flush() : 0) refuse("could not flush a folder", error);
}

}  // namespace

void try_a_save(Root& root, std::uint64_t& number) try {
  for (unsigned first = 0; first < 256; ++first) {
    const auto path = records_folder(static_cast<std::byte>(first));
    auto folder = Folder::make(root, path);
    if (!folder.lock_until()) continue;  // others are at work there, or hang
    if (auto again = Folder::open(root, path); again && again->lock_until())
      refuse_file_system("lock a folder (flock)", ENOLCK);
    return try_files(root, folder, number);
  }
} catch (const CallRefused& refusal) {
  if (!is_full(refusal.error())) throw;
}

}  // namespace flame::inline v0::session::file
