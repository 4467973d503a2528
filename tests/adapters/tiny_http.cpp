#include "tiny_http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <optional>

namespace tiny {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Request parse(std::string_view head, const std::string& peer) {
  const auto line = [&head] {
    const auto end = head.find("\r\n");
    const auto out = head.substr(0, end);
    head.remove_prefix(end + 2);
    return out;
  };
  Request out;
  out.peer = peer;
  const auto first = line();
  const auto space = first.find(' ');
  const auto target = first.substr(space + 1, first.rfind(' ') - space - 1);
  const auto mark = std::min(target.find('?'), target.size());
  out.method = first.substr(0, space);
  out.path = target.substr(0, mark);
  if (mark < target.size()) out.query = target.substr(mark + 1);
  while (!head.empty()) {
    const auto field = line();
    const auto colon = std::min(field.find(':'), field.size() - 1);
    out.fields.emplace_back(field.substr(0, colon), trimmed(field.substr(colon + 1)));
  }
  return out;
}

/// With the lines' ends; `rest` is what was read already, and then what came after it.
std::optional<std::string> read_head(int socket, std::string& rest) {
  for (;;) {
    if (const auto end = rest.find("\r\n\r\n"); end != std::string::npos) {
      auto head = rest.substr(0, end + 2);
      rest.erase(0, end + 4);
      return head;
    }
    std::array<char, 4096> buffer{};
    const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return std::nullopt;
    rest.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool write(int socket, const Response& response, bool with_body) {
  auto text = "HTTP/1.1 " + std::to_string(response.status) + " Tiny\r\n";
  for (const auto& [name, value] : response.fields) text.append(name + ": " + value + "\r\n");
  text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
  if (with_body) text += response.body;
  for (std::string_view left = text; !left.empty();) {
    const auto sent = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, ::tolower, ::tolower);
}

int Server::bind(const std::string& host) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
                     ::bind(listening_, generic, size) == 0 && ::listen(listening_, 1024) == 0 &&
                     ::getsockname(listening_, generic, &size) == 0;
  return bound ? ntohs(address.sin_port) : 0;
}

void Server::run() {
  for (;;) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const int socket =
        ::accept4(listening_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (is_stopped_) {
      if (socket >= 0) ::close(socket);
      break;
    }
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::array<char, INET_ADDRSTRLEN> peer{};
    ::inet_ntop(AF_INET, &address.sin_addr, peer.data(), peer.size());
    auto& connection = connections_.emplace_back(Connection{socket});
    connection.thread =
        std::thread([this, socket, text = std::string(peer.data())] { serve(socket, text); });
  }
  close_all();
}

void Server::stop() {
  const std::scoped_lock lock(mutex_);
  is_stopped_ = true;
  ::shutdown(listening_, SHUT_RDWR);
}

void Server::close_all() {
  for (auto& each : connections_) {
    ::shutdown(each.socket, SHUT_RDWR);
    each.thread.join();
    ::close(each.socket);
  }
  ::close(listening_);
}

void Server::serve(int socket, const std::string& peer) {
  std::string rest;
  while (const auto head = read_head(socket, rest)) {
    const auto request = parse(*head, peer);
    if (!write(socket, answer(request), request.method != "HEAD")) break;
  }
  ::shutdown(socket, SHUT_RDWR);
}

Response Server::answer(const Request& request) const {
  auto found = routes_.find(request.path);
  if (found == routes_.end())
    found = routes_.find(request.path.substr(0, request.path.rfind('/') + 1));
  Response response;
  try {
    if (found == routes_.end())
      response.status = 404;
    else
      found->second(request, response);
  } catch (const std::exception&) {
    response = {500, {}, "Internal Server Error\n"};
  }
  return response;
}

}  // namespace tiny
