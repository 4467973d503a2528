#include "envelope.hpp"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace flame::inline v0::session {
namespace {

constexpr std::string_view magic = "FLS";
constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t codec_cbor = 1;
constexpr std::size_t checksum_size = 8;

template <class Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 255);
  out.append(bytes, sizeof value);
}

void put(std::string& out, const Verifier& verifier) {
  out.append(reinterpret_cast<const char*>(verifier.data()), verifier.size());
}

/// Takes fixed-size fields off the front; once something is missing, all that follows is.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  template <class Integer>
  Integer take() noexcept {
    std::uint64_t value = 0;
    const auto bytes = take(sizeof(Integer));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return static_cast<Integer>(value);
  }
  void take(Verifier& out) noexcept {
    const auto bytes = take(out.size());
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.data()));
  }
  std::string_view take(std::size_t size) noexcept {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const auto bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::uint64_t checksum(std::string_view bytes, const SessionKey& key) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(),
                              XXH3_64bits(key.bytes.data(), key.bytes.size()));
}

std::uint8_t count_tokens(const Header& header) {
  return static_cast<std::uint8_t>(
      std::find(header.tokens.begin(), header.tokens.end(), WriteToken{}) - header.tokens.begin());
}

std::uint8_t count_superseded(const Header& header) {
  return static_cast<std::uint8_t>(
      std::ranges::find(header.superseded, TimePoint{}, &Superseded::until) -
      header.superseded.begin());
}

std::size_t overhead(const Header& header) {
  return magic.size() + 2 + sizeof(Verifier) + 1 +
         (sizeof(Verifier) + 8) * count_superseded(header) + 1 + 8 * count_tokens(header) + 4 +
         checksum_size;
}

}  // namespace

void Header::push(WriteToken token) noexcept {
  std::shift_right(tokens.begin(), tokens.end(), 1);
  tokens.front() = token;
}

void Header::supersede(const Verifier& next, TimePoint now) noexcept {
  std::shift_right(superseded.begin(), superseded.end(), 1);
  superseded.front() = {std::exchange(current, next), now + superseded_for};
}

void Header::forget_superseded(TimePoint now) noexcept {
  for (Superseded& each : superseded)
    if (each.until <= now) each = {};
}

bool Header::contains(WriteToken token) const noexcept {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

Opened open_envelope(std::string_view blob, const SessionKey& key, Header& header,
                     std::string_view& payload) noexcept {
  if (blob.size() < magic.size() + checksum_size + 2 || !blob.starts_with(magic))
    return Opened::unreadable;
  if (static_cast<std::uint8_t>(blob[magic.size()]) > format_version) return Opened::newer_version;
  const auto body = blob.substr(0, blob.size() - checksum_size);
  if (Cursor(blob.substr(body.size())).take<std::uint64_t>() != checksum(body, key))
    return Opened::unreadable;
  Cursor cursor(body.substr(magic.size() + sizeof format_version));
  if (cursor.take<std::uint8_t>() != codec_cbor) return Opened::unreadable;
  header = {};
  cursor.take(header.current);
  const std::size_t superseded = cursor.take<std::uint8_t>();
  if (superseded > superseded_kept) return Opened::unreadable;
  for (std::size_t i = 0; i < superseded; ++i) {
    cursor.take(header.superseded[i].verifier);
    header.superseded[i].until = TimePoint(std::chrono::milliseconds(cursor.take<std::int64_t>()));
  }
  const std::size_t tokens = cursor.take<std::uint8_t>();
  if (tokens > write_tokens_kept) return Opened::unreadable;
  for (std::size_t i = 0; i < tokens; ++i)
    header.tokens[i] = WriteToken{cursor.take<std::uint64_t>()};
  const std::size_t size = cursor.take<std::uint32_t>();
  if (!cursor.ok() || cursor.left() != size) return Opened::unreadable;
  payload = cursor.take(size);
  return Opened::done;
}

void begin_envelope(std::string& blob, const Header& header, std::size_t payload_size) {
  blob.clear();
  blob.reserve(payload_size + overhead(header));
  blob.append(magic);
  put(blob, format_version);
  put(blob, codec_cbor);
  put(blob, header.current);
  const auto superseded = count_superseded(header);
  put(blob, superseded);
  for (std::size_t i = 0; i < superseded; ++i) {
    put(blob, header.superseded[i].verifier);
    put(blob, static_cast<std::int64_t>(header.superseded[i].until.time_since_epoch().count()));
  }
  const auto tokens = count_tokens(header);
  put(blob, tokens);
  for (std::size_t i = 0; i < tokens; ++i) put(blob, static_cast<std::uint64_t>(header.tokens[i]));
  put(blob, static_cast<std::uint32_t>(payload_size));
}

void seal_envelope(std::string& blob, const SessionKey& key) { put(blob, checksum(blob, key)); }

}  // namespace flame::inline v0::session
