#include <iostream>

#include "access.hpp"
#include "commands.hpp"
#include "managed.hpp"
#include "terminal.hpp"

namespace flame::inline v0::session::command {
namespace {

constexpr std::size_t at_once = 1000;
/// Stores that look at a part of themselves in a call come round in so many: the file store has as
/// many folders.
constexpr int calls_of_a_round = 257;

}  // namespace

ExitStatus sweep(const Arguments& arguments) {
  Access access(open_existing(arguments.url));
  watch_for_interrupts();
  std::size_t gone = 0;
  {
    Progress progress;
    for (int idle = 0; idle < calls_of_a_round && !is_interrupted();) {
      const auto some = access.sweep(at_once);
      gone += some;
      idle = some > 0 ? 0 : idle + 1;
      progress.tell(sessions(gone) + " removed");
    }
  }
  const bool by_itself = gone == 0 && access.traits().expires_by_itself;
  std::cout << sessions(gone) << " removed, which had expired"
            << (by_itself ? ": the server removes them by itself\n" : "\n");
  if (is_interrupted())
    throw Failure(ExitStatus::not_done, "interrupted: there may be more; do it again");
  return ExitStatus::done;
}

}  // namespace flame::inline v0::session::command
