#pragma once

#include <mongoc/mongoc.h>

#include <optional>
#include <string>

#include <flame/session/waiter.hpp>

#include "document.hpp"
#include "failure.hpp"
#include "look_up.hpp"
#include "settings.hpp"
#include "stream.hpp"

namespace flame::inline v0::session::mongo {

/// Once for each process, before anything of the driver is used.
void start_driver();

/// A client of the driver's, and the one server that it has found and talks to: the primary. It
/// never looks for another: then a new connection is made.
class Link {
 public:
  explicit Link(const Settings& settings) : settings_(settings), streams_(waiter_, settings) {}
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void connect(const std::string& password, Deadline until);
  /// The server's words, or the driver's, of why there are none: until the next call.
  struct Answer {
    const bson_t& reply;
    std::optional<Failure> failure{};
  };
  Answer ask(const Document& command, Deadline until);
  /// For what must succeed: throws what error_of() makes of a failure.
  const bson_t& ask_surely(const Document& command, Deadline until);
  /// What the server says of itself.
  const bson_t& hello(Deadline until);

  void interrupt() noexcept { waiter_.interrupt(); }
  /// Throws StoreError connection_lost where the time is over.
  void check(Deadline until) const { waiter_.check(until); }

 private:
  void choose_server(Deadline until);

  Client make_client(const std::string& password, Deadline until);

  const Settings& settings_;
  Waiter waiter_{};
  Streams streams_;  // the client's connections are its
  Client client_{};
  std::optional<Document> options_{};  // which server is meant
  struct Reply {
    Reply() noexcept { bson_init(&bson); }
    ~Reply() { bson_destroy(&bson); }
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    bson_t bson;
  };
  Reply reply_{};
};

}  // namespace flame::inline v0::session::mongo
