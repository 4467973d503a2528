// Forms and queries: read as a second decoder of the URL standard reads them, and encoded so that
// they are read back.
#include <flame/context.hpp>

#include "fuzz.hpp"
#include "host/form.hpp"
#include "host/text.hpp"

namespace flame::fuzz {
namespace {

using detail::FormPair;

int digit_of(char c) {
  const auto at = std::string_view("0123456789abcdef").find(lower(c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    char c = text[0];
    if (c == '+') c = ' ';
    if (c == '%' && text.size() > 2 && digit_of(text[1]) >= 0 && digit_of(text[2]) >= 0) {
      c = static_cast<char>(digit_of(text[1]) << 4 | digit_of(text[2]));
      used = 3;
    }
    out += c;
    text.remove_prefix(used);
  }
  return out;
}

std::vector<FormPair> pairs_of(std::string_view text) {
  std::vector<FormPair> pairs;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('&', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    begin = end + 1;
    const auto equals = part.find('=');
    if (part.empty()) continue;
    if (equals == std::string_view::npos)
      pairs.emplace_back(decoded(part), "");
    else
      pairs.emplace_back(decoded(part.substr(0, equals)), decoded(part.substr(equals + 1)));
  }
  return pairs;
}

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c <= ' ' || c > '~' || std::string_view("\"#<>?[]`{|}").find(c) != std::string_view::npos)
      return false;
  return true;
}

void check_percent(std::string_view text) {
  const auto read = detail::percent_decoded(text);
  expect(read.has_value() == detail::is_percent_encoded(text), "what is encoded can be decoded");
  std::string written;
  for (const char c : text) detail::append_percent_encoded(written, c);
  expect(detail::percent_decoded(written) == text, "what was encoded is read back");
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  const auto input = text_of(data, size);
  if (wants_much(input)) {
    static_cast<void>(flame::detail::form_pairs(much_of(input)));
    return 0;
  }
  check_percent(input);
  const auto wanted = pairs_of(input);
  const auto pairs = flame::detail::form_pairs(input);
  expect(pairs.has_value() == (wanted.size() <= flame::max_pairs), "too many pairs are refused");
  if (!pairs) return 0;
  expect(*pairs == wanted, "a second decoder reads the same");
  const auto text = flame::detail::form_encoded(*pairs);
  expect(is_plain(text), "what is encoded needs no more quoting");
  expect(flame::detail::form_pairs(text) == wanted, "what was encoded is read back");
  return 0;
}
