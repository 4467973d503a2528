#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flame::inline v0::session {

/// The payload's index: one CBOR map whose text and byte string keys are the application's, and
/// whose unsigned integer keys are the library's. Values stay bytes; nothing here owns any of them.
class Document {
 public:
  /// One of the application's values. Small, for a session keeps several in place; a payload has no
  /// more bytes than 32 bits count.
  class Entry {
   public:
    Entry() = default;
    /// Of `bytes`, where `key` is the text of the first item and `value` the second item.
    Entry(std::string_view bytes, std::string_view key, std::string_view value) noexcept
        : start_(bytes.data()),
          size_(static_cast<std::uint32_t>(bytes.size())),
          key_at_(static_cast<std::uint32_t>(key.data() - start_)),
          key_size_(static_cast<std::uint32_t>(key.size())),
          value_at_(static_cast<std::uint32_t>(value.data() - start_)) {}

    [[nodiscard]] std::string_view key() const noexcept { return {start_ + key_at_, key_size_}; }
    [[nodiscard]] std::string_view value() const noexcept { return bytes().substr(value_at_); }
    /// Key item and value item: what a rewrite splices.
    [[nodiscard]] std::string_view bytes() const noexcept { return {start_, size_}; }

   private:
    const char* start_ = nullptr;
    std::uint32_t size_ = 0, key_at_ = 0, key_size_ = 0, value_at_ = 0;
  };
  using Entries = boost::container::small_vector<Entry, 4>;

  /// Empty where the payload is not such a map, well-formed to the last byte, with ascending keys.
  [[nodiscard]] static std::optional<Document> read(std::string_view payload);

  [[nodiscard]] const Entry* find(std::string_view key) const noexcept;
  [[nodiscard]] const Entries& entries() const noexcept { return values_; }
  void put(const Entry& entry);
  bool erase(std::string_view key) noexcept;
  void clear() noexcept { values_.clear(); }

  [[nodiscard]] std::optional<std::string_view> flash() const noexcept { return flash_; }
  void set_flash(std::optional<std::string_view> flash) noexcept { flash_ = flash; }

  [[nodiscard]] std::optional<std::string_view> csrf() const noexcept { return csrf_; }
  void set_csrf(std::optional<std::string_view> csrf) noexcept { csrf_ = csrf; }

  /// Nothing that would be worth a record.
  [[nodiscard]] bool empty() const noexcept {
    return values_.empty() && !flash_ && !csrf_ && unknown_.empty();
  }
  /// Bytes of keys and values, and the flash message: what Options::max_bytes bounds.
  [[nodiscard]] std::size_t content_size() const noexcept;
  [[nodiscard]] std::size_t payload_size() const noexcept;
  void append_to(std::string& payload) const;

 private:
  [[nodiscard]] std::size_t count() const noexcept {
    return values_.size() + unknown_.size() + (flash_ ? 1 : 0) + (csrf_ ? 1 : 0);
  }

  Entries values_{};  // ascending by key, so that look-up is a search and a rewrite is canonical
  std::optional<std::string_view> flash_{};
  std::optional<std::string_view> csrf_{};
  std::vector<std::string_view> unknown_{};  // of a newer release: kept as they are
};

}  // namespace flame::inline v0::session
