#include "option_file.hpp"

#include <fstream>
#include <iterator>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mysql {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// Without the quotes around it, or else without a comment after it; with the escapes that MySQL
/// knows in such files.
std::string value_of(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  if (quoted) {
    text = text.substr(1, text.size() - 2);
  } else if (const auto comment = text.find(" #"); comment != text.npos) {
    text = trimmed(text.substr(0, comment));
  }
  constexpr std::string_view escapes = "btnrs\\\"'", meanings = "\b\t\n\r \\\"'";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape =
        text[i] == '\\' && i + 1 < text.size() ? escapes.find(text[i + 1]) : text.npos;
    out += escape == text.npos ? text[i] : meanings[escape];
    if (escape != text.npos) ++i;
  }
  return out;
}

}  // namespace

Credentials parse_option_file(std::string_view text) {
  Credentials found;
  bool is_ours = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.starts_with('[')) is_ours = line == "[client]" || line == "[client-server]";
    const auto equals = line.find('=');
    if (!is_ours || equals == line.npos) continue;
    const auto name = trimmed(line.substr(0, equals));
    if (name == "user") found.user = value_of(trimmed(line.substr(equals + 1)));
    if (name == "password") found.password = value_of(trimmed(line.substr(equals + 1)));
  }
  return found;
}

Credentials read_option_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || text.empty())
    throw StoreError(StoreError::Kind::connection_lost,
                     "mysql: the option file " + file.string() +
                         " cannot be read, or is empty: let this user read it");
  return parse_option_file(text);
}

}  // namespace flame::inline v0::session::mysql
