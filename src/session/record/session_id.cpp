// OpenSSL's EVP has allocated at each hash since 3.0, and takes twice the time for one this short.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "session_id.hpp"

#include <openssl/sha.h>
#ifdef OPENSSL_NO_DEPRECATED_3_0
#error "this OpenSSL was built with no-deprecated: flame-session needs SHA256_Init() of it"
#endif
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "base64url.hpp"

namespace flame::inline v0::session {

std::optional<SessionId> SessionId::parse(std::string_view text) noexcept {
  std::optional<SessionId> id;
  if (text.size() != size) return id;
  id.emplace();
  if (base64url_decode(text.substr(0, selector_size), id->key_.bytes.data()) &&
      is_base64url(text.substr(selector_size)))
    std::copy_n(text.data(), size, id->text_.data());
  else
    id.reset();
  return id;
}

std::optional<SessionId> SessionId::draw(RandomSource& random) noexcept {
  std::array<std::byte, sizeof(SessionKey) + secret_bytes> bytes;
  if (!random.fill(bytes)) return std::nullopt;
  SessionId id;
  std::copy_n(bytes.begin(), sizeof(SessionKey), id.key_.bytes.begin());
  base64url_encode(id.key_.bytes, id.text_.data());
  base64url_encode(std::span(bytes).subspan(sizeof(SessionKey)), id.text_.data() + selector_size);
  return id;
}

SessionId SessionId::with_key(const SessionKey& key) const noexcept {
  SessionId id = *this;
  id.key_ = key;
  base64url_encode(key.bytes, id.text_.data());
  return id;
}

bool equal(const Verifier& a, const Verifier& b) noexcept {
  std::array<std::uint64_t, sizeof(Verifier) / 8> left, right;
  std::memcpy(left.data(), a.data(), sizeof a);
  std::memcpy(right.data(), b.data(), sizeof b);
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) difference |= left[i] ^ right[i];
  asm volatile("" : "+r"(difference));  // known to no compiler before all of it is there
  return difference == 0;
}

Verifier VerifierHash::operator()(const SessionId& id) const noexcept {
  const auto text = id.text();
  Verifier out;
  SHA256_CTX context;  // on the stack, and so nothing here can fail
  SHA256_Init(&context);
  SHA256_Update(&context, application_.data(), application_.size());
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &context);
  return out;
}

namespace {

std::atomic<std::uint64_t> token_counter{0};

std::uint64_t draw_start() noexcept {
  std::uint64_t start = 0;
  std::array<std::byte, sizeof start> bytes{};
  if (system_random().fill(bytes)) std::memcpy(&start, bytes.data(), sizeof start);
  // A token need not be secret, only unlike those of other processes: the clock stands in.
  if (start == 0)
    start = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  return start;
}

void restart_tokens() noexcept { token_counter.store(draw_start()); }

std::uint64_t mix(std::uint64_t x) noexcept {  // a bijection: distinct counters stay distinct
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}

}  // namespace

WriteToken draw_write_token() noexcept {
  static const bool started = [] {
    restart_tokens();
    pthread_atfork(nullptr, nullptr, restart_tokens);
    return true;
  }();
  static_cast<void>(started);
  std::uint64_t token = 0;
  while (token == 0) token = mix(token_counter.fetch_add(1, std::memory_order_relaxed));
  return WriteToken{token};
}

}  // namespace flame::inline v0::session
