#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/value.hpp>

#include "session/record/base.hpp"

/// Blobs and records by hand.
namespace flame::session::tests {

struct Contents {
  std::vector<std::pair<const char*, int>> values{};  ///< ascending
  std::optional<std::string> flash{};                 ///< encoded
};

inline std::string payload_of(const Contents& contents) {
  std::string out;
  Writer writer(out);
  writer.map(contents.values.size() + (contents.flash ? 1 : 0));
  if (contents.flash) {
    writer.unsigned_integer(1);
    writer.item(*contents.flash);
  }
  for (const auto& [key, value] : contents.values) {
    writer.text(key);
    writer.integer(value);
  }
  return out;
}

inline std::string blob_of(const Header& header, const SessionKey& key, std::string_view payload) {
  std::string blob;
  begin_envelope(blob, header, payload.size());
  blob += payload;
  seal_envelope(blob, key);
  return blob;
}

inline SessionKey key_of(int n) {
  SessionKey key;
  key.bytes.front() = static_cast<std::byte>(n);
  return key;
}

inline Verifier verifier_of(int n) {
  Verifier verifier{};
  verifier.front() = static_cast<std::byte>(n);
  return verifier;
}

}  // namespace flame::session::tests
