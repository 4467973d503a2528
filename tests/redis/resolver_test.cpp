#include <flame/session/redis.hpp>

#include "hung_resolver.hpp"

namespace flame::session::tests {
namespace {

TEST(RedisResolver, AnAbortEndsTheWaitForIt) {
  expect_abort_ends_a_hung_lookup(*redis::store({.addr = "hung.invalid:1"}));
}

}  // namespace
}  // namespace flame::session::tests
