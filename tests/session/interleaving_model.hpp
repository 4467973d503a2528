#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flame::session_tests {

/// What a handler may do; any sum of them.
enum Action : unsigned {
  nothing = 0,
  set_own = 1,        ///< its own key, and "last"
  update_n = 2,       ///< n + 1
  regenerate = 4,     //
  destroy = 8,        //
  login = 16,         ///< as an owner of its own
  put_flash = 32,     ///< a message of its own
  take_flash = 64,    //
  fails = 128,        ///< the handler throws
  bad_update = 256,   ///< a function given to update() throws
  erase_last = 512,   ///< "last", before it sets anything
  clear_all = 1024,   ///< before it sets anything
  unlooked = 2048,    ///< with take_flash: the handler does not look at the message
  end_all = 4096,     ///< another process ends the sessions of ends_owner(), before the commit
  two_ids = 8192,     ///< its request brings a second ID, where one is known
  everyone = 16384,   ///< with these: everyone's sessions, not those of ends_owner()
  host_ends = 32768,  ///< no request at all: a host ends the sessions of ends_owner()
  end_of_actions = 65536,
};
[[nodiscard]] std::string describe(unsigned actions);

/// At most so many sessions for each owner, who is one and the same then; 0: any number.
struct Limit {
  std::size_t sessions = 0;
  bool refuses = false;

  /// Who signs in by request i.
  [[nodiscard]] constexpr int login_owner(std::size_t i) const noexcept {
    return sessions > 0 ? 0 : static_cast<int>(i);
  }
  /// Whose sessions request i ends: the next one's, of so many.
  [[nodiscard]] constexpr int ends_owner(std::size_t i, std::size_t requests) const noexcept {
    return sessions > 0 ? 0 : static_cast<int>((i + 1) % requests);
  }
};
/// Whether request i signs in on terms of its own: with a label, which is its number.
[[nodiscard]] constexpr bool has_terms(std::size_t i) noexcept { return i % 2 == 1; }

/// Values of a session: as a model keeps them, or as a request sees them. -1: absent.
struct Content {
  unsigned keys = 0;  ///< a bit for each request whose own key is there
  int n = 0;
  int last = -1;
  int owner = -1;
  int label = -1;
  bool operator==(const Content&) const = default;
};
[[nodiscard]] std::string describe(const Content& content);

/// In steps of a schedule.
struct Interval {
  std::size_t start = 0;
  std::size_t end = 0;
};

/// One request as it was seen from outside. IDs are numbers: 0 the first session's, i + 1 what
/// request i got.
struct Seen {
  unsigned actions = 0;
  int id = 0;             ///< that it came with
  int second_id = -1;     ///< -1: none
  std::size_t ended = 0;  ///< by its end_all

  enum class Load : std::uint8_t { ok, error };
  enum class Commit : std::uint8_t { none, ok, update_failed, not_applied, refused, unknown };
  enum class Cookie : std::uint8_t { none, fresh, removed };
  Load load = Load::ok;
  Interval loading{};
  bool exists = false;
  Content content{};
  int flash = -1;  ///< claimed: 0 the first session's, i + 1 that of request i

  Commit commit = Commit::none;
  Interval committing{};
  Cookie cookie = Cookie::none;
};

/// What an ID opens when all is over.
struct Opened {
  int id = 0;
  bool exists = false;
  Content content{};
  int flash = -1;
};

struct History {
  bool flash_at_start = false;
  bool faults = false;  ///< an error, or a flash that is lost, may be the store's
  Limit limit{};
  std::vector<Seen> requests{};
  std::vector<Opened> at_end{};
  std::size_t dropped = 0;     ///< events
  std::size_t flash_lost = 0;  ///< events
  std::size_t flash_left = 0;  ///< events: messages that could not be taken, and stay
};

/// Looks for an order of the requests, true to time, in which each does all that it does at one
/// moment, and everybody sees exactly what was seen. Empty where there is one; else why the best
/// try fails.
[[nodiscard]] std::optional<std::string> unexplained(const History& history);

}  // namespace flame::session_tests
