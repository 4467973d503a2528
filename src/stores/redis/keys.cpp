#include "keys.hpp"

#include <array>
#include <charconv>

namespace flame::inline v0::session::redis {
namespace {

constexpr std::size_t slots = 16384;
constexpr std::size_t buckets = 256;

using Tag = std::array<char, 4>;

/// Of the numbers 0, 1, … in hexadecimal the first that hashes to each 256th of the slots.
std::array<Tag, buckets> find_tags() {
  std::array<Tag, buckets> tags{};
  std::size_t found = 0;
  for (unsigned number = 0; found < buckets; ++number) {
    Tag text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
    const std::string_view tag(text.data(), static_cast<std::size_t>(end - text.data()));
    auto& place = tags[slot_of_tag(tag) / (slots / buckets)];
    if (place[0] != 0) continue;
    place = text;
    ++found;
  }
  return tags;
}

}  // namespace

/// CRC16/XMODEM, as the cluster's specification has it.
std::uint16_t slot_of_tag(std::string_view tag) noexcept {
  unsigned crc = 0;
  for (const char c : tag) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc % slots);
}

std::string_view tag_of(std::uint8_t bucket) {
  static const auto tags = find_tags();
  const auto& tag = tags[bucket];
  return {tag.data(), tag[3] != 0 ? 4 : std::string_view(tag.data()).size()};
}

void Keys::begin(const char* kind, std::uint8_t bucket) {
  name_.assign(prefix_).append(kind).append(tag_of(bucket)).append("}:");
}

std::string_view Keys::session(const SessionKey& key) {
  begin(":s:{", bucket_of(key));
  return name_.append(to_string(key));
}

std::string_view Keys::any_session() { return name_.assign(prefix_).append(":s:{*"); }

std::optional<SessionKey> Keys::read_session(std::string_view name) {
  const auto key = parse_key(name.substr(name.rfind(':') + 1));
  return key && session(*key) == name ? key : std::nullopt;
}

std::string_view Keys::owner(std::uint8_t bucket, std::string_view owner) {
  begin(":o:{", bucket);
  return name_.append(owner);
}

std::string_view Keys::layout() { return name_.assign(prefix_).append(":layout"); }

}  // namespace flame::inline v0::session::redis
