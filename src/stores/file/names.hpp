#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::file {

/// A file name or a path of the store's own, ended by 0. Of hexadecimal digits, which no file
/// system folds or translates.
class Name {
 public:
  Name& add(std::string_view text) noexcept;
  Name& add_hex(std::span<const std::byte> bytes) noexcept;

  [[nodiscard]] const char* c_str() const noexcept { return text_.data(); }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 72> text_{};
  std::size_t size_ = 0;
};

/// 128 bits of SHA-256: who an entry of the owner index is for. Collisions cost time, nothing else.
using OwnerHash = std::array<std::byte, 16>;
[[nodiscard]] OwnerHash hash_of(std::string_view owner);

/// A fan-out folder: of records, ab; of the owner index, owners/ab.
[[nodiscard]] Name records_folder(std::byte first) noexcept;
[[nodiscard]] Name owners_folder(std::byte first) noexcept;

[[nodiscard]] Name record_name(const SessionKey& key) noexcept;
/// From the root: ab/abcd….
[[nodiscard]] Name record_path(const SessionKey& key) noexcept;
[[nodiscard]] Name temporary_name(std::uint64_t number) noexcept;
[[nodiscard]] Name entry_name(const OwnerHash& owner, const SessionKey& key) noexcept;

/// Empty for any name that the functions above don't give in the folder of `first`.
[[nodiscard]] std::optional<SessionKey> parse_record(std::string_view name,
                                                     std::byte first) noexcept;
[[nodiscard]] bool is_temporary(std::string_view name) noexcept;

struct Entry {
  OwnerHash owner{};
  SessionKey key{};
};
[[nodiscard]] std::optional<Entry> parse_entry(std::string_view name, std::byte first) noexcept;

}  // namespace flame::inline v0::session::file
