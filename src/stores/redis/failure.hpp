#pragma once

#include <cstdint>
#include <string_view>

namespace flame::inline v0::session::redis {

/// What a server's error means for the command that got it. But for `lost` it was not applied.
enum class Meaning : std::uint8_t {
  no_script,  ///< again, with the script's text
  one_slot,   ///< again, with one key a command
  moved,      ///< another node of a cluster has the key
  later,      ///< again, after a pause
  away,       ///< this server is the wrong one now
  foreign,    ///< the key holds what no session store wrote
  refused,    ///< what the operator must mend
  full,       ///< the server takes no writes for now: loads are served
  lost,       ///< the server closes the connection
};

struct Failure {
  Meaning meaning{};
  const char* text = "";  ///< what happened, and the remedy; never the server's own words
};

/// Pure: of the text of an error reply. The server's words may hold keys and values.
[[nodiscard]] Failure failure_of(std::string_view error) noexcept;
/// Of a call that has no operations.
[[noreturn]] void throw_failure(const Failure& failure);
/// Of a reply of another type or size than its command's: whose it is, nobody knows.
[[noreturn]] void throw_strange_reply();

}  // namespace flame::inline v0::session::redis
