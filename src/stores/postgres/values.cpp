#include "values.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>

namespace flame::inline v0::session::postgres {
namespace {

void put(std::uint64_t number, std::size_t size, char* out) noexcept {
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<char>(number >> (8 * (size - 1 - i)) & 0xff);
}

template <std::unsigned_integral T>
void append(T number, std::string& out) {
  std::array<char, sizeof(T)> bytes;
  put(number, sizeof(T), bytes.data());
  out.append(bytes.data(), bytes.size());
}

std::string_view bytes_of(const SessionKey& key) noexcept {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

constexpr std::uint32_t oid_of_bytea = 17;

}  // namespace

Parameters& Parameters::operator<<(std::string_view bytes) noexcept {
  const auto at = static_cast<std::size_t>(count_++);
  values_[at] = bytes.data() ? bytes.data() : "";  // null would be NULL
  lengths_[at] = static_cast<int>(bytes.size());
  return *this;
}

Parameters& Parameters::operator<<(const SessionKey& key) noexcept {
  return *this << bytes_of(key);
}

Parameters& Parameters::operator<<(std::int64_t number) noexcept {
  auto& bytes = numbers_[static_cast<std::size_t>(count_)];
  put(static_cast<std::uint64_t>(number), bytes.size(), bytes.data());
  return *this << std::string_view(bytes.data(), bytes.size());
}

Parameters& Parameters::operator<<(WriteToken token) noexcept {
  return *this << static_cast<std::int64_t>(token);
}

Parameters& Parameters::operator<<(TimePoint time) noexcept {
  return *this << std::int64_t{time.time_since_epoch().count()};
}

const int* Parameters::formats() const noexcept {
  static constexpr std::array<int, most> binary{1, 1, 1, 1, 1, 1, 1, 1, 1};
  return binary.data();
}

std::string_view array_of_keys(std::span<StoreOp* const> ops, std::string& out) {
  out.clear();
  out.reserve(20 + ops.size() * (4 + sizeof(SessionKey)));
  append(std::uint32_t{1}, out);  // dimensions
  append(std::uint32_t{0}, out);  // no NULL among them
  append(oid_of_bytea, out);
  append(static_cast<std::uint32_t>(ops.size()), out);
  append(std::uint32_t{1}, out);  // the first index
  for (const auto* op : ops) {
    append(static_cast<std::uint32_t>(sizeof(SessionKey)), out);
    out.append(bytes_of(op->record.key));
  }
  return out;
}

SessionKey key_of(std::string_view bytes) noexcept {
  SessionKey key;
  if (bytes.size() == key.bytes.size())
    std::ranges::copy(std::as_bytes(std::span(bytes)), key.bytes.begin());
  return key;
}

std::string tuple_id(std::uint32_t block, std::uint16_t item) {
  std::string out;
  append(block, out);
  append(item, out);
  return out;
}

bool Result::failed() const noexcept {
  return status() != PGRES_TUPLES_OK && status() != PGRES_COMMAND_OK;
}

std::string_view Result::sqlstate() const noexcept {
  const char* const code = PQresultErrorField(result_.get(), PG_DIAG_SQLSTATE);
  return code ? code : "";
}

bool Result::is_fatal() const noexcept {
  const char* const text = PQresultErrorField(result_.get(), PG_DIAG_SEVERITY_NONLOCALIZED);
  const std::string_view severity = text ? text : "";
  return severity == "FATAL" || severity == "PANIC";
}

std::int64_t Result::affected() const noexcept {
  const std::string_view text = PQcmdTuples(result_.get());
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view Result::bytes(int row, int column) const noexcept {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Result::number(int row, int column) const noexcept {
  const auto text = bytes(row, column);
  if (text.size() != 8) return 0;
  std::uint64_t number = 0;
  for (const char c : text) number = number << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(number);
}

TimePoint Result::time(int row, int column) const noexcept {
  return TimePoint(std::chrono::milliseconds(number(row, column)));
}

bool Result::flag(int row, int column) const noexcept {
  const auto text = bytes(row, column);
  return text.size() == 1 && text.front() == 1;
}

}  // namespace flame::inline v0::session::postgres
