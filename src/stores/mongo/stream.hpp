#pragma once

#include <mongoc/mongoc.h>

#include <cstddef>
#include <string>

#include <flame/session/waiter.hpp>

namespace flame::inline v0::session::mongo {

struct Settings;

/// What the driver's connections are made of, and wait with: the driver's own know no deadline of a
/// call, and cannot be interrupted. One thread at a time, but the Waiter's interrupt().
class Streams {
 public:
  Streams(Waiter& waiter, const Settings& settings) : waiter_(waiter), settings_(settings) {}

  /// For all that is waited for from now on.
  void begin(Deadline until) noexcept {
    until_ = until;
    broken_ = false;
  }
  /// Whether the network failed, or the time was over, since then.
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] bool over() const noexcept;

  /// Why the host that was tried last cannot be spoken to; empty where it can.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  /// Whether the driver takes the files for TLS: it does not say why not.
  [[nodiscard]] bool unfit() const noexcept { return unfit_; }
  /// Whether a server proved nothing, or not its name.
  [[nodiscard]] bool distrusts() const noexcept { return distrusts_; }

  /// A mongoc_stream_initiator_t, whose user_data is this.
  static mongoc_stream_t* connect(const mongoc_uri_t*, const mongoc_host_list_t* host, void* self,
                                  bson_error_t* error) noexcept;

 private:
  friend struct Stream;
  mongoc_stream_t* open(const mongoc_host_list_t& host);
  bool shakes_hands(mongoc_stream_t* tls, const mongoc_host_list_t& host, Deadline until) noexcept;

  Waiter& waiter_;
  const Settings& settings_;
  Deadline until_{};
  std::string problem_{};
  bool broken_ = false, unfit_ = false, distrusts_ = false;
};

}  // namespace flame::inline v0::session::mongo
