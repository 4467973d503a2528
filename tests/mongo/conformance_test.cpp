#include <flame/session/mongo.hpp>
#include <flame/session/test_support/conformance.hpp>

#include "mongo_support.hpp"

namespace flame::session {
namespace {

FLAME_SESSION_STORE_CONFORMANCE(Mongo, []() -> StorePtr {
  const auto uri = tests::server_url("mongo");
  if (!uri) return nullptr;
  return mongo::store(
      {.uri = *uri, .collection = tests::new_collection(), .init_collection = true});
})

}  // namespace
}  // namespace flame::session
