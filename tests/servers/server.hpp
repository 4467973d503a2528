#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace flame::session::tests {

/// What scripts/servers prints for these words, without the line end; empty where it says that this
/// server is not to be had here (77). ctest starts the servers of this build before, by fixtures;
/// FLAME_SERVERS names others.
inline std::optional<std::string> ask_servers(const std::string& words,
                                              const std::string& script = SERVERS_SCRIPT) {
  ::setenv("FLAME_SERVERS", SERVERS_FOLDER, 0);
  FILE* const pipe = ::popen((script + " " + words).c_str(), "r");
  if (!pipe) throw std::runtime_error(script + " cannot be run");
  std::string out;
  for (int c = 0; (c = ::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return std::nullopt;
  if (status != 0) throw std::runtime_error(script + " " + words + " failed");
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

/// The folder that scripts/fetch-server unpacks a program into, with its libraries.
inline std::optional<std::string> fetched(const std::string& name) {
  const std::string script = SERVERS_SCRIPT;
  return ask_servers(name, script.substr(0, script.rfind('/')) + "/fetch-server");
}

/// For a server of a test's own.
inline int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      ::bind(descriptor, any, size) == 0 && ::getsockname(descriptor, any, &size) == 0;
  ::close(descriptor);
  if (!bound) throw std::runtime_error("no port is left");
  return ntohs(address.sin_port);
}

/// The URL of a running server.
inline std::optional<std::string> server_url(const std::string& name) {
  return ask_servers("url " + name);
}

}  // namespace flame::session::tests
