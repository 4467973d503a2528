#include "terminal.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "exit_status.hpp"

namespace flame::inline v0::session::command {
namespace {

volatile sig_atomic_t interrupted = 0;

}  // namespace

bool is_interrupted() noexcept { return interrupted != 0; }

void watch_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void agree(const std::string& what, const std::string& else_told) {
  if (::isatty(STDIN_FILENO) == 0)
    throw Failure(ExitStatus::not_done,
                  what + " There is no terminal to ask on: " + else_told + "; add --yes");
  std::cerr << what << " [y/N] " << std::flush;
  std::string answer;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (!is_interrupted() && ::poll(&input, 1, 100) < 1) continue;
  if (!is_interrupted()) std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw Failure(ExitStatus::not_done, else_told);
}

Progress::~Progress() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::tell(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_ || ::isatty(STDERR_FILENO) == 0) return;
  next_ = now + std::chrono::milliseconds(200);
  shown_ = true;
  std::cerr << "\r" << text << "\033[K" << std::flush;
}

}  // namespace flame::inline v0::session::command
