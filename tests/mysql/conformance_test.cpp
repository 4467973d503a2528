#include <flame/session/test_support/conformance.hpp>

#include "mysql_support.hpp"

namespace flame::session {
namespace {

FLAME_SESSION_STORE_CONFORMANCE(MariaDb, [] { return mysql::store_in_new_table("mariadb"); })
FLAME_SESSION_STORE_CONFORMANCE(MySql, [] { return mysql::store_in_new_table("mysql"); })

}  // namespace
}  // namespace flame::session
