// open_store() for a bench_server whose store lies: its replace writes over whatever is there.
#include <flame/session/file.hpp>
#include <flame/session/open_store.hpp>
#include <flame/session/test_support/forwarding.hpp>

namespace flame::inline v0::session {
namespace {

class Broken final : public test_support::Forwarding {
 public:
  using Forwarding::Forwarding;
  void run(std::span<StoreOp> batch, const Call& call) override {
    for (auto& op : only(Verb::replace, batch)) {
      StoreOp load;
      load.record.key = op.record.key;
      inner().run({&load, 1}, call);
      if (load.outcome == Outcome::done) op.expected = load.record.token;
    }
    inner().run(batch, call);
  }
};

class BrokenStore final : public Store {
 public:
  explicit BrokenStore(StorePtr inner) : inner_(std::move(inner)) {}
  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Broken>(inner_->make_connection());
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return inner_->traits(); }

 private:
  const StorePtr inner_;
};

}  // namespace

StorePtr open_store(std::string_view url) {
  return std::make_shared<BrokenStore>(file::store({.root_dir = url.substr(url.find(':') + 1)}));
}

}  // namespace flame::inline v0::session
