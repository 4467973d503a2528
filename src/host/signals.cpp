#include "signals.hpp"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <new>

namespace flame::inline v0::detail {
namespace {

std::atomic<int> catching{0};
thread_local sigset_t mask_before{};

void hold_signals() {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &held, &mask_before);
}

void let_signals_come() { ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr); }

/// In the child, before a signal can come: only what is safe in a signal's handler.
void let_go() {
  if (catching > 0)
    for (const int number : {SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
  let_signals_come();
}

}  // namespace

Signals::Signals(boost::asio::io_context& io) : set_(io, SIGINT, SIGTERM) {
  static const int failed = ::pthread_atfork(hold_signals, let_signals_come, let_go);
  if (failed != 0) throw std::bad_alloc();
  ++catching;
}

Signals::~Signals() { --catching; }

}  // namespace flame::inline v0::detail
