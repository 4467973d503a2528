#include <flame/session/redis.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::redis {
namespace {

/// What is wrong with the options is said by connect().
class Refused final : public StoreConnection {
 public:
  explicit Refused(std::string text) : text_(std::move(text)) {}
  void connect(const Call&) override { refuse(); }
  void run(std::span<StoreOp>, const Call&) override { refuse(); }
  std::size_t sweep(std::size_t, const Call&) override { refuse(); }
  OwnerPage list(std::string_view, std::string_view, std::size_t, const Call&) override {
    refuse();
  }

 private:
  [[noreturn]] void refuse() const { throw StoreError(StoreError::Kind::refused, text_); }

  std::string text_;
};

class RedisStore final : public Store {
 public:
  explicit RedisStore(const RedisOptions& options) : connections_(options.connections) {
    try {
      settings_ = std::make_shared<const Settings>(settings_of(options));
    } catch (const StoreError& error) {
      wrong_ = error.what();
    }
  }

  std::unique_ptr<StoreConnection> make_connection() override {
    if (!settings_) return std::make_unique<Refused>(wrong_);
    return std::make_unique<Connection>(settings_);
  }

  [[nodiscard]] StoreTraits traits() const noexcept override {
    auto traits = traits_of(connections_);
    traits.max_record = max_record;
    traits.expires_by_itself = true;
    return traits;
  }

 private:
  ConnectionOptions connections_;
  std::shared_ptr<const Settings> settings_{};
  std::string wrong_{};
};

}  // namespace

StorePtr store(RedisOptions options) { return std::make_shared<RedisStore>(options); }

}  // namespace flame::inline v0::session::redis
