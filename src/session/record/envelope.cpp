#include "envelope.hpp"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace flame::inline v0::session {
namespace {

constexpr std::string_view magic = "FLS";
constexpr std::uint8_t format_without_terms = 1;
constexpr std::uint8_t format_version = 2;
constexpr std::uint8_t codec_cbor = 1;
constexpr std::size_t checksum_size = 8;

template <class Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 255);
  out.append(bytes, sizeof value);
}

void put(std::string& out, std::string_view short_text) {
  out += static_cast<char>(short_text.size());
  out += short_text;
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
  std::string_view take_short_text() noexcept { return take(std::size_t{take<std::uint8_t>()}); }
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

/// Of Terms::persistent.
constexpr std::uint8_t unset = 0, not_persistent = 1, persistent = 2;

std::uint8_t persistence_of(const Terms& terms) {
  return !terms.persistent ? unset : *terms.persistent ? persistent : not_persistent;
}

std::size_t terms_size(const Header& header) {
  if (!header.application) return 0;
  return 1 + header.application->size() + 1 + header.terms.label.size() + 8 + 8 + 1;
}

std::size_t overhead(const Header& header) {
  return magic.size() + 2 + sizeof(Verifier) + 1 +
         (sizeof(Verifier) + 8) * count_superseded(header) + 1 + 8 * count_tokens(header) +
         terms_size(header) + 4 + checksum_size;
}

void put_terms(std::string& out, const Header& header) {
  put(out, *header.application);
  put(out, header.terms.label);
  put(out, static_cast<std::uint64_t>(header.terms.idle.count()));
  put(out, static_cast<std::uint64_t>(header.terms.absolute.count()));
  put(out, persistence_of(header.terms));
}

/// False: not as a release writes it.
bool take_terms(Cursor& cursor, Header& header) noexcept {
  header.application = cursor.take_short_text();
  header.terms.label = cursor.take_short_text();
  header.terms.idle = std::chrono::milliseconds(cursor.take<std::int64_t>());
  header.terms.absolute = std::chrono::milliseconds(cursor.take<std::int64_t>());
  const auto persistence = cursor.take<std::uint8_t>();
  if (persistence != unset) header.terms.persistent = persistence == persistent;
  return persistence <= persistent && header.application->size() <= max_application_size &&
         header.terms.idle.count() >= 0 && header.terms.absolute.count() >= 0;
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
  const auto version = static_cast<std::uint8_t>(blob[magic.size()]);
  if (version > format_version) return Opened::newer_version;
  if (version < format_without_terms) return Opened::unreadable;
  const auto body = blob.substr(0, blob.size() - checksum_size);
  if (Cursor(blob.substr(body.size())).take<std::uint64_t>() != checksum(body, key))
    return Opened::unreadable;
  Cursor cursor(body.substr(magic.size() + sizeof version));
  if (cursor.take<std::uint8_t>() != codec_cbor) return Opened::unreadable;
  std::construct_at(&header);
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
  if (version != format_without_terms && !take_terms(cursor, header)) return Opened::unreadable;
  const std::size_t size = cursor.take<std::uint32_t>();
  if (!cursor.ok() || cursor.left() != size) return Opened::unreadable;
  payload = cursor.take(size);
  return Opened::done;
}

void begin_envelope(std::string& blob, const Header& header, std::size_t payload_size) {
  blob.clear();
  blob.reserve(payload_size + overhead(header));
  blob.append(magic);
  put(blob, header.application ? format_version : format_without_terms);
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
  if (header.application) put_terms(blob, header);
  put(blob, static_cast<std::uint32_t>(payload_size));
}

void seal_envelope(std::string& blob, const SessionKey& key) { put(blob, checksum(blob, key)); }

}  // namespace flame::inline v0::session
