// Range and the conditions: a part lies within the file, and is the one that a second reader (RFC
// 9110, 14.1.2) would send.
#include <algorithm>
#include <optional>

#include "fuzz.hpp"
#include "host/access.hpp"
#include "host/conditions.hpp"
#include "host/http_date.hpp"

namespace flame::fuzz {
namespace {

using detail::Part;
__extension__ using Wide = unsigned __int128;

constexpr std::string_view etag = "\"0123456789abcdef\"";
constexpr std::int64_t now = 1'795'000'000;

/// What does not fit 64 bits is more than any file has.
std::optional<Wide> number_of(std::string_view digits) {
  Wide number = 0;
  if (digits.empty()) return std::nullopt;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = std::min(number * 10 + static_cast<unsigned>(c - '0'), Wide{~std::uint64_t{0}});
  }
  return number;
}

struct Wanted {
  Part::Kind kind = Part::Kind::whole;
  Wide first = 0, last = 0;
};

Wanted wanted_of(std::string_view range, std::size_t size) {
  const auto equals = range.find('=');
  if (equals == std::string_view::npos || lower(range.substr(0, equals)) != "bytes") return {};
  std::optional<std::string_view> only;
  for (std::size_t begin = equals + 1; begin <= range.size();) {
    const auto end = std::min(range.find(',', begin), range.size());
    const auto each = stripped(range.substr(begin, end - begin));
    begin = end + 1;
    if (each.empty()) continue;
    if (only) return {};
    only = each;
  }
  if (!only || only->find('-') == std::string_view::npos) return {};
  const auto from = only->substr(0, only->find('-')), to = only->substr(from.size() + 1);
  const auto first = number_of(from), last = number_of(to);
  if (from.empty()) {
    if (!last || (size == 0 && *last != 0)) return {};
    if (*last == 0) return {Part::Kind::none};
    return {Part::Kind::part, size - std::min<Wide>(*last, size), Wide{size} - 1};
  }
  if (!first || (!to.empty() && (!last || *last < *first))) return {};
  if (*first >= size) return {Part::Kind::none};
  return {Part::Kind::part, *first, last ? std::min<Wide>(*last, size - 1) : Wide{size} - 1};
}

void check(const Part& part, const Wanted& wanted, std::size_t size) {
  expect(part.kind == wanted.kind, "a second reader sends the whole, a part or none alike");
  if (part.kind != Part::Kind::part) return;
  expect(part.size > 0 && part.first < size && part.size <= size - part.first,
         "the part lies within the file");
  expect(part.first == wanted.first && part.first + part.size - 1 == wanted.last,
         "the part is the one that was asked for");
}

void check_date(std::string_view text) {
  const auto date = detail::parse_http_date(text, now);
  constexpr std::int64_t year_1000 = -30'610'224'000;
  if (!date || *date < year_1000) return;
  expect(detail::parse_http_date(detail::http_date(*date), now) == date,
         "a date is written as it was read");
}

}  // namespace
}  // namespace flame::fuzz

/// The pieces are the file's size, Range, If-Range, and conditions as whole fields.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t input_size) {
  using namespace flame::fuzz;
  const auto pieces = pieces_of(text_of(data, input_size));
  const auto size = static_cast<std::size_t>(number_of(piece(pieces, 0)).value_or(10) &
                                             (~std::size_t{0} >> 1));  // as off_t has it
  const auto range = piece(pieces, 1), if_range = piece(pieces, 2);
  flame::Request request;
  flame::RequestAccess::set_method(request, "GET");
  auto& fields = flame::RequestAccess::fields(request);
  fields.push_back({"range", range});
  if (!if_range.empty()) fields.push_back({"if-range", if_range});
  const bool is_same = if_range.empty() || stripped(if_range) == etag;
  check(flame::detail::part_of(request, etag, size), is_same ? wanted_of(range, size) : Wanted{},
        size);
  for (std::size_t i = 3; i < pieces.size(); ++i) {
    const auto colon = std::min(pieces[i].find(':'), pieces[i].size());
    const auto value = stripped(pieces[i].substr(std::min(colon + 1, pieces[i].size())));
    fields.push_back({pieces[i].substr(0, colon), value});
    check_date(value);
  }
  static_cast<void>(flame::detail::condition_of(request, {etag, now}, now));
  return 0;
}
