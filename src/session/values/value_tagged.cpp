#include <flame/session/value_codecs.hpp>

namespace flame::inline v0::session::detail {
namespace {

__extension__ using Wide = __int128;  // any two of 64 bits multiplied

constexpr std::int64_t nanoseconds = 1'000'000'000;
// Keys of the maps of tags 1001 and 1002 (RFC 9581, 3.2 and 3.3).
constexpr std::int64_t whole_seconds_key = 1;
constexpr std::int64_t nanoseconds_key = -9;

}  // namespace

void throw_value_error(const char* text) { throw ValueError(text); }

void write_bytes(Writer& out, std::span<const std::byte> value) {
  out.tag(bytes_tag);
  out.bytes(value);
}

std::optional<std::span<const std::byte>> read_bytes(Reader& in) noexcept {
  return in.tag() == bytes_tag ? in.bytes() : std::nullopt;
}

void write_ticks(Writer& out, std::uint64_t tag, std::int64_t ticks, std::int64_t tick_ns) {
  const Wide total = Wide{ticks} * tick_ns;
  Wide seconds = total / nanoseconds;
  auto rest = static_cast<std::int64_t>(total % nanoseconds);
  if (rest < 0) {
    rest += nanoseconds;
    --seconds;
  }
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole != seconds)
    throw_value_error("a time must fit 64 bits of seconds: it cannot be stored");
  out.tag(tag);
  out.map(rest == 0 ? 1 : 2);
  out.integer(whole_seconds_key);
  out.integer(whole);
  if (rest == 0) return;
  out.integer(nanoseconds_key);
  out.integer(rest);
}

std::optional<std::int64_t> read_ticks(Reader& in, std::uint64_t tag,
                                       std::int64_t tick_ns) noexcept {
  if (in.tag() != tag) return std::nullopt;
  const auto entries = in.map();
  if ((entries != 1u && entries != 2u) || in.integer() != whole_seconds_key) return std::nullopt;
  const auto seconds = in.integer();
  if (!seconds) return std::nullopt;
  std::int64_t rest = 0;
  if (entries == 2u) {
    if (in.integer() != nanoseconds_key) return std::nullopt;
    rest = in.integer().value_or(-1);
    if (rest <= 0 || rest >= nanoseconds) return std::nullopt;
  }
  const Wide total = Wide{*seconds} * nanoseconds + rest;
  const Wide ticks = total / tick_ns;
  if (total % tick_ns != 0 || ticks != static_cast<std::int64_t>(ticks)) return std::nullopt;
  return static_cast<std::int64_t>(ticks);
}

}  // namespace flame::inline v0::session::detail
