#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "test_support/temporary_folder.hpp"

namespace flame::inline v0::session::mysql {

/// Files CA.pem, if it is not there, and NAME.pem with NAME.key for a server of this name. With -1
/// days it has expired.
void make_certificate(const std::filesystem::path& folder, const std::string& ca,
                      const std::string& name, int days = 2);

/// From CA.pem a file NAME.pem of the same key and name, which has expired.
void make_expired(const std::filesystem::path& folder, const std::string& ca,
                  const std::string& name);

/// A MariaDB of a test's own, for what it does to the whole of a server. Its user is root, without
/// a password.
class PrivateServer {
 public:
  [[nodiscard]] static bool is_to_be_had();
  PrivateServer();
  ~PrivateServer() { end(); }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  /// Returns once it answers.
  void start(const std::vector<std::string>& options = {});
  void signal(int number) const;  ///< SIGSTOP: returns once it has stopped
  /// As a power cut would, but for what the system keeps.
  void end();

  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// In folder().
  void make_certificate(const std::string& ca, const std::string& name) const;

 private:
  test_support::TemporaryFolder folder_{};
  int port_;
  pid_t pid_ = 0;
};

}  // namespace flame::inline v0::session::mysql
