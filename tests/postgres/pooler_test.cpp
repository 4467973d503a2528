#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fstream>

#include <flame/session/test_support/conformance.hpp>

#include "support.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {
namespace {

/// PgBouncer in transaction mode in front of the server, with two of the server's sessions for all:
/// so that what a session keeps is soon another's.
class Pooler {
 public:
  /// Null where there is none, or no server.
  static Pooler* get() {
    static const auto pooler = [] {
      const bool installed = ::access("/usr/sbin/pgbouncer", X_OK) == 0;
      const auto root = installed ? std::optional<std::string>("") : fetched("pgbouncer");
      return root && Server::get() ? std::unique_ptr<Pooler>(new Pooler(*root)) : nullptr;
    }();
    return pooler.get();
  }
  ~Pooler() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Pooler(const Pooler&) = delete;
  Pooler& operator=(const Pooler&) = delete;

  /// Of both sessions of the server, which there are from here on.
  void forget_statements() const {
    Admin one(url_), two(url_);
    for (auto* const each : {&one, &two}) each->rows("BEGIN");
    for (auto* const each : {&one, &two}) each->rows("DEALLOCATE ALL");
    for (auto* const each : {&one, &two}) each->rows("COMMIT");
  }

  PostgresOptions options() const {
    auto options = Server::get()->options();
    options.dsn = url_;
    return options;
  }

 private:
  explicit Pooler(const std::string& root) {
    const auto port = std::to_string(free_port());
    const auto ini = folder_.path() / "pgbouncer.ini";
    const std::string& all = Server::get()->url;  // postgres://user:password@host:port/database
    const auto colon = all.find(':', all.find("//"));
    const auto user = all.substr(all.find("//") + 2, colon - all.find("//") - 2);
    const auto at = all.find('@');
    std::ofstream(ini) << "[databases]\nflame = host=127.0.0.1 port="
                       << all.substr(all.rfind(':') + 1, all.rfind('/') - all.rfind(':') - 1)
                       << " dbname=" << all.substr(all.rfind('/') + 1) << " user=" << user
                       << " password=" << all.substr(colon + 1, at - colon - 1)
                       << "\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=" << port
                       << "\nauth_type=any\npool_mode=transaction\ndefault_pool_size=2\n"
                          "unix_socket_dir=\nlogfile=\nserver_round_robin=1\n";
    const auto program = root + "/usr/sbin/pgbouncer";
    const auto libraries = root + "/usr/lib/x86_64-linux-gnu:" + root + "/lib/x86_64-linux-gnu";
    process_ = ::fork();
    if (process_ == 0) {
      ::freopen("/dev/null", "w", stderr);
      ::setenv("USER", "nobody", 1);
      if (!root.empty()) ::setenv("LD_LIBRARY_PATH", libraries.c_str(), 1);
      const bool as_root = ::geteuid() == 0;
      ::execl(program.c_str(), "pgbouncer", as_root ? "-unobody" : "-q", "-q", ini.c_str(),
              nullptr);
      ::_exit(127);
    }
    url_ = "postgres://anybody@127.0.0.1:" + port + "/flame";
    for (const auto until = std::chrono::steady_clock::now() + 20s;
         PQping(url_.c_str()) != PQPING_OK;)
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("pgbouncer does not start");
    forget_statements();
  }

  test_support::TemporaryFolder folder_{};
  pid_t process_ = 0;
  std::string url_{};
};

StorePtr new_store() {
  auto* const pooler = Pooler::get();
  return pooler ? postgres::store(pooler->options()) : nullptr;
}

FLAME_SESSION_STORE_CONFORMANCE(PostgresPooler, new_store)

class PostgresPooled : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!server_) return;
    if (!Pooler::get()) GTEST_SKIP() << "not run: pgbouncer is not installed";
    Pooler::get()->forget_statements();
    options_ = Pooler::get()->options();
    open();
  }
};

/// Two stores take turns in the same sessions of the server; neither sees the other's statements.
TEST_F(PostgresPooled, StatementsOfOtherTablesAreNotMistaken) {
  auto others = options_;
  others.table = server_->new_table();
  const auto other = open_connection(*postgres::store(others), at(0s));
  for (std::uint64_t number = 0; number < 20; ++number) {
    EXPECT_EQ(create(number), Outcome::done);
    StoreOp op{Verb::load, {.key = key(number)}, {}, {}};
    other->run({&op, 1}, at(0s));
    EXPECT_EQ(op.outcome, Outcome::missing);
    EXPECT_EQ(load(number), Outcome::done);
  }
}

TEST_F(PostgresPooled, AStatementThatWasLostIsSentAgain) {
  for (std::uint64_t number = 0; number < 4; ++number) EXPECT_EQ(create(number), Outcome::done);
  Pooler::get()->forget_statements();
  std::vector<StoreOp> batch{{Verb::load, {.key = key(1)}, {}, {}},
                             {Verb::create, record(5), {}, {}},
                             {Verb::erase, {.key = key(2)}, {}, {}}};
  connection_->run(batch, at(0s));
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::done);
}

/// Where the sessions take turns, the load after a conflict is asked of the one that lacks it.
TEST_F(PostgresPooled, AConflictIsExplained) {
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(create(1), Outcome::done);
  EXPECT_EQ(apply(Verb::replace, record(1), WriteToken{77}).outcome, Outcome::conflict);
}

TEST_F(PostgresPooled, NoSettingIsLeftInASession) {
  for (std::uint64_t number = 0; number < 10; ++number) {
    create(number);
    apply(Verb::touch, record(number));
    static_cast<void>(connection_->sweep(1, at(0s)));
  }
  Admin client(options_.dsn);
  for (int session = 0; session < 4; ++session)
    EXPECT_EQ(client.ask("SHOW synchronous_commit"), "on");
}

}  // namespace
}  // namespace flame::session::tests
