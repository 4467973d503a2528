#include "option_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mysql {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\v\f";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// Up to a comment: a # outside of quotes, which need not be around all of the value.
std::string_view without_comment(std::string_view line) noexcept {
  char quote = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '#' && quote == 0) return line.substr(0, i);
    if ((c == '"' || c == '\'') && !escaped && (quote == 0 || quote == c))
      quote = quote == 0 ? c : '\0';
    escaped = quote != 0 && c == '\\' && !escaped;
  }
  return line;
}

/// Of `[name]`, whatever comes after it.
bool names_our_group(std::string_view line) noexcept {
  const auto name = trimmed(line.substr(0, line.find(']'))).substr(1);
  const auto is = [&](std::string_view group) {
    return std::ranges::equal(name, group, {}, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
  };
  return is("client") || is("client-server");
}

/// Without the quotes around it; with the escapes that MySQL knows in such files.
std::string value_of(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  if (quoted) text = text.substr(1, text.size() - 2);
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
    const auto line = trimmed(without_comment(text.substr(0, end)));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.starts_with('[')) is_ours = names_our_group(line);
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
