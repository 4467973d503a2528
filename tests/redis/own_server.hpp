#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <flame/session/redis.hpp>

#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {

/// A server of a test's own, to be stopped, killed and set up: the program that scripts/servers
/// runs under this name, in a folder of its own. Ends with the object.
class OwnServer {
 public:
  /// Further settings, as on the command line. Throws where it does not start.
  explicit OwnServer(const std::string& name, std::vector<std::string> settings = {});
  ~OwnServer();
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  /// Once it answers; on the data that it had.
  void start();
  void signal(int number) const;
  /// kill -9, and until it is gone.
  void kill();
  [[nodiscard]] std::string socket() const { return (folder_.path() / "s").string(); }
  [[nodiscard]] std::string address() const { return "unix:" + socket(); }
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

 private:
  test_support::TemporaryFolder folder_;
  std::string program_, libraries_;
  std::vector<std::string> settings_;
  pid_t pid_ = -1;
};

/// A plain client: says what a test wants to be so, and looks what is. Errors are answered as text.
class Client {
 public:
  explicit Client(const std::string& address);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Arrays are joined by spaces.
  std::string operator()(const std::vector<std::string>& command);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace flame::session::tests
