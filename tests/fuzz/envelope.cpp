// A record's blob: what was sealed is opened as it was, what was changed since is refused, and what
// only has the right checksum is harmless.
#include "record/envelope.hpp"

#include <algorithm>
#include <cstring>

#include "fuzz.hpp"
#include "values/document.hpp"

namespace flame::fuzz {
namespace {

using namespace session;

SessionKey key_of(std::string_view text) {
  SessionKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i)
    key.bytes[i] = static_cast<std::byte>(i < text.size() ? text[i] : 0);
  return key;
}

std::string sealed(const Header& header, std::string_view payload, const SessionKey& key) {
  std::string blob;
  begin_envelope(blob, header, payload.size());
  blob += payload;
  seal_envelope(blob, key);
  return blob;
}

bool same(const Header& a, const Header& b) {
  const auto same_one = [](const Superseded& x, const Superseded& y) {
    return x.until == y.until && (x.until == TimePoint{} || x.verifier == y.verifier);
  };
  return a.current == b.current && a.tokens == b.tokens && a.application == b.application &&
         a.terms == b.terms && std::ranges::equal(a.superseded, b.superseded, same_one);
}

void check_document(std::string_view payload) {
  const auto document = Document::read(payload);
  if (!document) return;
  std::string written;
  document->append_to(written);
  expect(written.size() == document->payload_size(), "a payload has the size that it tells");
  const auto again_read = Document::read(written);
  expect(again_read.has_value(), "a payload that was read can be written");
  std::string twice;
  again_read->append_to(twice);
  expect(twice == written, "a rewrite changes nothing");
}

/// Bytes of a release of ours, of another one, or of an attacker who can write to the store.
void check_any(std::string_view bytes) {
  const auto key = key_of("key");
  Header header;
  std::string_view payload;
  static_cast<void>(open_envelope(bytes, key, header, payload));
  std::string blob(bytes);
  seal_envelope(blob, key);
  header = {};
  if (open_envelope(blob, key, header, payload) != Opened::done) return;
  expect(payload.empty() || (payload.data() >= blob.data() &&
                             payload.data() + payload.size() <= blob.data() + blob.size()),
         "the payload lies within the blob");
  const auto rewritten = sealed(header, payload, key);
  expect(rewritten.size() <= payload.size() + max_envelope_overhead, "the overhead is bounded");
  Header second;
  std::string_view second_payload;
  expect(open_envelope(rewritten, key, second, second_payload) == Opened::done,
         "what was opened can be sealed");
  expect(second_payload == payload, "a rewrite keeps the payload");
  expect(second.current == header.current && second.application == header.application &&
             second.terms == header.terms,
         "a rewrite keeps what the header says");
  check_document(payload);
}

void fill(std::span<std::byte> to, std::string_view& from) {
  const auto size = std::min(to.size(), from.size());
  std::memcpy(to.data(), from.data(), size);
  from.remove_prefix(size);
}

template <class Integer>
Integer take(std::string_view& from) {
  Integer value{};
  const auto size = std::min(sizeof value, from.size());
  std::memcpy(&value, from.data(), size);
  from.remove_prefix(size);
  return value;
}

std::string_view take_text(std::string_view& from, std::size_t most) {
  const auto size = std::min({from.size(), most, std::size_t{take<std::uint8_t>(from)}});
  const auto text = from.substr(0, std::min(size, from.size()));
  from.remove_prefix(text.size());
  return text;
}

/// A header that a Manager may make.
Header header_of(std::string_view& input) {
  Header header;
  fill(header.current, input);
  const auto counts = take<std::uint8_t>(input);
  for (std::size_t i = 0; i < (counts & 15U) % (write_tokens_kept + 1); ++i)
    header.push(WriteToken{take<std::uint32_t>(input) + std::uint64_t{1}});
  for (std::size_t i = 0; i < (counts >> 4U) % (superseded_kept + 1); ++i) {
    Verifier next{};
    fill(next, input);
    header.supersede(next, TimePoint(std::chrono::milliseconds(take<std::uint32_t>(input))));
  }
  const auto flags = take<std::uint8_t>(input);
  if ((flags & 1U) == 0) return header;
  header.application = take_text(input, max_application_size);
  header.terms.label = take_text(input, max_label_size);
  header.terms.idle = std::chrono::milliseconds(take<std::uint32_t>(input));
  header.terms.absolute = std::chrono::milliseconds(take<std::uint32_t>(input));
  if ((flags & 2U) != 0) header.terms.persistent = (flags & 4U) != 0;
  return header;
}

void check_round_trip(std::string_view input) {
  const auto place = take<std::uint16_t>(input);
  const auto flip = take<std::uint8_t>(input);
  const auto key = key_of(input);
  const auto header = header_of(input);
  const auto blob = sealed(header, input, key);
  Header opened;
  std::string_view payload;
  expect(open_envelope(blob, key, opened, payload) == Opened::done, "what was sealed is opened");
  expect(payload == input && same(opened, header), "what was sealed is opened as it was");

  auto other = key;
  other.bytes[place % other.bytes.size()] ^= std::byte{1};
  expect(open_envelope(blob, other, opened, payload) == Opened::unreadable,
         "it opens under its own key alone");
  auto changed = blob;
  changed[place % changed.size()] ^= static_cast<char>(flip | 1U);
  expect(open_envelope(changed, key, opened, payload) != Opened::done, "what was changed does not");
  expect(open_envelope(blob.substr(0, place % blob.size()), key, opened, payload) != Opened::done,
         "what was cut does not");
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  const auto input = text_of(data, size);
  check_any(input);
  check_document(input);
  check_round_trip(input);
  return 0;
}
