#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "mysql_support.hpp"
#include "private_server.hpp"
#include "proxy.hpp"

namespace flame::session::mysql {
namespace {

using Kind = StoreError::Kind;

bool sleeps(long thread) {
  std::ifstream in("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return text.find(") S ") != text.npos;
}

/// What is done to a whole server: one of the test's own.
class MysqlWholeServer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateServer::is_to_be_had())
      GTEST_SKIP() << "not run: mariadb-server or openssl is not installed";
    server_ = std::make_unique<PrivateServer>();
  }
  [[nodiscard]] StorePtr open(const std::string& parameters = {},
                              const std::string& host = "127.0.0.1") const {
    return store({.dsn = server_->url(host) + "?init_table=true" + parameters});
  }
  std::unique_ptr<StoreConnection> connect(const std::string& parameters = {},
                                           const std::string& host = "127.0.0.1") const {
    return open_connection(*open(parameters, host), call_now());
  }
  static Outcome load(StoreConnection& connection, std::uint64_t number) {
    return apply(connection, Verb::load, {.key = record_of(number).key}).outcome;
  }

  std::unique_ptr<PrivateServer> server_{};
};

TEST_F(MysqlWholeServer, KilledAndStartedAgainItHasAllThatWasSaved) {
  server_->start();
  auto connection = connect();
  std::atomic<std::uint64_t> saved = 0;
  std::thread killer([&] {
    while (saved < 20) std::this_thread::yield();
    server_->end();
  });
  const auto lost = thrown_by([&] {
    for (;;) {
      EXPECT_EQ(apply(*connection, Verb::create, record_of(saved, "ann")).outcome, Outcome::done);
      ++saved;
    }
  });
  killer.join();
  EXPECT_EQ(lost.kind, Kind::connection_lost);
  const auto down = thrown_by([&] { connect(); });
  EXPECT_EQ(down.kind, Kind::connection_lost) << down.text;
  server_->start();
  connection = connect();
  for (std::uint64_t number = 0; number < saved; ++number)
    EXPECT_EQ(load(*connection, number), Outcome::done) << number;
}

TEST_F(MysqlWholeServer, StoppedItEndsCallsAtTheirDeadlinesOrWhenAborted) {
  server_->start();
  const auto connection = connect(), other = connect();
  server_->signal(SIGSTOP);
  EXPECT_EQ(
      thrown_by([&] { apply(*connection, Verb::load, record_of(1), {}, call_now(20ms)); }).kind,
      Kind::connection_lost);
  std::thread aborting([&] { other->abort(); });
  EXPECT_EQ(thrown_by([&] { apply(*other, Verb::load, record_of(1), {}, {}); }).kind,
            Kind::connection_lost);
  aborting.join();
  EXPECT_EQ(thrown_by([&] { open()->make_connection()->connect(call_now(20ms)); }).kind,
            Kind::connection_lost);
  server_->signal(SIGCONT);
  EXPECT_EQ(load(*connect(), 1), Outcome::missing);
}

TEST_F(MysqlWholeServer, ReadOnlyItIsTheWrongServer) {
  server_->start();
  static_cast<void>(connect());
  Admin admin(server_->url());
  admin.run("CREATE USER plain@'%'");
  admin.run("GRANT ALL ON app.* TO plain@'%'");
  auto dsn = server_->url();
  dsn.replace(dsn.find("root"), 4, "plain");
  const auto plain = open_connection(*store({.dsn = dsn}), call_now());
  admin.run("SET GLOBAL read_only = 1");
  EXPECT_EQ(thrown_by([&] { apply(*plain, Verb::create, record_of(1)); }).kind, Kind::away);
  EXPECT_EQ(thrown_by([&] { connect(); }).kind, Kind::away) << "also for who may write on it";
  const auto again = open()->make_connection();
  for (int round = 0; round < 2; ++round)
    EXPECT_EQ(thrown_by([&] { again->connect(call_now()); }).kind, Kind::away);
  admin.run("SET GLOBAL read_only = 0");
  EXPECT_EQ(apply(*plain, Verb::create, record_of(1)).outcome, Outcome::done);
  again->connect(call_now());
  EXPECT_EQ(load(*again, 1), Outcome::done) << "connect() may be repeated";
}

TEST_F(MysqlWholeServer, ItsGlobalLimitsCutNoAnswerShort) {
  server_->start();
  static_cast<void>(connect());
  Admin admin(server_->url());
  for (const auto* limit : {"sql_select_limit = 1", "max_join_size = 1", "sql_safe_updates = 1"})
    admin.run(std::string("SET GLOBAL ") + limit);
  const auto connection = connect();
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 64; ++number)
    batch.push_back({Verb::create, record_of(number, "ann"), {}, {}});
  sort(batch);
  for (const auto verb : {Verb::create, Verb::load, Verb::touch, Verb::erase}) {
    for (auto& op : batch) op = {verb, op.record, {}, {}};
    connection->run(batch, call_now());
    EXPECT_TRUE(
        std::ranges::all_of(batch, [](const StoreOp& op) { return op.outcome == Outcome::done; }));
    const auto listed = connection->list("ann", {}, 100, call_now()).records.size();
    EXPECT_EQ(listed, verb == Verb::erase ? 0U : 64U);
  }
  admin.run("SET GLOBAL read_only = 1");
  EXPECT_EQ(thrown_by([&] { connect(); }).kind, Kind::away) << "all variables are read";
}

TEST_F(MysqlWholeServer, WithoutMemoryForASessionItIsNotCalledReadOnly) {
  server_->start();
  static_cast<void>(connect());
  // With its least, 8192, some sign-ins would not come through.
  Admin(server_->url()).run("SET GLOBAL max_session_mem_used = 32768");
  const auto [kind, text] = thrown_by([&] { connect(); });
  EXPECT_EQ(kind, Kind::refused) << text;
  EXPECT_NE(text.find("raise max_session_mem_used (error 1290)"), text.npos) << text;
}

TEST_F(MysqlWholeServer, ItsListOfConnectionsNamesTheApplication) {
  server_->start({"--performance-schema=ON"});
  const auto named = store(
      {.dsn = server_->url() + "?init_table=true", .connections = {.application_name = "shop"}});
  const auto connection = open_connection(*named, call_now());
  EXPECT_EQ(Admin(server_->url())
                .value("SELECT COUNT(*) FROM performance_schema.session_connect_attrs "
                       "WHERE ATTR_NAME = 'program_name' AND ATTR_VALUE = 'shop'"),
            "1");
}

TEST_F(MysqlWholeServer, PacketsAreAsLargeAsItTakes) {
  server_->start({"--max-allowed-packet=1M"});
  const auto made = open();
  const auto connection = made->make_connection();
  connection->connect(call_now());
  EXPECT_EQ(connection->prepare(call_now()).size(), 1U) << "a warning";
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 10; ++number) {
    batch.push_back({Verb::create, record_of(number), {}, {}});
    batch.back().record.blob.assign(number == 5 ? std::size_t{1} << 20 : std::size_t{300} << 10,
                                    'x');
  }
  const auto poison = batch[5].record.key;
  sort(batch);
  connection->run(batch, call_now());
  for (const auto& op : batch)
    EXPECT_EQ(op.outcome, op.record.key == poison ? Outcome::refused : Outcome::done);
}

TEST_F(MysqlWholeServer, PacketsThatHoldNoStatementAreRefusedAtTheStart) {
  server_->start({"--max-allowed-packet=2K"});
  const auto [kind, text] = thrown_by([&] { connect(); });
  EXPECT_EQ(kind, Kind::refused);
  EXPECT_NE(text.find("max_allowed_packet is 2048: "), text.npos) << text;
}

TEST_F(MysqlWholeServer, WithTlsLargeAnswersComeAndSilenceEndsAtTheDeadline) {
  server_->make_certificate("ca", "localhost");
  const auto file = [&](const std::string& name) { return (server_->folder() / name).string(); };
  server_->start({"--ssl-cert=" + file("localhost.pem"), "--ssl-key=" + file("localhost.key")});
  const auto ca = "&tls=true&ca=" + file("ca.pem");
  const auto connection = connect(ca, "localhost");
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 6; ++number) {
    batch.push_back({Verb::create, record_of(number), {}, {}});
    batch.back().record.blob.assign(std::size_t{1} << 20, 'x');  // more than sockets keep
  }
  sort(batch);
  connection->run(batch, call_now());
  for (auto& op : batch) {
    EXPECT_EQ(op.outcome, Outcome::done);
    op = {Verb::load, {.key = op.record.key}, {}, {}};
  }
  connection->run(batch, call_now());
  for (const auto& op : batch) EXPECT_EQ(op.record.blob.size(), std::size_t{1} << 20);

  server_->signal(SIGSTOP);
  EXPECT_EQ(
      thrown_by([&] { apply(*connection, Verb::load, record_of(1), {}, call_now(20ms)); }).kind,
      Kind::connection_lost);
  const auto fresh = open(ca, "localhost")->make_connection();
  EXPECT_EQ(thrown_by([&] { fresh->connect(call_now(20ms)); }).kind, Kind::connection_lost);
}

// The driver waits to be able to read there, as if the server had something to say.
TEST_F(MysqlWholeServer, WithTlsALargeWriteGoesOnWhenTheServerReadsAgain) {
  server_->make_certificate("ca", "localhost");
  const auto file = [&](const std::string& name) { return (server_->folder() / name).string(); };
  server_->start({"--ssl-cert=" + file("localhost.pem"), "--ssl-key=" + file("localhost.key")});
  Proxy proxy("127.0.0.1", parse_dsn(server_->url()).port);
  const auto made = store({.dsn = "mysql://root@localhost:" + std::to_string(proxy.port()) +
                                  "/app?init_table=true&tls=true&ca=" + file("ca.pem")});
  const auto connection = open_connection(*made, call_now());
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 14; ++number)
    batch.push_back({Verb::create, record_of(number), {}, {}});
  sort(batch);
  connection->run(batch, call_now());  // the statement is prepared
  for (auto& op : batch) {
    op.outcome = Outcome::unanswered;
    op.record.key.bytes[11] ^= std::byte{1};
    op.record.blob.assign(std::size_t{1} << 20, 'x');  // more than sockets keep
  }
  proxy.stall();
  std::atomic<long> thread{0};
  std::thread writing([&] {
    thread = ::syscall(SYS_gettid);
    EXPECT_NO_THROW(connection->run(batch, call_now()));
  });
  while (thread == 0 || !sleeps(thread)) std::this_thread::yield();
  proxy.resume();
  writing.join();
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::done);
}

}  // namespace
}  // namespace flame::session::mysql
