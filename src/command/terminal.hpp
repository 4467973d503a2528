#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace flame::inline v0::session::command {

/// From now on SIGINT and SIGTERM do not end the process, the first time: who watches looks.
void watch_for_interrupts();
[[nodiscard]] bool is_interrupted() noexcept;

/// Throws Failure where nobody is there to agree, or nobody does, and tells what follows from that.
/// `what`: "End 3 sessions?"
void agree(const std::string& what, const std::string& else_told = "nothing was ended");

/// A line on stderr that tells how far it is; nothing where that is no terminal.
class Progress {
 public:
  ~Progress();
  void tell(const std::string& text);

 private:
  std::chrono::steady_clock::time_point next_{};
  bool shown_ = false;
};

}  // namespace flame::inline v0::session::command
