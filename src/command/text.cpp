#include "text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace flame::inline v0::session::command {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 0;  ///< bytes; 0: the first is no UTF-8
};

Character first_of(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return {};
  char32_t code = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return code < least[size] || code > 0x10ffff || surrogate ? Character{} : Character{code, size};
}

/// Calls f with each character and its bytes.
template <class F>
void for_each_character(std::string_view text, F f) {
  while (!text.empty()) {
    const auto character = first_of(text);
    const auto size = std::max<std::size_t>(character.size, 1);
    f(character, text.substr(0, size));
    text.remove_prefix(size);
  }
}

bool steers(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for_each_character(text, [&](Character, std::string_view) { ++n; });
  return n;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for_each_character(text, [&](Character character, std::string_view bytes) {
    out.append(character.size == 0 || steers(character.code) ? "?" : bytes);
  });
  return out;
}

std::string json(std::string_view text) {
  std::string out = "\"";
  for_each_character(text, [&](Character character, std::string_view bytes) {
    char escaped[8];
    if (character.size == 0) {
      out.append("\\ufffd");
    } else if (character.code == '"' || character.code == '\\') {
      out.append("\\").append(bytes);
    } else if (steers(character.code)) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(character.code));
      out.append(escaped);
    } else {
      out.append(bytes);
    }
  });
  return out.append("\"");
}

std::string utc(TimePoint time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out.append(row[i]);
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    out.append("\n");
  }
  return out;
}

}  // namespace flame::inline v0::session::command
