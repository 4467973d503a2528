#include <flame/session/mysql.hpp>

#include "hung_name.hpp"

namespace flame::session::tests {
namespace {

TEST(MysqlResolver, AnAbortEndsTheWaitForIt) {
  expect_abort_ends_a_hung_lookup(*mysql::store({.dsn = "mysql://u@hung.invalid/d"}));
}

}  // namespace
}  // namespace flame::session::tests
