#include "document.hpp"

#include <algorithm>

#include <flame/session/value_io.hpp>

namespace flame::inline v0::session {
namespace {

/// The library's own keys in the payload's map.
constexpr std::uint64_t flash_key = 1, csrf_key = 2;

void write_own(Writer& out, std::uint64_t key, std::optional<std::string_view> item) {
  if (!item) return;
  out.unsigned_integer(key);
  out.item(*item);
}

auto position(auto& entries, std::string_view key) noexcept {
  return std::lower_bound(entries.begin(), entries.end(), key,
                          [](const auto& entry, std::string_view k) { return entry.key() < k; });
}

}  // namespace

std::optional<Document> Document::read(std::string_view payload) {
  Document out;
  Reader in(payload);
  const auto count = in.map();
  if (!count) return std::nullopt;
  for (std::size_t i = 0; i < *count; ++i) {
    const std::size_t start = payload.size() - in.bytes_left();
    const auto item = [&] {
      return payload.substr(start, payload.size() - in.bytes_left() - start);
    };
    if (const auto key = in.text()) {
      const auto value = in.skip();
      const bool ascends = out.values_.empty() || out.values_.back().key() < *key;
      if (!value || !ascends) return std::nullopt;
      out.values_.emplace_back(item(), *key, *value);
      continue;
    }
    const auto own = in.unsigned_integer();
    const auto value = own ? in.skip() : std::nullopt;
    if (!value) return std::nullopt;
    if (*own == flash_key || *own == csrf_key) {
      auto& slot = *own == flash_key ? out.flash_ : out.csrf_;
      if (slot) return std::nullopt;
      slot = value;
    } else {
      out.unknown_.push_back(item());
    }
  }
  if (!in.at_end()) return std::nullopt;
  return out;
}

const Document::Entry* Document::find(std::string_view key) const noexcept {
  const auto at = position(values_, key);
  return at != values_.end() && at->key() == key ? &*at : nullptr;
}

void Document::put(const Entry& entry) {
  const auto at = position(values_, entry.key());
  if (at != values_.end() && at->key() == entry.key())
    *at = entry;
  else
    values_.insert(at, entry);
}

bool Document::erase(std::string_view key) noexcept {
  const auto at = position(values_, key);
  if (at == values_.end() || at->key() != key) return false;
  values_.erase(at);
  return true;
}

std::size_t Document::content_size() const noexcept {
  std::size_t size = flash_ ? flash_->size() + 1 : 0;
  for (const auto& entry : values_) size += entry.bytes().size();
  for (const auto bytes : unknown_) size += bytes.size();
  return size;
}

std::size_t Document::payload_size() const noexcept {
  const auto n = count();
  return content_size() + (csrf_ ? csrf_->size() + 1 : 0) +
         (n < 24      ? 1
          : n < 256   ? 2
          : n < 65536 ? 3
                      : 5);  // RFC 8949, 3: the map's head
}

void Document::append_to(std::string& payload) const {
  Writer out(payload);
  out.map(count());
  write_own(out, flash_key, flash_);
  write_own(out, csrf_key, csrf_);
  for (const auto bytes : unknown_) payload.append(bytes);
  for (const auto& entry : values_) payload.append(entry.bytes());
}

}  // namespace flame::inline v0::session
