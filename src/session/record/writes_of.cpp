#include <flame/session/writes_of.hpp>

#include "envelope.hpp"

namespace flame::inline v0::session {

std::vector<WriteToken> writes_of(const Record& record) {
  Header header;
  std::string_view payload;
  std::vector<WriteToken> out;
  if (open_envelope(record.blob, record.key, header, payload) != Opened::done) return out;
  for (const auto token : header.tokens)
    if (token != WriteToken{}) out.push_back(token);
  return out;
}

}  // namespace flame::inline v0::session
