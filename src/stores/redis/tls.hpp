#pragma once

#include <openssl/ssl.h>
#include <poll.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <flame/session/redis.hpp>

namespace flame::inline v0::session::redis {

/// TLS over a connected socket that does not block; the server is verified, or there is none.
class Tls {
 public:
  /// `name` is the host's, or its numeric address. Files are read anew each time.
  Tls(const TlsOptions& options, const std::string& name, int descriptor);

  /// False: not yet, it lacks something. Throws StoreError refused where the server is not who it
  /// should be: nothing of what we have to say goes to it then.
  [[nodiscard]] bool shake_hands();
  [[nodiscard]] std::size_t send(std::string_view bytes);
  [[nodiscard]] std::size_t receive(std::span<char> into);
  /// Whether there is nothing to receive, and the server has not ended it.
  [[nodiscard]] bool is_quiet();
  /// What receive(), and send() too, wait for where they did nothing: events of poll(2).
  [[nodiscard]] int lacks(bool to_send) const noexcept {
    return receive_lacks_ | (to_send ? send_lacks_ : 0);
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  void verify_name(const std::string& name);
  /// What a call lacks that did nothing; throws where it never will do anything.
  [[nodiscard]] int lack_of(int result);
  [[noreturn]] void refuse_server();

  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  int receive_lacks_ = POLLIN;
  int send_lacks_ = 0;
};

}  // namespace flame::inline v0::session::redis
