#include <utility>

#include <flame/session/postgres.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::postgres {
namespace {

class PostgresStore final : public Store {
 public:
  explicit PostgresStore(PostgresOptions options)
      : shared_(std::make_shared<Shared>(std::move(options))),
        traits_(
            traits_of(shared_->settings ? shared_->settings->connections : ConnectionOptions{})) {
    traits_.max_record = max_record;
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

StorePtr store(PostgresOptions options) {
  return std::make_shared<PostgresStore>(std::move(options));
}

}  // namespace flame::inline v0::session::postgres
