#include <sys/random.h>
#include <time.h>

#include <cerrno>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {
namespace {

class SystemClock final : public Clock {
 public:
  Deadline steady() const noexcept override { return std::chrono::steady_clock::now(); }
  std::chrono::nanoseconds elapsed() const noexcept override {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail: Linux has had it since 2.6.39
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
  TimePoint wall() const noexcept override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

class SystemRandom final : public RandomSource {
 public:
  bool fill(std::span<std::byte> out) noexcept override {
    while (!out.empty()) {
      const auto got = getrandom(out.data(), out.size(), 0);
      if (got < 0 && errno != EINTR) return false;
      if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
  }
};

}  // namespace

// Never destroyed: exit() leaves threads behind that still look at the time.
Clock& system_clock() noexcept {
  static auto& clock = *new SystemClock;
  return clock;
}

RandomSource& system_random() noexcept {
  static auto& random = *new SystemRandom;
  return random;
}

}  // namespace flame::inline v0::session
