#include "private_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mysql.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "server.hpp"

namespace flame::inline v0::session::mysql {
namespace {

/// The folder that the programs are unpacked in, where they are not installed: what is run from
/// here finds them, and their libraries. Empty: they are installed. None: they are not to be had.
const std::optional<std::string>& root() {
  static const auto found = []() -> std::optional<std::string> {
    if (::access("/usr/sbin/mariadbd", X_OK) == 0) return "";
    auto folder = tests::fetched("mariadb");
    if (!folder) return folder;
    const auto add = [](const char* name, const std::string& first) {
      const char* const before = ::getenv(name);
      ::setenv(name, (first + (before ? std::string(":") + before : "")).c_str(), 1);
    };
    add("PATH", *folder + "/usr/bin:" + *folder + "/usr/sbin");
    add("LD_LIBRARY_PATH",
        *folder + "/usr/lib/x86_64-linux-gnu:" + *folder + "/lib/x86_64-linux-gnu");
    return folder;
  }();
  return found;
}

void shell(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("no shell");
  std::string out;
  for (int c = 0; (c = ::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command + "\n" + out);
}

std::string user() { return ::getuid() == 0 ? " --user=root" : ""; }

bool answers(int port) {
  const std::unique_ptr<MYSQL, decltype(&mysql_close)> mysql(mysql_init(nullptr), &mysql_close);
  return mysql_real_connect(mysql.get(), "127.0.0.1", "root", "", nullptr,
                            static_cast<unsigned>(port), nullptr, 0) != nullptr;
}

}  // namespace

bool PrivateServer::is_to_be_had() {
  return root() && ::system("command -v mariadb-install-db openssl >/dev/null") == 0;
}

PrivateServer::PrivateServer() : port_(tests::free_port()) {
  // Servers remove what others have in a folder for temporary tables that they share.
  std::filesystem::create_directory(folder() / "tmp");
  shell("TMPDIR=" + (folder() / "tmp").string() + " mariadb-install-db --no-defaults --basedir=" +
        *root() + "/usr" + user() + " --datadir=" + (folder() / "data").string() +
        " --auth-root-authentication-method=normal --skip-test-db");
}

void PrivateServer::start(const std::vector<std::string>& options) {
  const auto program = *root() + "/usr/sbin/mariadbd";
  std::vector<std::string> words{program,
                                 "--no-defaults",
                                 "--basedir=" + *root() + "/usr",
                                 "--lc-messages-dir=" + *root() + "/usr/share/mysql",
                                 "--plugin-dir=" + *root() + "/usr/lib/mysql/plugin",
                                 "--datadir=" + (folder() / "data").string(),
                                 "--bind-address=127.0.0.1",
                                 "--port=" + std::to_string(port_),
                                 "--socket=" + (folder() / "socket").string(),
                                 "--tmpdir=" + (folder() / "tmp").string(),
                                 "--innodb-buffer-pool-size=16M",
                                 "--performance-schema=OFF"};
  if (::getuid() == 0) words.push_back("--user=root");
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const auto log = (folder() / "log").string();
  pid_ = ::fork();
  if (pid_ == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!answers(port_)) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_ || std::chrono::steady_clock::now() > until)
      throw std::runtime_error("the server does not start: see " + log);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(20));  // there is nothing else to wait for
  }
  shell("mariadb --no-defaults -h 127.0.0.1 -P " + std::to_string(port_) +
        " -u root -e 'CREATE DATABASE IF NOT EXISTS app'");
}

void PrivateServer::signal(int number) const {
  ::kill(pid_, number);
  if (number == SIGSTOP) ::waitpid(pid_, nullptr, WUNTRACED);  // until all its threads have stopped
}

void PrivateServer::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string PrivateServer::url(const std::string& host) const {
  return "mysql://root@" + host + ":" + std::to_string(port_) + "/app";
}

void PrivateServer::make_certificate(const std::string& ca, const std::string& name) const {
  mysql::make_certificate(folder(), ca, name);
}

void make_certificate(const std::filesystem::path& folder, const std::string& ca,
                      const std::string& name, int days) {
  const auto at = [&](const std::string& file) { return (folder / file).string(); };
  const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
  if (!std::filesystem::exists(at(ca + ".pem")))
    shell("openssl req -x509 " + key + "-keyout " + at(ca + ".key") + " -out " + at(ca + ".pem") +
          " -subj /CN=" + ca + " -days 2");
  shell("openssl req " + key + "-keyout " + at(name + ".key") + " -out " + at(name + ".csr") +
        " -subj /CN=" + name);
  shell("printf 'subjectAltName=DNS:" + name + "' >" + at("names") + " && openssl x509 -req -in " +
        at(name + ".csr") + " -CA " + at(ca + ".pem") + " -CAkey " + at(ca + ".key") +
        " -CAcreateserial -days " + std::to_string(days) + " -extfile " + at("names") + " -out " +
        at(name + ".pem"));
}

void make_expired(const std::filesystem::path& folder, const std::string& ca,
                  const std::string& name) {
  const auto at = [&](const std::string& file) { return (folder / file).string(); };
  shell("openssl x509 -in " + at(ca + ".pem") + " -signkey " + at(ca + ".key") + " -days -1 -out " +
        at(name + ".pem"));
}

}  // namespace flame::inline v0::session::mysql
