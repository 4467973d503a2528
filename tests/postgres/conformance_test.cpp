#include <flame/session/test_support/conformance.hpp>

#include "support.hpp"

namespace flame::session::tests {
namespace {

StorePtr new_store() {
  auto* const server = Server::get();
  return server ? postgres::store(server->options()) : nullptr;
}

FLAME_SESSION_STORE_CONFORMANCE(Postgres, new_store)

}  // namespace
}  // namespace flame::session::tests
