#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace flame::session::tests {
namespace {

constexpr std::int32_t op_reply = 1, op_query = 2004, op_msg = 2013;

void put(std::string& to, const auto& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string json_of(const std::string& bytes, std::string& name) {
  bson_t document;
  bson_iter_t first;
  if (!bson_init_static(&document, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                        bytes.size()) ||
      !bson_iter_init(&first, &document) || !bson_iter_next(&first))
    throw std::runtime_error("no command");
  name = bson_iter_key(&first);
  char* const text = bson_as_canonical_extended_json(&document, nullptr);
  std::string out = text;
  bson_free(text);
  return out;
}

std::string bytes_of(const std::string& json) {
  bson_error_t error;
  bson_t* const document = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                              static_cast<ssize_t>(json.size()), &error);
  if (!document) throw std::runtime_error(json + ": " + error.message);
  std::string out(reinterpret_cast<const char*>(bson_get_data(document)), document->len);
  bson_destroy(document);
  return out;
}

/// OpenSSL writes without MSG_NOSIGNAL. Of this thread alone: the store must need no such thing.
void bear_broken_pipes() {
  sigset_t broken;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken, nullptr);
}

}  // namespace

struct ScriptedServer::Stream {
  int descriptor;
  SSL* tls = nullptr;

  bool read(void* into, std::size_t size) {
    auto* at = static_cast<char*>(into);
    while (size > 0) {
      const auto got = tls ? SSL_read(tls, at, static_cast<int>(size))
                           : static_cast<int>(::recv(descriptor, at, size, 0));
      if (got <= 0) return false;
      at += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  void write(const std::string& text) {
    if (tls)
      SSL_write(tls, text.data(), static_cast<int>(text.size()));
    else
      static_cast<void>(::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL));
  }
};

ScriptedServer::ScriptedServer(Talk talk, SSL_CTX* tls) : talk_(std::move(talk)), tls_(tls) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listening_, any, size) != 0 || ::listen(listening_, 16) != 0 ||
      ::getsockname(listening_, any, &size) != 0)
    throw std::runtime_error("the scripted server cannot listen");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listening_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int each : open_) ::shutdown(each, SHUT_RDWR);
  }
  for (auto& each : threads_) each.join();
  ::close(listening_);
}

std::vector<std::string> ScriptedServer::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

std::string ScriptedServer::hello(const std::string& more) {
  return R"({"isWritablePrimary": true, "ismaster": true, "minWireVersion": 0, "maxWireVersion": 21,
    "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
    "logicalSessionTimeoutMinutes": 30, "localTime": {"$date": {"$numberLong": "1800000000000"}},
    "ok": 1)" +
         (more.empty() ? "" : ", " + more) + "}";
}

void ScriptedServer::accept_all() {
  for (;;) {
    const int descriptor = ::accept(listening_, nullptr, nullptr);
    if (descriptor < 0) return;
    const std::lock_guard lock(mutex_);
    open_.insert(descriptor);
    threads_.emplace_back([this, descriptor] {
      bear_broken_pipes();
      serve(descriptor);
    });
  }
}

void ScriptedServer::serve(int descriptor) {
  Stream stream{descriptor};
  if (tls_) {
    stream.tls = SSL_new(tls_);
    SSL_set_fd(stream.tls, descriptor);
  }
  if (!tls_ || SSL_accept(stream.tls) == 1)
    while (answer(stream)) {
    }
  if (stream.tls) SSL_free(stream.tls);
  {
    const std::lock_guard lock(mutex_);
    open_.erase(descriptor);
  }
  ::close(descriptor);
}

bool ScriptedServer::answer(Stream& stream) {
  std::int32_t header[4];
  if (!stream.read(header, sizeof header)) return false;
  if (header[0] < 16 || header[0] > 10'000'000) return false;  // it is no such message
  std::string body(static_cast<std::size_t>(header[0]) - sizeof header, '\0');
  if (!stream.read(body.data(), body.size())) return false;
  const bool query = header[3] == op_query;
  const auto begin = query ? 4 + std::strlen(body.data() + 4) + 1 + 8 : 5;
  std::string name;
  const auto command = json_of(body.substr(begin), name);
  {
    const std::lock_guard lock(mutex_);
    heard_.push_back(name + " " + command);
  }
  auto reply = talk_(name, command);
  if (reply.empty()) return false;
  if (reply == "silence") {
    char byte = 0;
    static_cast<void>(::recv(stream.descriptor, &byte, 1, 0));  // until the client gives up
    return false;
  }
  const bool half = reply.starts_with("half ");
  if (half) reply.erase(0, 5);
  std::string out;
  const auto document = bytes_of(reply);
  if (query) {
    put(out, std::int32_t{8});
    put(out, std::int64_t{0});
    put(out, std::int32_t{0});
    put(out, std::int32_t{1});
  } else {
    put(out, std::int32_t{0});
    out += '\0';
  }
  out += document;
  std::string message;
  put(message, static_cast<std::int32_t>(out.size() + 16));
  put(message, std::int32_t{1});
  put(message, header[1]);
  put(message, query ? op_reply : op_msg);
  message += out;
  if (half) message.resize(message.size() / 2);
  stream.write(message);
  return !half;
}

}  // namespace flame::session::tests
