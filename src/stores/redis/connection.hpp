#pragma once

#include <memory>
#include <vector>

#include "routing.hpp"
#include "work.hpp"

namespace flame::inline v0::session::redis {

class Connection final : public StoreConnection {
 public:
  explicit Connection(std::shared_ptr<const Settings> settings);

  void connect(const Call& call) override { routing_.connect(*settings_, call.deadline); }
  std::vector<std::string> prepare(const Call& call) override;
  void run(std::span<StoreOp> batch, const Call& call) override;
  /// The server removes them, by its own clock.
  std::size_t sweep(std::size_t, const Call&) override { return 0; }
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override;
  std::optional<TimePoint> clock(const Call& call) override;
  void ping(const Call& call) override;
  void abort() noexcept override { waiter_.interrupt(); }

 private:
  /// One command of a round, and whose: a command for many keys answers several in turn.
  struct Sent {
    std::size_t first, count;
  };
  void send_round(const Call& call);
  void append_loads();
  void answered(const Sent& sent, Reply& reply, const Call& call);
  /// Throws what is to be said of those that failed.
  void tell_failures();
  /// What to tell where the server is full.
  std::optional<std::string> try_a_session(const Call& call);
  Reply ask(std::initializer_list<std::string_view> command, const Call& call);
  std::string server_run(const Call& call);

  std::shared_ptr<const Settings> settings_;
  Waiter waiter_{};
  Routing routing_{waiter_};
  Commands commands_;
  std::vector<Work> works_{};
  std::vector<Work*> round_{};
  std::vector<Sent> sent_{};
};

}  // namespace flame::inline v0::session::redis
