#include "own_server.hpp"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>

#include "server.hpp"

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;

}  // namespace

OwnServer::OwnServer(const std::string& name, std::vector<std::string> settings)
    : settings_(std::move(settings)) {
  const auto pid = ask_servers("pid " + name);
  if (!pid) throw std::runtime_error(name + " is not to be had here");
  const auto program = std::filesystem::read_symlink("/proc/" + *pid + "/exe");
  program_ = program.string();
  // Where it was unpacked, and not installed, its libraries are there, too.
  const auto root = program.parent_path().parent_path().parent_path().string();
  libraries_ = root + "/usr/lib/x86_64-linux-gnu:" + root + "/lib/x86_64-linux-gnu";
  start();
}

OwnServer::~OwnServer() {
  if (pid_ > 0) kill();
}

void OwnServer::start() {
  // What it is named after decides what this program is.
  std::vector<std::string> words{"redis-server",
                                 "--unixsocket",
                                 socket(),
                                 "--dir",
                                 folder_.path().string(),
                                 "--save",
                                 "",
                                 "--appendonly",
                                 "yes",
                                 "--appendfsync",
                                 "always",
                                 "--logfile",
                                 "log"};
  bool has_port = false;
  if (std::ranges::find(settings_, "--cluster-enabled") != settings_.end())
    words.insert(words.end(),
                 {"--bind", "127.0.0.1", "--cluster-port", std::to_string(free_port())});
  for (const auto& setting : settings_) {
    words.push_back(setting);
    has_port = has_port || setting == "--port" || setting == "--tls-port";
  }
  if (!has_port) words.insert(words.end(), {"--port", "0"});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto libraries = "LD_LIBRARY_PATH=" + libraries_;
  char* const environment[] = {libraries.data(), nullptr};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execve(program_.c_str(), arguments.data(), environment);
    ::_exit(127);
  }
  for (int tries = 0; tries < 2000; ++tries, std::this_thread::sleep_for(5ms)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
    const std::unique_ptr<redisContext, void (*)(redisContext*)> context(
        redisConnectUnix(socket().c_str()), redisFree);
    if (!context || context->err) continue;
    auto* const reply = static_cast<redisReply*>(redisCommand(context.get(), "PING"));
    const bool answers = reply && !std::string_view(reply->str, reply->len).starts_with("LOADING");
    freeReplyObject(reply);
    if (answers) return;
  }
  std::ifstream log(folder_.path() / "log");
  throw std::runtime_error("the server did not start: " +
                           std::string(std::istreambuf_iterator<char>(log), {}));
}

void OwnServer::signal(int number) const { ::kill(pid_, number); }

void OwnServer::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

struct Client::Context {
  redisContext* redis;
};

Client::Client(const std::string& address) : context_(std::make_unique<Context>()) {
  constexpr std::string_view unix_scheme = "unix:", tcp_scheme = "redis://";
  if (address.starts_with(unix_scheme)) {
    context_->redis = redisConnectUnix(address.substr(unix_scheme.size()).c_str());
  } else {
    const auto rest = address.substr(tcp_scheme.size());
    const auto colon = rest.find(':');
    context_->redis =
        redisConnect(rest.substr(0, colon).c_str(), std::stoi(rest.substr(colon + 1)));
  }
  if (!context_->redis || context_->redis->err) throw std::runtime_error("no connection");
}

Client::~Client() { redisFree(context_->redis); }

namespace {

std::string text_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  if (reply.type == REDIS_REPLY_NIL) return "nil";
  if (reply.type != REDIS_REPLY_ARRAY) return {reply.str, reply.len};
  std::string all;
  for (std::size_t i = 0; i < reply.elements; ++i)
    all.append(i == 0 ? "" : " ").append(text_of(*reply.element[i]));
  return all;
}

}  // namespace

std::string Client::operator()(const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const auto& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto* const reply = static_cast<redisReply*>(redisCommandArgv(
      context_->redis, static_cast<int>(words.size()), words.data(), sizes.data()));
  if (!reply) throw std::runtime_error("the server is gone");
  auto text = text_of(*reply);
  freeReplyObject(reply);
  return text;
}

}  // namespace flame::session::tests
