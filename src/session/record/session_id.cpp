#include "session_id.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

#include "base64url.hpp"

namespace flame::inline v0::session {

std::optional<SessionId> SessionId::parse(std::string_view text) noexcept {
  std::optional<SessionId> id;
  if (text.size() != size) return id;
  id.emplace();
  std::array<std::byte, secret_bytes> secret;
  if (base64url_decode(text.substr(0, selector_size), id->key_.bytes.data()) &&
      base64url_decode(text.substr(selector_size), secret.data()))
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
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

namespace {

/// Throws rather than let a static keep a null for good: it is tried again at its next use.
template <class T>
T* required(T* made) {
  if (!made) throw std::bad_alloc();
  return made;
}

const EVP_MD* sha256() {
  // Fetched once: OpenSSL 3 looks a digest up by name at each use otherwise.
  static const EVP_MD* const digest = required(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return digest;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

Verifier VerifierHash::operator()(const SessionId& id) const {
  static thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(
      required(EVP_MD_CTX_new()));
  const auto text = id.text();
  Verifier out;
  if (EVP_DigestInit_ex2(context.get(), sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), application_.data(), application_.size()) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available from OpenSSL");
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
