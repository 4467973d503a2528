#pragma once

#include <bson/bson.h>
#include <openssl/ssl.h>

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/store.hpp>

namespace flame::session::tests {

/// Speaks MongoDB's wire protocol (OP_MSG, and OP_QUERY for the first hello), and answers what a
/// test wants it to: for what a real server shows too seldom.
class ScriptedServer {
 public:
  /// The reply to a command as JSON; empty: the connection is closed; "silence": none ever comes;
  /// one that begins with "half " is cut in the middle.
  using Talk = std::function<std::string(const std::string& name, const std::string& command)>;

  /// With `tls` the server's side of it.
  explicit ScriptedServer(Talk talk, SSL_CTX* tls = nullptr);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string uri(const std::string& parameters = {}) const {
    return "mongodb://" + host() + "/flame" + (parameters.empty() ? "" : "?" + parameters);
  }
  /// What came so far: names and commands as JSON.
  [[nodiscard]] std::vector<std::string> heard() const;

  /// How a primary of its own introduces itself; `more` comes after that.
  static std::string hello(const std::string& more = {});
  static bool is_hello(const std::string& name) {
    return name == "hello" || name == "isMaster" || name == "ismaster";
  }

 private:
  struct Stream;
  void accept_all();
  void serve(int descriptor);
  bool answer(Stream& stream);

  Talk talk_;
  SSL_CTX* tls_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_{};
  std::vector<std::string> heard_{};
  std::set<int> open_{};
  std::vector<std::thread> threads_{};
  std::thread accepting_{};
};

}  // namespace flame::session::tests
