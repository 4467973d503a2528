#include "names.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace flame::inline v0::session::file {
namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::string_view temporary_prefix = "tmp-";
constexpr std::string_view owners = "owners/";
constexpr std::size_t hash_digits = 2 * std::tuple_size_v<OwnerHash>;

bool parse_hex(std::string_view text, std::span<std::byte> out) noexcept {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digits.find(text[2 * i]);
    const auto low = digits.find(text[2 * i + 1]);
    if (high == digits.npos || low == digits.npos) return false;
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return true;
}

}  // namespace

Name& Name::add(std::string_view text) noexcept {
  const auto n = std::min(text.size(), text_.size() - 1 - size_);
  std::copy_n(text.begin(), n, text_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += n;
  return *this;
}

Name& Name::add_hex(std::span<const std::byte> bytes) noexcept {
  for (const auto byte : bytes) {
    const auto value = std::to_integer<std::size_t>(byte);
    const char two[] = {digits[value >> 4], digits[value & 15]};
    add({two, 2});
  }
  return *this;
}

OwnerHash hash_of(std::string_view owner) {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<std::byte, EVP_MAX_MD_SIZE> whole;
  if (!digest ||
      EVP_Digest(owner.data(), owner.size(), reinterpret_cast<unsigned char*>(whole.data()),
                 nullptr, digest, nullptr) != 1) {
    throw std::runtime_error("OpenSSL gave no SHA-256");
  }
  OwnerHash hash;
  std::copy_n(whole.begin(), hash.size(), hash.begin());
  return hash;
}

Name records_folder(std::byte first) noexcept { return Name().add_hex({&first, 1}); }

Name owners_folder(std::byte first) noexcept { return Name().add(owners).add_hex({&first, 1}); }

Name record_name(const SessionKey& key) noexcept { return Name().add_hex(key.bytes); }

Name record_path(const SessionKey& key) noexcept {
  return records_folder(key.bytes.front()).add("/").add_hex(key.bytes);
}

Name temporary_name(std::uint64_t number) noexcept {
  return Name().add(temporary_prefix).add_hex(std::as_bytes(std::span(&number, 1)));
}

Name entry_name(const OwnerHash& owner, const SessionKey& key) noexcept {
  return Name().add_hex(owner).add("-").add_hex(key.bytes);
}

std::optional<SessionKey> parse_record(std::string_view name, std::byte first) noexcept {
  SessionKey key;
  if (!parse_hex(name, key.bytes) || key.bytes.front() != first) return std::nullopt;
  return key;
}

bool is_temporary(std::string_view name) noexcept {
  std::array<std::byte, sizeof(std::uint64_t)> number;
  return name.starts_with(temporary_prefix) &&
         parse_hex(name.substr(temporary_prefix.size()), number);
}

std::optional<Entry> parse_entry(std::string_view name, std::byte first) noexcept {
  Entry entry;
  if (name.size() <= hash_digits || name[hash_digits] != '-') return std::nullopt;
  if (!parse_hex(name.substr(0, hash_digits), entry.owner) || entry.owner.front() != first ||
      !parse_hex(name.substr(hash_digits + 1), entry.key.bytes))
    return std::nullopt;
  return entry;
}

}  // namespace flame::inline v0::session::file
