#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/connections.hpp>

#include "batch.hpp"
#include "dsn.hpp"
#include "settings.hpp"
#include "wire.hpp"

namespace flame::inline v0::session::mysql {

inline constexpr std::size_t max_record = std::size_t{1} << 20;

/// What all connections of a store share.
struct Config {
  std::optional<StoreError> wrong{};  ///< with the options: told by connect()
  Dsn dsn{};
  TableName table{};
  bool init_table = false;
  ConnectionOptions connections{};
};

class Connection final : public StoreConnection {
 public:
  explicit Connection(std::shared_ptr<const Config> config);

  void connect(const Call& call) override;
  std::vector<std::string> prepare(const Call& call) override;
  void run(std::span<StoreOp> batch, const Call& call) override;
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override;
  std::optional<TimePoint> clock(const Call& call) override;
  void ping(const Call& call) override;
  void abort() noexcept override { wire_.interrupt(); }

 private:
  /// Runs f as one exchange.
  template <class F>
  auto exchange(const Call& call, F f);
  [[noreturn]] void tell(const DriverError& error) const;
  void open(const Place& place, const Login& login, const Call& call);
  void begin_session();
  void make_table();
  void run_all(Verb verb, std::span<StoreOp> ops, const Call& call);
  void run_some(Verb verb, std::span<StoreOp> ops, const Call& call);
  [[nodiscard]] std::size_t fitting(std::span<StoreOp> ops) const noexcept;

  const std::shared_ptr<const Config> config_;
  Settings settings_{};
  std::size_t most_bytes_ = 0;  // of one statement
  Batch batch_;
  Wire wire_;  // goes first: statements say no goodbye to a connection that is closed
};

}  // namespace flame::inline v0::session::mysql
