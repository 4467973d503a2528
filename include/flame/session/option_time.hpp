#pragma once

#include <chrono>
#include <ratio>
#include <type_traits>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// Whether a time would lose a part on its way: 1.5 h in seconds, or ms.
template <class Time, class Duration>
concept Loses = !std::is_convertible_v<Time, Duration>;

/// A time among options: a duration, that a bare number does not become.
template <class Duration>
struct OptionTime : Duration {
  constexpr OptionTime() noexcept : Duration(Duration::zero()) {}
  template <class Rep, class Period>
  requires std::is_convertible_v<std::chrono::duration<Rep, Period>, Duration>
  constexpr OptionTime(std::chrono::duration<Rep, Period> time)  // NOLINT: implicit is its purpose
      : Duration(time) {}
  template <class Rep, class Period>
  requires Loses<std::chrono::duration<Rep, Period>, Duration>
  constexpr OptionTime(std::chrono::duration<Rep, Period>) {  // NOLINT: to say what is wrong
    static_assert(!Loses<std::chrono::duration<Rep, Period>, Duration>,
                  "an option of time has no parts of its unit: write 90min, not 1.5h, and seconds "
                  "where it counts in seconds");
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr OptionTime(Number) {  // NOLINT: to say what is wrong
    static_assert(!std::is_arithmetic_v<Number>,
                  "an option of time needs its unit: write 30min, 12h or std::chrono::seconds(45)");
  }
};
using OptionSeconds = OptionTime<std::chrono::seconds>;
using OptionMilliseconds = OptionTime<std::chrono::milliseconds>;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
