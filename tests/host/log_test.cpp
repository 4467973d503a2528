// What the host writes to a log never waits for whoever reads it, or writes to it too.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "host/text.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;

constexpr int page = 4'096;

/// A pipe of one page, that another process writes to whenever there is room.
class SharedPipe {
 public:
  SharedPipe() {
    if (::pipe(ends_.data()) != 0) ::_exit(9);
    ::fcntl(ends_[1], F_SETPIPE_SZ, page);
    const auto path = "/proc/self/fd/" + std::to_string(ends_[1]);
    const int other = ::open(path.c_str(), O_WRONLY | O_NONBLOCK);
    writer_ = std::thread([this, other] {
      const std::string text(page, 'o');
      while (!stops_)
        if (::write(other, text.data(), text.size()) <= 0) std::this_thread::yield();
      ::close(other);
    });
  }
  SharedPipe(const SharedPipe&) = delete;
  SharedPipe& operator=(const SharedPipe&) = delete;
  ~SharedPipe() {
    stops_ = true;
    writer_.join();
    for (const int end : ends_) ::close(end);
  }
  [[nodiscard]] int end() const noexcept { return ends_[1]; }
  [[nodiscard]] bool is_full() const {
    int bytes = 0;
    return ::ioctl(ends_[0], FIONREAD, &bytes) == 0 && bytes == page;
  }
  void make_room() const {
    std::array<char, page> taken{};
    static_cast<void>(!::read(ends_[0], taken.data(), taken.size()));
  }

 private:
  std::array<int, 2> ends_{};
  std::atomic<bool> stops_{false};
  std::thread writer_{};
};

/// Whether it comes true within a time that is long enough for anything.
template <class Condition>
bool comes_true(Condition&& condition) {
  for (const auto until = std::chrono::steady_clock::now() + 10s; !condition();) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Log, ThatAnotherProcessFillsIsNotWaitedFor) {
  SharedPipe pipe;
  std::atomic<bool> stops{false};
  std::atomic<unsigned> tries{0};
  std::thread host([&] {
    const std::string text(page, 'h');
    for (; !stops; ++tries) static_cast<void>(detail::write_now(pipe.end(), text));
  });
  bool waits = false;
  for (int round = 0; round < 2'000 && !waits; ++round) {
    pipe.make_room();
    ASSERT_TRUE(comes_true([&] { return pipe.is_full(); }));
    waits = !comes_true([&, before = tries.load()] { return tries > before + 1; });
  }
  EXPECT_FALSE(waits);
  stops = true;
  if (waits) pipe.make_room();
  host.join();
}

TEST(Log, OfAFullDiskIsKeptToBeWrittenLater) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  EXPECT_EQ(detail::write_now(full, "a line\n"), "a line\n");
  ::close(full);
}

}  // namespace
}  // namespace flame
