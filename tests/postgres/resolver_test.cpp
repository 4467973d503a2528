#include <flame/session/postgres.hpp>

#include "hung_resolver.hpp"

namespace flame::session::tests {
namespace {

TEST(PostgresResolver, AnAbortEndsTheWaitForIt) {
  expect_abort_ends_a_hung_lookup(*postgres::store({.dsn = "postgres://hung.invalid/d"}));
}

}  // namespace
}  // namespace flame::session::tests
