#pragma once

#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::redis {

inline constexpr std::size_t max_record = std::size_t{1} << 20;  // bytes of a blob
inline constexpr std::size_t max_owner = 320;

/// What a session's key holds: a header of fixed width, the owner, the blob. Scripts read it too.
///   1   format: '1'
///   8   write token, compared as bytes: 64 bits are more than a number of Lua holds
///   14  expires_at, 14 last_seen, 14 created_at: milliseconds since 1970, decimal, with zeros
///   3   length of the owner, decimal, with zeros
inline constexpr std::size_t header_size = 1 + 8 + 3 * 14 + 3;
/// What scripts and list() read of it: all before the blob.
inline constexpr std::size_t most_header = header_size + max_owner;
inline constexpr std::size_t token_size = 8;
inline constexpr std::size_t time_size = 14;

using TokenBytes = char[token_size];
void write_token(WriteToken token, TokenBytes& out) noexcept;
using TimeDigits = char[time_size];
/// Only of times that fit.
void write_time(TimePoint time, TimeDigits& out) noexcept;

/// Whether a value can hold it: its sizes, and times from 1970 to 5138.
[[nodiscard]] bool fits(const Record& record) noexcept;
[[nodiscard]] std::size_t value_size(const Record& record) noexcept;
/// Of a record that fits.
void append_value(const Record& record, std::string& out);

/// Fills all but the key; the blob takes the string's memory. False: damaged or of a later format,
/// and nothing was filled. A value that was cut behind its owner has an empty blob.
[[nodiscard]] bool read_value(std::string& value, Record& out);

}  // namespace flame::inline v0::session::redis
