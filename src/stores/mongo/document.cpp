#include "document.hpp"

#include <cstring>

namespace flame::inline v0::session::mongo {
namespace {

bool find(const bson_t& in, const char* path, bson_iter_t& found) {
  bson_iter_t at;
  return bson_iter_init(&at, &in) && bson_iter_find_descendant(&at, path, &found);
}

bool whole(double number) noexcept { return number > -1e15 && number < 1e15; }

}  // namespace

void Writer::check(bool appended) {
  if (!appended)
    throw StoreError(StoreError::Kind::refused, "mongo store: a command is too large to be sent");
}

Writer& Writer::text(std::string_view name, std::string_view value) {
  check(bson_append_utf8(to_, name.data(), size(name), value.data(), size(value)));
  return *this;
}
Writer& Writer::flag(std::string_view name, bool value) {
  check(bson_append_bool(to_, name.data(), size(name), value));
  return *this;
}
Writer& Writer::number(std::string_view name, std::int32_t value) {
  check(bson_append_int32(to_, name.data(), size(name), value));
  return *this;
}
Writer& Writer::number(std::string_view name, std::int64_t value) {
  check(bson_append_int64(to_, name.data(), size(name), value));
  return *this;
}
Writer& Writer::token(std::string_view name, WriteToken value) {
  return number(name, static_cast<std::int64_t>(value));
}
Writer& Writer::time(std::string_view name, TimePoint value) {
  check(bson_append_date_time(to_, name.data(), size(name), value.time_since_epoch().count()));
  return *this;
}
Writer& Writer::bytes(std::string_view name, std::string_view value) {
  check(bson_append_binary(to_, name.data(), size(name), BSON_SUBTYPE_BINARY,
                           reinterpret_cast<const std::uint8_t*>(value.data()),
                           static_cast<std::uint32_t>(value.size())));
  return *this;
}
Writer& Writer::key(std::string_view name, const SessionKey& value) {
  return bytes(name, {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

/// Servers differ in the type of a number.
std::optional<std::int64_t> find_number(const bson_t& in, const char* path) {
  bson_iter_t at;
  if (!find(in, path, at)) return std::nullopt;
  if (BSON_ITER_HOLDS_INT32(&at) || BSON_ITER_HOLDS_INT64(&at)) return bson_iter_as_int64(&at);
  if (BSON_ITER_HOLDS_DOUBLE(&at) && whole(bson_iter_double(&at))) return bson_iter_as_int64(&at);
  return std::nullopt;
}

std::optional<bool> find_flag(const bson_t& in, const char* path) {
  bson_iter_t at;
  if (!find(in, path, at) || !BSON_ITER_HOLDS_BOOL(&at)) return std::nullopt;
  return bson_iter_bool(&at);
}

std::optional<std::string_view> find_text(const bson_t& in, const char* path) {
  bson_iter_t at;
  if (!find(in, path, at) || !BSON_ITER_HOLDS_UTF8(&at)) return std::nullopt;
  std::uint32_t length = 0;
  const auto* const text = bson_iter_utf8(&at, &length);
  return std::string_view(text, length);
}

std::optional<TimePoint> find_time(const bson_t& in, const char* path) {
  bson_iter_t at;
  if (!find(in, path, at) || !BSON_ITER_HOLDS_DATE_TIME(&at)) return std::nullopt;
  return TimePoint(std::chrono::milliseconds(bson_iter_date_time(&at)));
}

std::optional<std::string_view> find_bytes(const bson_t& in, const char* path) {
  bson_iter_t at;
  if (!find(in, path, at) || !BSON_ITER_HOLDS_BINARY(&at)) return std::nullopt;
  bson_subtype_t subtype{};
  std::uint32_t length = 0;
  const std::uint8_t* data = nullptr;
  bson_iter_binary(&at, &subtype, &length, &data);
  if (subtype != BSON_SUBTYPE_BINARY) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(data), length);
}

bool has(const bson_t& in, const char* path) {
  bson_iter_t at;
  return find(in, path, at);
}

void write_record(Writer to, const Record& record) {
  to.key("_id", record.key).token("token", record.token);
  if (!record.owner.empty()) to.bytes("owner", record.owner);
  to.time("created_at", record.created_at)
      .time("last_seen", record.last_seen)
      .time("expires_at", record.expires_at)
      .bytes("blob", record.blob);
}

std::optional<SessionKey> read_key(const bson_t& document) {
  const auto bytes = find_bytes(document, "_id");
  SessionKey key;
  if (!bytes || bytes->size() != key.bytes.size()) return std::nullopt;
  std::memcpy(key.bytes.data(), bytes->data(), bytes->size());
  return key;
}

bool read_times(const bson_t& document, Record& into) {
  const auto created_at = find_time(document, "created_at");
  const auto last_seen = find_time(document, "last_seen");
  const auto expires_at = find_time(document, "expires_at");
  if (!created_at || !last_seen || !expires_at) return false;
  into.created_at = *created_at;
  into.last_seen = *last_seen;
  into.expires_at = *expires_at;
  return true;
}

bool read_record(const bson_t& document, Record& into) {
  const auto token = find_number(document, "token");
  const auto owner = find_bytes(document, "owner");
  const auto blob = find_bytes(document, "blob");
  if (!token || !blob || (!owner && has(document, "owner")) || !read_times(document, into))
    return false;
  into.token = WriteToken{static_cast<std::uint64_t>(*token)};
  into.owner = owner.value_or(std::string_view());
  into.blob = *blob;
  return true;
}

}  // namespace flame::inline v0::session::mongo
