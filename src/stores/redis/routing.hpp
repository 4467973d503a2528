#pragma once

#include "node.hpp"

namespace flame::inline v0::session::redis {

/// Which server gets a command: here all go to the one that the options name. What is sent, and
/// what a reply means, is no matter of routing.
class Routing {
 public:
  explicit Routing(Waiter& waiter) : node_(waiter) {}

  void connect(const Settings& settings, Deadline until) { node_.connect(settings, until); }
  /// Where the commands on a bucket's keys are to be appended.
  [[nodiscard]] Pipeline& to(std::uint8_t) noexcept { return node_.pipeline(); }
  /// Where those go that any server can answer.
  [[nodiscard]] Pipeline& to_any() noexcept { return node_.pipeline(); }
  /// Whether one command may have keys of several buckets.
  [[nodiscard]] bool takes_many_buckets() const noexcept { return many_buckets_; }
  /// It may not: the server said so.
  void keep_buckets_apart() noexcept { many_buckets_ = false; }

  /// Sends what was appended, and forgets it. The commands count from 0 as they were appended.
  void exchange(const OnReply& on_reply, Deadline until) { node_.exchange(on_reply, until); }

 private:
  Node node_;
  bool many_buckets_ = true;
};

}  // namespace flame::inline v0::session::redis
