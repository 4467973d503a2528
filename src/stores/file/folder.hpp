#pragma once

#include <fcntl.h>

#include <chrono>
#include <optional>

#include "record.hpp"
#include "root.hpp"

namespace flame::inline v0::session::file {

/// Most keep a lock for much less: who waited so long does something else first.
inline constexpr std::chrono::milliseconds lock_patience{10};

/// A fan-out folder, opened for one batch. The lock is of its descriptor (flock), so it holds
/// between connections as between processes, and ends with the descriptor, whatever becomes of the
/// process.
class Folder {
 public:
  /// Empty where it is not there, or is no folder of this user.
  [[nodiscard]] static std::optional<Folder> open(const Root& root, const Name& path);
  /// At Durability::power_cut its name is flushed. Throws StoreError where it cannot be had.
  [[nodiscard]] static Folder make(Root& root, const Name& path);
  Folder(Folder&& other) noexcept
      : folder_(std::move(other.folder_)), locked_(std::exchange(other.locked_, false)) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder();

  /// False where others held it all the time; without a deadline it is tried once.
  [[nodiscard]] bool lock_until(Deadline deadline = {});

  void unlock() noexcept;

  [[nodiscard]] const Descriptor& descriptor() const noexcept { return folder_; }
  /// Names in no order, but . and ..; those that come or go meanwhile may be among them.
  template <class F>
  void for_each_name(F f) const;  // f(const char*): false ends it
  [[nodiscard]] Stored read(RecordReader& reader, const SessionKey& key, Part part) const;
  /// False where nothing was there; throws where it cannot.
  bool remove(const Name& name) const;
  /// 0, or the error number.
  [[nodiscard]] int flush() const noexcept;

 private:
  explicit Folder(Descriptor folder) noexcept : folder_(std::move(folder)) {}
  void list(bool (*f)(void*, const char*), void* context) const;

  Descriptor folder_;
  bool locked_ = false;
};

template <class F>
void Folder::for_each_name(F f) const {
  list([](void* context, const char* name) { return (*static_cast<F*>(context))(name); }, &f);
}

/// How a record is opened: a link is not followed, a FIFO does not block, atime (last_seen) stays.
inline constexpr int record_flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME;

/// Without a lock: a rename is atomic, so this finds the record before it or after it.
/// Works also where the process has no descriptor left. The file is closed.
[[nodiscard]] Stored read_record(const Root& root, RecordReader& reader, const SessionKey& key,
                                 Part part);

}  // namespace flame::inline v0::session::file
