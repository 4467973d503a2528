#include "demo.hpp"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>

#include "controlled_store.hpp"

namespace demo {
namespace {

constexpr const char* usage =
    "usage: PROGRAM [--listen HOST] [--blocking] [--deadline MS] [--id-header NAME]\n"
    "               [--logins N]\n"
    "\n"
    "  --listen HOST       (127.0.0.1), on a free port, which it says\n"
    "  --blocking          a store that blocks, and that /store/NAME controls\n"
    "  --deadline MS       of a load or commit (60000)\n"
    "  --id-header NAME    by which the session ID travels, too\n"
    "  --logins N          of one owner at a time; more are refused\n";

[[noreturn]] void refuse(const std::string& text) {
  std::fprintf(stderr, "%s\n%s", text.c_str(), usage);
  std::exit(1);
}

}  // namespace

Demo::Demo(int argc, char** argv) {
  // All load comes from one place, and no visitor is to be turned away.
  session::Options options{.deadline = std::chrono::minutes(1), .max_created_per_second = 0};
  const std::span words(argv, static_cast<std::size_t>(argc));
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string name = words[i];
    if (name == "--blocking") {
      store_ = std::make_shared<ControlledStore>();
      options.store = store_;
      continue;
    }
    if (++i == words.size()) refuse(name + " is unknown, or needs a value");
    if (name == "--listen")
      host_ = words[i];
    else if (name == "--deadline")
      options.deadline = std::chrono::milliseconds(std::atoi(words[i]));
    else if (name == "--id-header")
      options.id_header = words[i];
    else if (name == "--logins")
      options.max_sessions_per_owner = static_cast<std::size_t>(std::atoi(words[i]));
    else
      refuse(name + " is unknown");
  }
  options.at_owner_limit = session::AtOwnerLimit::refuse;
  manager_ = std::make_unique<session::Manager>(std::move(options));
  if (const auto opened = manager_->open(); !opened) refuse(opened.error().text);
}

Demo::~Demo() = default;

std::string Demo::control(std::string_view name) {
  if (!store_) throw std::logic_error("there is no such store without --blocking");
  if (name == "hold_reads") store_->hold(true, false);
  if (name == "hold_writes") store_->hold(false, true);
  if (name == "refuse_reads") store_->refuse(true, false);
  if (name == "refuse_writes") store_->refuse(false, true);
  if (name == "free") store_->free();
  if (name == "waiting") return std::to_string(store_->waiting());
  if (name == "count") return std::to_string(store_->count());
  return "Done";
}

Stopper::Stopper(std::function<void()> stop) {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waits_ = std::thread([this, stop = std::move(stop)] {
    int number = 0;
    ::sigwait(&signals_, &number);
    stop();
  });
}

Stopper::~Stopper() { waits_.join(); }

namespace {

bool takes_connections(int port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool taken =
      ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(client);
  return taken;
}

}  // namespace

void say_port(int port) {
  std::thread([port] {
    while (!takes_connections(port)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::printf("Listening on http://127.0.0.1:%d\n", port);
    std::fflush(stdout);
  }).detach();
}

std::string set(session::Session& s) {
  s.set("user_id", 123);
  return "Succeed";
}

std::string get(const session::Session& s) {
  const auto user_id = s.get<int>("user_id");
  if (!user_id || *user_id <= 0) return "Not authenticated";
  return "Authenticated as " + std::to_string(*user_id);
}

std::string clear(session::Session& s) {
  s.erase("user_id");
  return "Cleared";
}

std::string add(session::Session& s) {
  s.update("n", 0, [](int number) { return number + 1; });
  return "Added";
}

std::string n(const session::Session& s) { return std::to_string(s.get_or("n", 0)); }

void fail(session::Session& s) {
  s.set("n", 7);
  throw std::runtime_error("it fails on purpose");
}

int status(session::Session& s, std::string_view v) {
  s.set("n", 7);
  return std::atoi(std::string(v).c_str());
}

std::string set_flash(session::Session& s, const std::string& v) {
  s.set_flash(v);
  return "Succeed";
}

std::string take(const session::Flash& flash) { return flash.get<std::string>().value_or("none"); }

void take_throw(const session::Flash& flash) {
  throw std::runtime_error(take(flash).empty() ? "" : "it fails on purpose");
}

std::string login(session::Session& s, const std::string& v) {
  s.set_owner(v);
  return "Succeed";
}

std::string logout(session::Session& s) {
  s.destroy();
  return "Succeed";
}

std::string owner(const session::Session& s) { return std::string(s.owner()); }

std::string optional(const session::Session* s) {
  if (s == nullptr) return "away";
  return s->exists() ? "somebody" : "nobody";
}

std::string optional_take(const session::Flash* flash) {
  return flash != nullptr ? take(*flash) : "away";
}

}  // namespace demo
