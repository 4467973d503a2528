#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// What the fuzz targets share. Each has one function, LLVMFuzzerTestOneInput.
namespace flame::fuzz {

/// What does not hold is a finding.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: it does not hold that %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The pieces of an input, with ASCII's unit separator between.
inline std::vector<std::string_view> pieces_of(std::string_view input) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= input.size();) {
    const auto end = std::min(input.find('\x1f', begin), input.size());
    pieces.push_back(input.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

/// The piece of this number; empty where there are fewer.
inline std::string_view piece(const std::vector<std::string_view>& pieces, std::size_t i) {
  return i < pieces.size() ? pieces[i] : std::string_view();
}

/// A short input that ends with this asks for itself over and over, 64 KiB of it: what takes the
/// square of its length runs into -timeout then.
inline constexpr char again = '\xfe';

inline bool wants_much(std::string_view input) {
  return input.size() > 1 && input.size() <= 16 && input.back() == again;
}

inline std::string much_of(std::string_view input) {
  input.remove_suffix(1);
  std::string out;
  while (out.size() < 64 * 1024) out += input;
  return out;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

inline std::string_view stripped(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace flame::fuzz
