#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

namespace flame::inline v0::session {

/// What a login asked for, as its session's envelope keeps it; 0 or unset: by Options.
struct Terms {
  std::chrono::milliseconds idle{0}, absolute{0};
  std::optional<bool> persistent{};
  std::string_view label{};
  bool operator==(const Terms&) const = default;
};

inline constexpr std::size_t max_label_size = 255;  ///< bytes

/// What holds for one session.
struct Lifetimes {
  std::chrono::milliseconds idle{}, absolute{};
  bool persistent = false;

  /// An expiry moves in steps: a write of it for less is not worth a store operation (S07, R11).
  [[nodiscard]] std::chrono::milliseconds step() const noexcept { return idle / 20; }
};

/// Options' defaults, and the bound of what a login may have.
struct LifetimeRules {
  Lifetimes usual{};
  std::chrono::milliseconds longest = std::chrono::milliseconds::max();

  [[nodiscard]] Lifetimes of(const Terms& terms) const noexcept {
    const auto asked = [this](std::chrono::milliseconds wish, std::chrono::milliseconds otherwise) {
      return wish.count() > 0 ? std::min(wish, longest) : otherwise;
    };
    Lifetimes out;
    out.absolute = asked(terms.absolute, usual.absolute);
    // Who is to be remembered is not forgotten between two visits.
    out.idle = asked(terms.idle, terms.persistent == true ? out.absolute : usual.idle);
    out.persistent = terms.persistent.value_or(usual.persistent);
    return out;
  }
};

}  // namespace flame::inline v0::session
