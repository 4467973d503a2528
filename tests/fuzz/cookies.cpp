// Cookie fields and ID headers: which session a request presents is what a second reader says.
#include <algorithm>
#include <set>
#include <utility>

#include <flame/session/manager.hpp>

#include "fuzz.hpp"
#include "host/access.hpp"
#include "jobs/cookie.hpp"

namespace flame::fuzz {
namespace {

using session::Presented;
using Pair = std::pair<std::string_view, std::string_view>;

const session::CookieRules rules{"sid", "; Path=/"};

/// 16 and 27 characters of base64url, of which the last has two spare bits.
bool is_id(std::string_view text) {
  const std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.size() == 43 &&
         std::ranges::all_of(text, [&](char c) { return letters.find(c) != letters.npos; }) &&
         letters.find(text.back()) % 4 == 0;
}

/// All pairs of a field, in order.
std::vector<Pair> pairs_of(std::string_view line) {
  std::vector<Pair> pairs;
  for (std::size_t begin = 0; begin < line.size();) {
    const auto end = std::min(line.find(';', begin), line.size());
    const auto part = line.substr(begin, end - begin);
    begin = end + 1;
    if (const auto equals = part.find('='); equals != std::string_view::npos)
      pairs.emplace_back(stripped(part.substr(0, equals)), stripped(part.substr(equals + 1)));
  }
  return pairs;
}

struct Fields {
  std::vector<std::string_view> cookies{}, headers{};
  std::vector<Pair> pairs{};
};

/// Each piece is a Cookie field, or after `#` an ID header.
Fields fields_of(std::string_view input) {
  Fields fields;
  for (const auto each : pieces_of(input)) {
    if (each.starts_with('#')) {
      fields.headers.push_back(each.substr(1));
      continue;
    }
    fields.cookies.push_back(each);
    const auto pairs = pairs_of(each);
    fields.pairs.insert(fields.pairs.end(), pairs.begin(), pairs.end());
  }
  return fields;
}

struct Wanted {
  Presented::Kind kind{};
  std::set<std::string_view> ids{};
};

Wanted wanted_of(const Fields& fields) {
  std::set<std::string_view> cookies, headers;
  bool any = false;
  for (const auto& [name, value] : fields.pairs) {
    if (name != rules.name) continue;
    any = true;
    if (is_id(value)) cookies.insert(value);
  }
  for (const auto header : fields.headers) {
    if (stripped(header).empty()) continue;
    any = true;
    if (is_id(stripped(header))) headers.insert(stripped(header));
  }
  auto all = cookies;
  all.insert(headers.begin(), headers.end());
  if (all.empty()) return {any ? Presented::Kind::malformed : Presented::Kind::nothing};
  if (all.size() > (headers.empty() ? 2U : 1U)) return {Presented::Kind::ambiguous};
  return {Presented::Kind::ids, all};
}

void check(const Presented& presented, const Wanted& wanted) {
  expect(presented.kind == wanted.kind, "a second reader sees the same kind");
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < presented.count; ++i) ids.insert(presented.ids[i].text());
  expect(ids == wanted.ids, "a second reader sees the same IDs");
}

void check_pairs(const Fields& fields) {
  std::vector<Pair> pairs;
  Request request;
  for (auto rest : fields.cookies) {
    RequestAccess::fields(request).push_back({"cookie", rest});
    while (const auto pair = session::next_cookie(rest)) pairs.push_back(*pair);
  }
  expect(pairs == fields.pairs, "a second reader sees the same pairs");
  for (const auto& [name, value] : pairs) {
    const auto first = std::ranges::find(pairs, name, &Pair::first);
    expect(request.cookie(name) == first->second, "a handler gets the first of a name");
  }
}

/// With three IDs for a byte each: a fuzzer makes no second one by itself, nor the same one twice.
std::string with_ids(std::string_view input) {
  std::string out;
  for (const char c : input) {
    if (c >= '\x01' && c <= '\x03')
      out.append(42, static_cast<char>('a' + c)).append(1, 'A');
    else
      out += c;
  }
  return out;
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  const auto input = text_of(data, size);
  if (wants_much(input)) {
    const auto much = much_of(input);
    const auto fields = fields_of(much);
    flame::session::RequestView view;
    view.cookie_lines = fields.cookies;
    view.id_headers = fields.headers;
    static_cast<void>(flame::session::read_presented(view, rules, true));
    return 0;
  }
  const auto text = with_ids(input);
  if (text.size() > 4'096) return 0;  // the second reader knows no bound
  const auto fields = fields_of(text);
  const auto wanted = wanted_of(fields);
  flame::session::RequestView lines, pairs;
  lines.cookie_lines = fields.cookies;
  pairs.cookies = fields.pairs;
  lines.id_headers = pairs.id_headers = fields.headers;
  check(flame::session::read_presented(lines, rules, true), wanted);
  check(flame::session::read_presented(pairs, rules, true), wanted);
  check_pairs(fields);
  return 0;
}
