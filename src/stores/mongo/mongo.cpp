#include <utility>

#include <flame/session/mongo.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::mongo {
namespace {

class MongoStore final : public Store {
 public:
  explicit MongoStore(MongoOptions options)
      : shared_(std::make_shared<Shared>(std::move(options))),
        traits_(
            traits_of(shared_->settings ? shared_->settings->connections : ConnectionOptions{})) {
    traits_.max_record = max_record;
    traits_.expires_by_itself = true;
  }

  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Connection>(shared_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return traits_; }

 private:
  const std::shared_ptr<Shared> shared_;
  StoreTraits traits_;
};

}  // namespace

StorePtr store(MongoOptions options) {
  start_driver();
  return std::make_shared<MongoStore>(std::move(options));
}

}  // namespace flame::inline v0::session::mongo
