#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <flame/session/session.hpp>

/// A value of each kind that a session can hold. New ones come last: sessions of earlier releases
/// have those up to some number, as they are here.
namespace flame::session::formats {

enum class Colour : std::int16_t { red = -3, blue = 700 };

struct Address {
  std::string street{};
  std::optional<int> number{};
};
struct Customer {
  std::string name{};
  std::vector<Address> addresses{};
  std::optional<Colour> favourite{};
};

struct Notice {
  std::string success{}, error{};
};
inline const Notice notice{"saved", ""};

/// Of session "terms", since releases that know of them.
inline const Login terms{.idle = std::chrono::hours(2),
                         .absolute = std::chrono::hours(5),
                         .persistent = true,
                         .label = "Firefox on Windows"};

/// visit(key, value) for each.
template <class Visit>
void each_value(Visit visit) {
  using namespace std::chrono;
  visit("bool", true);
  visit("int", -5);
  visit("int64 least", std::numeric_limits<std::int64_t>::min());
  visit("uint64 most", std::numeric_limits<std::uint64_t>::max());
  visit("char", 'x');
  visit("float", 1.5e-42F);
  visit("double", 0.1);
  visit("double minus zero", -0.0);
  visit("double nan", std::numeric_limits<double>::quiet_NaN());
  visit("double infinite", -std::numeric_limits<double>::infinity());
  visit("enum", Colour::red);
  visit("text", std::string("Gr\xc3\xbc\xc3\x9f\x65, \xe2\x82\xac \xf0\x9f\x94\xa5"));
  visit("text long", std::string(300, 'a'));
  visit("text of any bytes", std::string("\xff\x00\xc3", 3));
  visit("bytes", std::vector{std::byte{0}, std::byte{255}});
  visit("byte array", std::array{std::byte{7}, std::byte{8}, std::byte{9}});
  visit("duration", milliseconds(-1500));
  visit("time", system_clock::time_point(microseconds(1'767'225'600'000'001)));
  visit("date", sys_days(year(1969) / July / 20));
  visit("optional", std::optional<int>(3));
  visit("optional empty", std::optional<int>());
  visit("optional of an empty one", std::optional<std::optional<int>>(std::in_place));
  visit("variant", std::variant<int, std::string>("second"));
  visit("monostate", std::monostate());
  visit("pair", std::pair(1, std::string("one")));
  visit("tuple", std::tuple(1, 2.5, false));
  visit("array", std::array{1, 2, 3});
  visit("vector", std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  visit("set", std::set<std::string>{"a", "b"});
  visit("map", std::map<int, std::string>{{-1, "minus"}, {1, "plus"}});
  visit("struct", Customer{"Ann", {{"First", 1}, {"Second", {}}}, Colour::blue});
  visit("", std::string("the empty key"));
  visit("key of any bytes \xff", 1);
}

}  // namespace flame::session::formats
