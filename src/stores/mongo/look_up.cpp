#include "look_up.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "failure.hpp"

namespace flame::inline v0::session::mongo {
namespace {

std::atomic<int> looking_now{0};
std::atomic<pid_t> looking_process{0};

/// Shared with the thread that makes it: whoever comes last frees it.
class Making {
 public:
  Making(Maker maker, Uri uri) : maker_(maker), uri_(std::move(uri)) {
    if (looking_process.exchange(::getpid()) != ::getpid())
      looking_now = 0;  // those were threads of another process
    looking_now.fetch_add(1);
  }
  ~Making() {
    looking_now.fetch_sub(1);
    if (done_ >= 0) ::close(done_);
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

  void check() const {
    if (done_ < 0)
      lose("the servers cannot be looked up: no descriptor is left: raise the limit (ulimit -n)");
    if (looking_now > most_looking_up)
      lose("the servers are not looked up: the resolver hangs: check /etc/resolv.conf");
  }
  void run() noexcept {
    Client made(maker_(uri_.get()));
    const std::lock_guard lock(mutex_);
    client_ = std::move(made);
    ::eventfd_write(done_, 1);
  }
  Client result(Waiter& waiter, Deadline until) {
    static_cast<void>(waiter.wait(done_, POLLIN, until));
    const std::lock_guard lock(mutex_);
    return std::move(client_);
  }

 private:
  const Maker maker_;
  const Uri uri_;
  const int done_ = ::eventfd(0, EFD_CLOEXEC);
  std::mutex mutex_{};
  Client client_{};
};

}  // namespace

Client make_with(Maker maker, Uri uri, Waiter& waiter, Deadline until) {
  const auto making = std::make_shared<Making>(maker, std::move(uri));
  making->check();
  try {
    std::thread([making] { making->run(); }).detach();
  } catch (const std::system_error&) {
    lose("the servers cannot be looked up: no thread could be started");
  }
  return making->result(waiter, until);
}

}  // namespace flame::inline v0::session::mongo
