// open_store() for a bench_server whose store lies: its replace writes over whatever is there.
#include <flame/session/file.hpp>
#include <flame/session/open_store.hpp>

namespace flame::inline v0::session {
namespace {

class Broken final : public StoreConnection {
 public:
  explicit Broken(std::unique_ptr<StoreConnection> inner) : inner_(std::move(inner)) {}

  void connect(const Call& call) override { inner_->connect(call); }
  std::vector<std::string> prepare(const Call& call) override { return inner_->prepare(call); }
  void run(std::span<StoreOp> batch, const Call& call) override {
    for (auto& op : only(Verb::replace, batch)) {
      StoreOp load;
      load.record.key = op.record.key;
      inner_->run({&load, 1}, call);
      if (load.outcome == Outcome::done) op.expected = load.record.token;
    }
    inner_->run(batch, call);
  }
  std::size_t sweep(std::size_t limit, const Call& call) override {
    return inner_->sweep(limit, call);
  }
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override {
    return inner_->list(owner, from, limit, call);
  }
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override {
    return inner_->scan(from, limit, call);
  }
  void abort() noexcept override { inner_->abort(); }

 private:
  const std::unique_ptr<StoreConnection> inner_;
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
