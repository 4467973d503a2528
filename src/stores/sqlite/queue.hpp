#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "database.hpp"

namespace flame::inline v0::session::sqlite {

/// Who of all processes writes next. Without it whoever has just written would be the first again,
/// for it is awake, and others wait for it many times over. A lock on -wal, where SQLite has none
/// of its own: so closing it takes none away. It is only a courtesy: who is kept waiting by one
/// that hangs goes on without.
class Queue {
 public:
  Queue() = default;
  ~Queue() {
    if (file_ >= 0) ::close(file_);
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Next, until its end, or let through at the database's deadline.
  class Next {
   public:
    Next(Queue& queue, Database& database, const std::string& wal) : queue_(queue) {
      queue_.open(wal);
      while (::flock(queue_.file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
             database.wait_for_lock())
        continue;
    }
    ~Next() { ::flock(queue_.file_, LOCK_UN); }
    Next(const Next&) = delete;
    Next& operator=(const Next&) = delete;

   private:
    Queue& queue_;
  };

 private:
  void open(const std::string& wal) noexcept {
    if (file_ < 0) file_ = ::open(wal.c_str(), O_RDONLY | O_CLOEXEC);
  }

  int file_ = -1;
};

}  // namespace flame::inline v0::session::sqlite
