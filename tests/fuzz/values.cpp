// Values: any bytes are safe to read as any type, and what was read is written and read the same.
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <variant>
#include <vector>

#include <flame/session/value.hpp>

#include "fuzz.hpp"
#include "session/values/by_libcbor.hpp"

namespace flame::fuzz {
namespace {

using namespace session;

struct Item {
  std::string name{};
  std::optional<int> count{};
  std::vector<double> prices{};
};
struct Tree {
  std::int64_t id = 0;
  std::vector<Item> items{};
  std::map<std::string, std::optional<std::optional<bool>>> flags{};
};

/// What was written may be another spelling of the same; from then on it is the same.
template <class T>
void check_as(std::string_view bytes) {
  const auto value = decode<T>(bytes);
  if (!value) return;
  const auto written = encode(*value);
  expect(written.size() <= bytes.size() + 64 || std::is_same_v<T, Tree> || std::is_same_v<T, Item>,
         "what is written is no larger than what was read");
  const auto again_read = decode<T>(written);
  expect(again_read.has_value(), "what was read can be written and read");
  expect(encode(*again_read) == written, "it is written the same again");
  Reader reader(written);
  expect(reader.skip() == written && reader.at_end(), "it is one item");
}

// --- A second reader, of what is one head alone, or with its text

using by_libcbor::head_of;
using by_libcbor::Kind;

/// Only where all of it fits.
template <class Integer>
void check_integer(std::string_view bytes) {
  const auto head = head_of(bytes);
  std::optional<Integer> wanted;
  const bool is_negative = head.kind == Kind::negative;
  if (head.size == bytes.size() && (is_negative || head.kind == Kind::positive)) {
    __extension__ using Wide = __int128;
    const Wide argument = head.value;
    const Wide value = is_negative ? -1 - argument : argument;
    if (std::numeric_limits<Integer>::min() <= value &&
        value <= std::numeric_limits<Integer>::max())
      wanted = static_cast<Integer>(value);
  }
  expect(decode<Integer>(bytes) == wanted, "a second reader reads the same integer");
}

void check_text(std::string_view bytes) {
  const auto text = decode<std::string>(bytes);
  if (!text) return;
  const auto head = head_of(bytes);
  expect((head.kind == Kind::bytes || head.kind == Kind::text) && head.size == bytes.size() &&
             head.body == *text,
         "a second reader reads the same text");
}

void check_by_second_reader(std::string_view bytes) {
  check_integer<std::uint8_t>(bytes);
  check_integer<std::int16_t>(bytes);
  check_integer<std::int64_t>(bytes);
  check_integer<std::uint64_t>(bytes);
  check_text(bytes);
}

template <class... T>
void check_all(std::string_view bytes) {
  (check_as<T>(bytes), ...);
}

void check_as_every_type(std::string_view bytes) {
  check_all<bool, std::uint8_t, std::int16_t, std::int64_t, std::uint64_t, float, double>(bytes);
  check_all<std::string, std::vector<std::byte>, std::array<std::byte, 4>>(bytes);
  check_all<std::chrono::nanoseconds, std::chrono::hours, std::chrono::sys_seconds,
            std::chrono::sys_time<std::chrono::milliseconds>>(bytes);
  check_all<std::optional<std::string>, std::optional<std::optional<int>>,
            std::variant<int, std::string, std::vector<int>>, std::monostate,
            std::pair<int, std::string>, std::tuple<bool, double, std::string>>(bytes);
  check_all<std::vector<std::vector<std::vector<int>>>, std::vector<std::string>,
            std::set<std::int32_t>, std::map<std::string, std::int64_t>, std::array<int, 3>, Item,
            Tree>(bytes);
}

/// Asks for one kind after another, as the bytes themselves say.
void read_on(std::string_view bytes) {
  Reader in(bytes);
  while (!in.at_end()) {
    const auto before = in.bytes_left();
    const bool taken = in.null() || in.boolean() || in.integer() || in.unsigned_integer() ||
                       in.negative_integer() || in.real32() || in.real64() || in.text() ||
                       in.array() || in.map() || in.tag() || in.skip();
    expect(taken == (in.bytes_left() < before), "what was not taken is still there");
    if (!taken) return;
  }
}

void skip_on(std::string_view bytes) {
  Reader in(bytes);
  while (const auto item = in.skip()) {
    const auto head = head_of(*item);
    expect(head.kind != Kind::none, "a second reader knows its head");
    const bool is_whole =
        head.kind != Kind::array && head.kind != Kind::map && head.kind != Kind::tag;
    expect(!is_whole || head.size == item->size(), "a second reader finds the same end");
  }
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  const auto input = text_of(data, size);
  const auto bytes = wants_much(input) ? much_of(input) : std::string(input);
  check_as_every_type(bytes);
  check_by_second_reader(bytes);
  if (const auto item = Reader(bytes).skip()) check_by_second_reader(*item);
  read_on(bytes);
  skip_on(bytes);
  return 0;
}
