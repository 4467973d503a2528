#include <algorithm>
#include <iostream>

#include "access.hpp"
#include "commands.hpp"
#include "managed.hpp"
#include "terminal.hpp"

namespace flame::inline v0::session::command {
namespace {

constexpr std::size_t page = 1000;

ExitStatus tell_ended(std::size_t n, const Arguments& arguments) {
  std::cout << sessions(n) << " ended\n";
  if (n == 0) tell_whose(arguments);
  return ExitStatus::done;
}

/// Of all applications, and what has expired among them.
std::size_t count_all(const std::string& url) {
  Access access(open_existing(url));
  std::size_t n = 0;
  Progress progress;
  for (std::string from;;) {
    auto found = access.scan(from, page);
    n += found.keys.size();
    if (found.next.empty()) return n;
    from = std::move(found.next);
    progress.tell("looking: " + sessions(n));
  }
}

/// More than list() tells: what cannot be read is ended, too.
std::size_t count_owned(const Arguments& arguments) {
  const auto& application = arguments.application;
  return Access(open_existing(arguments.url))
      .count(application.empty() ? arguments.owner : application + '\0' + arguments.owner);
}

std::string whose(const Arguments& arguments) {
  std::string text =
      arguments.application.empty() ? "services without an application's name" : "this application";
  return arguments.except ? text + ", but the one of --except" : text;
}

ExitStatus end_everyone(const Arguments& arguments) {
  if (!arguments.yes) {
    const auto most = count_all(arguments.url);
    if (most > 1)
      agree("End all sessions of " + whose(arguments) + ": at most " + std::to_string(most) +
            ", which is all that the store has?");
  }
  EndOperation operation;
  operation.whose = EndWhose::everyones;
  operation.except = arguments.except;
  return tell_ended(end_with(*open_manager(arguments), operation), arguments);
}

}  // namespace

ExitStatus end(const Arguments& arguments) {
  const auto ended = value_of(open_manager(arguments)->end(arguments.key));
  if (ended == 0)
    throw Failure(ExitStatus::failed,
                  "no session with this key lives here, or it is another application's: see "
                  "--application");
  return tell_ended(ended, arguments);
}

ExitStatus end_all(const Arguments& arguments) {
  watch_for_interrupts();
  if (arguments.everyone) return end_everyone(arguments);
  const auto manager = open_manager(arguments);
  if (!arguments.yes) {
    const auto all = count_owned(arguments);
    if (all > 1)
      agree("End all sessions of this owner, " + std::to_string(all) +
            (arguments.except ? " with the one of --except?" : "?"));
  }
  EndOperation operation;
  operation.owner = arguments.owner;
  operation.except = arguments.except;
  return tell_ended(end_with(*manager, operation), arguments);
}

}  // namespace flame::inline v0::session::command
