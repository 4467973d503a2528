#include "http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace flame::inline v0::detail {
namespace {

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Date {
  int year = 0;
  int month = 0;  // from 1
  int day = 0, hour = 0, minute = 0, second = 0;
};

/// What is left of a date; once something did not fit, nothing does.
struct Reader {
  std::string_view left;
  bool good = true;

  Reader& literal(std::string_view text) {
    good = good && left.starts_with(text);
    if (good) left.remove_prefix(text.size());
    return *this;
  }
  template <std::size_t N>
  Reader& name(const std::array<std::string_view, N>& names, int* place = nullptr) {
    const auto found =
        std::ranges::find_if(names, [&](auto each) { return left.starts_with(each); });
    good = good && found != names.end();
    if (good && place != nullptr) *place = static_cast<int>(found - names.begin()) + 1;
    return good ? literal(*found) : *this;
  }
  Reader& number(std::size_t digits, int& out) {
    good = good && left.size() >= digits &&
           std::all_of(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(digits),
                       [](char c) { return c >= '0' && c <= '9'; });
    if (!good) return *this;
    for (out = 0; digits > 0; --digits, left.remove_prefix(1)) out = 10 * out + left.front() - '0';
    return *this;
  }
  Reader& time(Date& out) {
    number(2, out.hour).literal(":").number(2, out.minute).literal(":");
    return number(2, out.second);
  }
  [[nodiscard]] bool is_done() const noexcept { return good && left.empty(); }
};

std::optional<Date> read_fixed(std::string_view text) {
  Date date;
  Reader reader{text};
  reader.name(days).literal(", ").number(2, date.day).literal(" ").name(months, &date.month);
  reader.literal(" ").number(4, date.year).literal(" ").time(date).literal(" GMT");
  return reader.is_done() ? std::optional(date) : std::nullopt;
}

int year_of(std::int64_t seconds) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

/// RFC 850's: two digits of the year, of the century that puts it least far ahead, and not above 50
/// years.
std::optional<Date> read_850(std::string_view text, std::int64_t now) {
  Date date;
  Reader reader{text};
  reader.name(long_days).literal(", ").number(2, date.day).literal("-").name(months, &date.month);
  reader.literal("-").number(2, date.year).literal(" ").time(date).literal(" GMT");
  if (!reader.is_done()) return std::nullopt;
  const int year = year_of(now);
  date.year += year - year % 100;
  if (date.year > year + 50) date.year -= 100;
  if (date.year <= year - 50) date.year += 100;
  return date;
}

/// C's asctime().
std::optional<Date> read_asctime(std::string_view text) {
  Date date;
  Reader reader{text};
  reader.name(days).literal(" ").name(months, &date.month).literal(" ");
  const bool one_digit = reader.left.starts_with(' ');
  if (one_digit) reader.literal(" ");
  reader.number(one_digit ? 1 : 2, date.day).literal(" ").time(date).literal(" ");
  reader.number(4, date.year);
  return reader.is_done() ? std::optional(date) : std::nullopt;
}

}  // namespace

std::string http_date(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string out;
  const auto two = [&](int number) {
    out += static_cast<char>('0' + number / 10);
    out += static_cast<char>('0' + number % 10);
  };
  out.append(days[static_cast<std::size_t>(parts.tm_wday)]).append(", ");
  two(parts.tm_mday);
  out.append(" ").append(months[static_cast<std::size_t>(parts.tm_mon)]).append(" ");
  out.append(std::to_string(parts.tm_year + 1900)).append(" ");
  two(parts.tm_hour);
  out += ':';
  two(parts.tm_min);
  out += ':';
  two(parts.tm_sec);
  return out + " GMT";
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) {
  auto date = read_fixed(text);
  if (!date) date = read_850(text, now);
  if (!date) date = read_asctime(text);
  if (!date || date->hour > 23 || date->minute > 59 || date->second > 60) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(date->year),
                                        std::chrono::month(static_cast<unsigned>(date->month)),
                                        std::chrono::day(static_cast<unsigned>(date->day)));
  if (!day.ok()) return std::nullopt;
  const std::int64_t midnight = std::chrono::sys_days(day).time_since_epoch().count() * 86'400LL;
  return midnight + date->hour * 3'600 + date->minute * 60 + std::min(date->second, 59);
}

}  // namespace flame::inline v0::detail
