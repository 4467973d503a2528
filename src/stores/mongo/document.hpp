#pragma once

#include <bson/bson.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mongo {

/// Appends fields to a document, or elements to an array. Throws StoreError refused where one grows
/// too large to be sent.
class Writer {
 public:
  explicit Writer(bson_t* to) noexcept : to_(to) {}

  Writer& text(std::string_view name, std::string_view value);
  Writer& flag(std::string_view name, bool value);
  Writer& number(std::string_view name, std::int32_t value);
  Writer& number(std::string_view name, std::int64_t value);
  Writer& token(std::string_view name, WriteToken value);
  Writer& time(std::string_view name, TimePoint value);
  Writer& bytes(std::string_view name, std::string_view value);
  Writer& key(std::string_view name, const SessionKey& value);

  template <class Fill>
  Writer& document(std::string_view name, Fill fill) {
    bson_t child;
    check(bson_append_document_begin(to_, name.data(), size(name), &child));
    fill(Writer(&child));
    check(bson_append_document_end(to_, &child));
    return *this;
  }
  /// Calls fill(writer, name of the element, item) for each item.
  template <class Items, class Fill>
  Writer& array(std::string_view name, const Items& items, Fill fill) {
    bson_t child;
    check(bson_append_array_begin(to_, name.data(), size(name), &child));
    std::uint32_t index = 0;
    for (const auto& item : items) {
      char buffer[16];
      const char* element = nullptr;
      const auto length = bson_uint32_to_string(index++, &element, buffer, sizeof buffer);
      fill(Writer(&child), std::string_view(element, length), item);
    }
    check(bson_append_array_end(to_, &child));
    return *this;
  }

 private:
  static int size(std::string_view name) noexcept { return static_cast<int>(name.size()); }
  static void check(bool appended);

  bson_t* to_;
};

class Document {
 public:
  Document() : bson_(bson_new()) {}
  Document(Document&& from) noexcept : bson_(std::exchange(from.bson_, nullptr)) {}
  Document& operator=(Document&&) = delete;
  ~Document() {
    if (bson_) bson_destroy(bson_);
  }
  [[nodiscard]] Writer writer() noexcept { return Writer(bson_); }
  [[nodiscard]] const bson_t* get() const noexcept { return bson_; }

 private:
  bson_t* bson_;
};

/// Views of what a server sent: they live as long as that does. Empty where a field is missing, or
/// of another type.
[[nodiscard]] std::optional<std::int64_t> find_number(const bson_t& in, const char* path);
[[nodiscard]] std::optional<bool> find_flag(const bson_t& in, const char* path);
[[nodiscard]] std::optional<std::string_view> find_text(const bson_t& in, const char* path);
[[nodiscard]] std::optional<TimePoint> find_time(const bson_t& in, const char* path);
[[nodiscard]] std::optional<std::string_view> find_bytes(const bson_t& in, const char* path);
[[nodiscard]] bool has(const bson_t& in, const char* path);

/// Calls f with each document of an array; the others in it are left out. Whether there is one.
template <class F>
bool each_document(const bson_t& in, const char* path, F f) {
  bson_iter_t at, found, element;
  if (!bson_iter_init(&at, &in) || !bson_iter_find_descendant(&at, path, &found) ||
      !BSON_ITER_HOLDS_ARRAY(&found) || !bson_iter_recurse(&found, &element))
    return false;
  while (bson_iter_next(&element)) {
    if (!BSON_ITER_HOLDS_DOCUMENT(&element)) continue;
    std::uint32_t length = 0;
    const std::uint8_t* data = nullptr;
    bson_iter_document(&element, &length, &data);
    bson_t document;
    const bson_t& view = document;  // std::as_const would lose the alignment that bson_t has
    if (bson_init_static(&document, data, length)) f(view);
  }
  return true;
}

/// A session as a document; the key is its _id. Nobody's has no owner.
void write_record(Writer to, const Record& record);
/// Empty where it is no document of ours.
[[nodiscard]] std::optional<SessionKey> read_key(const bson_t& document);
/// All but the key. False where a field is missing or of another type.
[[nodiscard]] bool read_record(const bson_t& document, Record& into);
/// The same without token, owner and blob.
[[nodiscard]] bool read_times(const bson_t& document, Record& into);

}  // namespace flame::inline v0::session::mongo
