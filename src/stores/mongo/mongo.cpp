#include <utility>

#include <flame/session/mongo.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::mongo {

StorePtr store(MongoOptions options) {
  start_driver();
  auto shared = std::make_shared<Shared>(std::move(options));
  auto traits = traits_of(shared->settings ? shared->settings->connections : ConnectionOptions{});
  traits.max_record = max_record;
  traits.expires_by_itself = true;
  return make_store(traits,
                    [shared = std::move(shared)] { return std::make_unique<Connection>(shared); });
}

}  // namespace flame::inline v0::session::mongo
