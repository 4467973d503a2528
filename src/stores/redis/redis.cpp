#include <functional>
#include <memory>
#include <string>

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
  KeyPage scan(std::string_view, std::size_t, const Call&) override { refuse(); }

 private:
  [[noreturn]] void refuse() const { throw StoreError(StoreError::Kind::refused, text_); }

  std::string text_;
};

using Make = std::function<std::unique_ptr<StoreConnection>()>;

Make connections(const RedisOptions& options) {
  try {
    return [settings = std::make_shared<const Settings>(settings_of(options))] {
      return std::make_unique<Connection>(settings);
    };
  } catch (const StoreError& error) {
    return [wrong = std::string(error.what())] { return std::make_unique<Refused>(wrong); };
  }
}

}  // namespace

StorePtr store(RedisOptions options) {
  auto traits = traits_of(options.connections);
  traits.max_record = max_record;
  traits.expires_by_itself = true;
  return make_store(traits, connections(options));
}

}  // namespace flame::inline v0::session::redis
