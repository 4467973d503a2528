#include "value.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace flame::inline v0::session::redis {
namespace {

constexpr char format = '1';
constexpr std::int64_t time_end = 100'000'000'000'000;  // 14 digits

void write_digits(std::uint64_t number, std::span<char> out) noexcept {
  for (auto at = out.rbegin(); at != out.rend(); ++at, number /= 10)
    *at = static_cast<char>('0' + number % 10);
}

std::optional<std::int64_t> read_digits(std::string_view text) noexcept {
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<TimePoint> read_time(std::string_view text) noexcept {
  const auto number = read_digits(text);
  if (!number) return std::nullopt;
  return TimePoint{std::chrono::milliseconds(*number)};
}

bool fits(TimePoint time) noexcept {
  const auto count = time.time_since_epoch().count();
  return count >= 0 && count < time_end;
}

}  // namespace

void write_token(WriteToken token, TokenBytes& out) noexcept {
  auto bits = static_cast<std::uint64_t>(token);
  for (char& c : out) {
    c = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
}

void write_time(TimePoint time, TimeDigits& out) noexcept {
  write_digits(static_cast<std::uint64_t>(time.time_since_epoch().count()), out);
}

bool fits(const Record& record) noexcept {
  return record.blob.size() <= max_record && record.owner.size() <= max_owner &&
         fits(record.created_at) && fits(record.last_seen) && fits(record.expires_at);
}

std::size_t value_size(const Record& record) noexcept {
  return header_size + record.owner.size() + record.blob.size();
}

void append_value(const Record& record, std::string& out) {
  char header[header_size];
  header[0] = format;
  TokenBytes token;
  write_token(record.token, token);
  char* at = std::ranges::copy(token, header + 1).out;
  for (const auto time : {record.expires_at, record.last_seen, record.created_at}) {
    TimeDigits digits;
    write_time(time, digits);
    at = std::ranges::copy(digits, at).out;
  }
  write_digits(record.owner.size(), {at, 3});
  out.append(header, sizeof header).append(record.owner).append(record.blob);
}

bool read_value(std::string& value, Record& out) {
  const std::string_view text(value);
  if (text.size() < header_size || text[0] != format) return false;
  const auto times = text.substr(1 + token_size);
  const auto expires_at = read_time(times.substr(0, time_size));
  const auto last_seen = read_time(times.substr(time_size, time_size));
  const auto created_at = read_time(times.substr(2 * time_size, time_size));
  const auto owner_size = read_digits(times.substr(3 * time_size, 3));
  if (!expires_at || !last_seen || !created_at || !owner_size) return false;
  if (*owner_size > static_cast<std::int64_t>(max_owner)) return false;
  const auto owner_end = header_size + static_cast<std::size_t>(*owner_size);
  if (text.size() < owner_end) return false;
  std::uint64_t token = 0;
  for (std::size_t i = token_size; i > 0; --i)
    token = token << 8 | static_cast<unsigned char>(text[i]);
  out.token = WriteToken{token};
  out.owner.assign(text, header_size, owner_end - header_size);
  out.created_at = *created_at;
  out.last_seen = *last_seen;
  out.expires_at = *expires_at;
  value.erase(0, owner_end);
  out.blob = std::move(value);
  return true;
}

}  // namespace flame::inline v0::session::redis
