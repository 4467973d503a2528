#include <flame/session/redis.hpp>
#include <flame/session/test_support/conformance.hpp>

#include "redis_support.hpp"

namespace flame::session {
namespace {

/// A prefix of its own each time, so that it is empty.
StorePtr new_store(const char* server) {
  const auto url = tests::server_url(server);
  if (!url) return nullptr;
  return redis::store({.addr = *url, .key_prefix = tests::new_prefix()});
}

FLAME_SESSION_STORE_CONFORMANCE(Redis, [] { return new_store("redis"); })
FLAME_SESSION_STORE_CONFORMANCE(Valkey, [] { return new_store("valkey"); })

}  // namespace
}  // namespace flame::session
