#include "tls.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>

namespace flame::inline v0::session::redis {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, "redis store: " + text);
}

[[noreturn]] void lose(const std::string& text) {
  throw StoreError(StoreError::Kind::connection_lost, "redis store: " + text);
}

// OpenSSL's own BIO writes with write(2): a server that is gone would end the process (SIGPIPE).

int descriptor_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int transferred(BIO* bio, ssize_t count, int retry) noexcept {
  BIO_clear_retry_flags(bio);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(count);
}

int write_bio(BIO* bio, const char* bytes, int size) noexcept {
  const auto sent = ::send(descriptor_of(bio), bytes, static_cast<std::size_t>(size),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  return transferred(bio, sent, BIO_FLAGS_WRITE);
}

int read_bio(BIO* bio, char* bytes, int size) noexcept {
  const auto got = ::recv(descriptor_of(bio), bytes, static_cast<std::size_t>(size), MSG_DONTWAIT);
  return transferred(bio, got, BIO_FLAGS_READ);
}

long control_bio(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH; }

BIO_METHOD* make_method() noexcept {
  BIO_METHOD* const method =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "flame-session socket");
  if (!method) return nullptr;
  BIO_meth_set_write(method, write_bio);
  BIO_meth_set_read(method, read_bio);
  BIO_meth_set_ctrl(method, control_bio);
  return method;
}

BIO* make_bio(int descriptor) {
  static BIO_METHOD* const method = make_method();  // for as long as the process lives
  BIO* const bio = method ? BIO_new(method) : nullptr;
  if (!bio) throw std::bad_alloc();
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(bio, 1);
  return bio;
}

void load_files(SSL_CTX* context, const TlsOptions& options) {
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      refuse("the system's certificates cannot be read: name a ca_file");
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    refuse("ca_file cannot be read, or holds no certificate in PEM");
  }
  if (options.certificate_file.empty()) return;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
    refuse("certificate_file cannot be read, or holds no certificate in PEM");
  if (SSL_CTX_use_PrivateKey_file(context, options.certificate_key_file.c_str(),
                                  SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    refuse("certificate_key_file cannot be read, or is not the key of certificate_file");
}

bool is_numeric(const std::string& name) noexcept {
  in6_addr six{};
  in_addr four{};
  return ::inet_pton(AF_INET, name.c_str(), &four) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &six) == 1;
}

/// With TLS 1.3 the server says so after the handshake, with the first that it sends.
void refuse_without_certificate(unsigned long code) {
  if (ERR_GET_REASON(code) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
    refuse("the server asks for a certificate: name a certificate_file that it trusts");
}

}  // namespace

Tls::Tls(const TlsOptions& options, const std::string& name, int descriptor)
    : context_(SSL_CTX_new(TLS_client_method())) {
  ERR_clear_error();
  if (!context_) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context_.get(), 1);
  load_files(context_.get(), options);
  ssl_.reset(SSL_new(context_.get()));
  if (!ssl_) throw std::bad_alloc();
  verify_name(name);
  BIO* const bio = make_bio(descriptor);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
}

void Tls::verify_name(const std::string& name) {
  auto* const parameters = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool numeric = is_numeric(name);
  const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                          : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  const bool named = numeric || SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  if (set != 1 || !named) refuse("the host in addr is no name that a certificate can have");
}

bool Tls::shake_hands() {
  ERR_clear_error();
  const int result = SSL_connect(ssl_.get());
  if (result == 1) return true;
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) refuse_server();
  receive_lacks_ = lack_of(result);
  return false;
}

void Tls::refuse_server() {
  const auto verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK)
    refuse("the server's certificate is not to be trusted: " +
           std::string(X509_verify_cert_error_string(verified)));
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  refuse("the server speaks no TLS that we can: " + std::string(reason ? reason : "no reason"));
}

std::size_t Tls::send(std::string_view bytes) {
  ERR_clear_error();
  const int result = SSL_write(ssl_.get(), bytes.data(),
                               static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
  // What broke it may have been said before: receive() reads that first.
  const bool broke = result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_SYSCALL;
  send_lacks_ = result > 0 || broke ? 0 : lack_of(result);
  return result > 0 ? static_cast<std::size_t>(result) : 0;
}

std::size_t Tls::receive(std::span<char> into) {
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), into.data(),
                              static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX)));
  receive_lacks_ = result > 0 ? POLLIN : lack_of(result);
  return result > 0 ? static_cast<std::size_t>(result) : 0;
}

bool Tls::is_quiet() {
  ERR_clear_error();
  char byte = 0;
  const int result = SSL_peek(ssl_.get(), &byte, 1);
  if (result > 0) return false;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_SSL) refuse_without_certificate(ERR_peek_error());
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int Tls::lack_of(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return POLLIN;
  if (error == SSL_ERROR_WANT_WRITE) return POLLOUT;
  if (error != SSL_ERROR_SSL) lose("the server closed the connection");
  const auto code = ERR_peek_error();
  refuse_without_certificate(code);
  const char* const reason = ERR_reason_error_string(code);
  lose("the connection broke: " + std::string(reason ? reason : "TLS failed"));
}

}  // namespace flame::inline v0::session::redis
