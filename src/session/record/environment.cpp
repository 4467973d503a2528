#include <sys/random.h>

#include <cerrno>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {
namespace {

class SystemClock final : public Clock {
 public:
  Deadline steady() const noexcept override { return std::chrono::steady_clock::now(); }
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

Clock& system_clock() noexcept {
  static SystemClock clock;
  return clock;
}

RandomSource& system_random() noexcept {
  static SystemRandom random;
  return random;
}

}  // namespace flame::inline v0::session
