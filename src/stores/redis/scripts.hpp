#pragma once

#include <string>
#include <string_view>

namespace flame::inline v0::session::redis {

/// A Lua script with one key, and the hash that the server knows it by once it has run.
struct Script {
  std::string text, hash;
};

// ARGV `now`, `ttl` (a key's, in ms) and times are milliseconds; times of records have 14 digits.
// A record that has expired at `now`, or that it cannot read, is missing, but create leaves the
// latter alone. What a script answers with 0 or text it has not written.

/// o-key: now ttl expires_at member → 1
[[nodiscard]] const Script& index_script();
/// s-key: now ttl value → 1, 0 exists
[[nodiscard]] const Script& create_script();
/// s-key: now ttl value expected covered → 1, 0 missing, text: the newest record. A larger number:
/// first the owner's index must cover this time, and `covered` say so.
[[nodiscard]] const Script& replace_script();
/// s-key: now ttl expires_at last_seen owner → 1, 0 missing, text: the owner is this one; first its
/// index must cover expires_at.
[[nodiscard]] const Script& touch_script();

}  // namespace flame::inline v0::session::redis
