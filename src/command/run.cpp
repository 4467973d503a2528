#include <iostream>

#include "commands.hpp"
#include "help.hpp"
#include "text.hpp"

namespace flame::inline v0::session::command {
namespace {

ExitStatus act(const Arguments& arguments) {
  switch (arguments.action) {
    case Action::help:
      std::cout << help(arguments.about);
      return ExitStatus::done;
    case Action::version:
      std::cout << "flame-session " FLAME_SESSION_VERSION "\n";
      return ExitStatus::done;
    case Action::list:
      return list(arguments);
    case Action::end:
      return end(arguments);
    case Action::end_all:
      return end_all(arguments);
    case Action::sweep:
      return sweep(arguments);
    case Action::copy:
      return copy(arguments);
    case Action::check:
      return check(arguments);
  }
  return ExitStatus::usage;
}

ExitStatus tell(const char* text, ExitStatus status) {
  std::cout << std::flush;
  std::cerr << "flame-session: " << printable(text) << "\n";
  return status;
}

}  // namespace

ExitStatus run(std::span<const char* const> words) noexcept try {
  const auto status = act(read_arguments(words));
  std::cout << std::flush;
  return std::cout ? status : tell("the output could not be written", ExitStatus::failed);
} catch (const Failure& failure) {
  return tell(failure.what(), failure.status());
} catch (const std::exception& error) {
  return tell(error.what(), ExitStatus::failed);
}

}  // namespace flame::inline v0::session::command
