#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include <flame/session/mysql.hpp>

#include "stores/mysql/dsn.hpp"
#include "stores/mysql/errors.hpp"
#include "stores/mysql/forms.hpp"
#include "stores/mysql/schema.hpp"
#include "stores/mysql/settings.hpp"

namespace flame::session::mysql {
namespace {

constexpr auto canary = "CaNaRy";
using Values = std::map<std::string, std::string>;

/// What connect() says of it, which touches no network for these.
std::string refusal(MysqlOptions options) {
  try {
    store(std::move(options))->make_connection()->connect({});
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find(canary), std::string::npos) << error.what();
    return error.what();
  }
  return {};
}

TEST(MysqlDsn, ReadsUrls) {
  const auto dsn =
      parse_dsn("mysql://us%3Aer:p%40ss@db.example:3307/app?table=a.b&init_table=true");
  EXPECT_EQ(dsn.user, "us:er");
  EXPECT_EQ(dsn.password, "p@ss");
  EXPECT_EQ(dsn.host, "db.example");
  EXPECT_EQ(dsn.port, 3307);
  EXPECT_EQ(dsn.database, "app");
  EXPECT_EQ(dsn.table, "a.b");
  EXPECT_TRUE(dsn.init_table);
  EXPECT_FALSE(dsn.tls);
  EXPECT_EQ(parse_dsn("mysql://[::1]/app").host, "::1");
  EXPECT_EQ(parse_dsn("mysql://host/app").port, 3306);
  EXPECT_EQ(parse_dsn("mysql://host/app").password, std::nullopt);
}

TEST(MysqlDsn, ReadsTheFormOfGo) {
  const auto dsn =
      parse_dsn("root:a@tcp(b:/?#[]@tcp(127.0.0.1:3307)/app?charset=utf8&parseTime=true");
  EXPECT_EQ(dsn.user, "root");
  EXPECT_EQ(dsn.password, "a@tcp(b:/?#[]");
  EXPECT_EQ(dsn.host, "127.0.0.1");
  EXPECT_EQ(dsn.port, 3307);
  EXPECT_EQ(dsn.database, "app");
  EXPECT_EQ(dsn.unused, (std::vector<std::string>{"charset", "parseTime"}));

  const auto local = parse_dsn("root@unix(/run/my sql.sock)/app?tls=false");
  EXPECT_EQ(local.socket, "/run/my sql.sock");
  EXPECT_EQ(local.password, std::nullopt);
  EXPECT_TRUE(local.host.empty());
  EXPECT_EQ(parse_dsn("tcp([::1]:3307)/app").host, "::1");
  EXPECT_EQ(parse_dsn("u:@tcp(host)/app").password, "");
}

TEST(MysqlDsn, RefusesWithoutASecret) {
  for (const auto* dsn :
       {"", "CaNaRy", "mysql:", "mysql://CaNaRy:CaNaRy@/app", "mysql://u:CaNaRy@host:99999/app",
        "u:CaNaRy@tcp(host:0)/app", "u:CaNaRy@tcp(host:x)/app", "u:CaNaRy@tcp(host",
        "u:CaNaRy@host/app", "u:CaNaRy@tcp(a,b)/app", "u:CaNaRy@tcp(h)/app?CaNaRy",
        "u:CaNaRy@tcp(h)/app?tls=CaNaRy", "u:CaNaRy@tcp(h)/app?tls=skip-verify",
        "u:CaNaRy@unix(relative)/app", "u:CaNaRy@unix(/s)/app?tls=true",
        "u:CaNaRy@tcp(h)/app?ca=/x", "u:CaNaRy@tcp([::1)/app",
        "u:CaNaRy@tcp(h)/app?password_file=/a&option_file=/b",
        "u:CaNaRy@tcp(h)/app?table=a&table=b"})
    EXPECT_NE(refusal({.dsn = dsn}), "") << dsn;
  EXPECT_NE(refusal({.dsn = "u:p@tcp(h)/app?sslmode=x"}).find("`sslmode`"), std::string::npos);
  EXPECT_NE(refusal({.dsn = std::string("u:\0@tcp(h)/app", 14)}), "");
}

TEST(MysqlDsn, RefusesHostileTables) {
  for (const auto* name :
       {"", "a b", "a;DROP TABLE x", "a`b", "a.b.c", ".a", "1a", "a--", "\xc3\xa4"})
    EXPECT_NE(refusal({.dsn = "u:CaNaRy@tcp(h)/app", .table = name}), "") << name;
  EXPECT_NE(refusal({.dsn = "u:CaNaRy@tcp(h)/app?table=a%60b"}), "");
}

TEST(MysqlDsn, PasswordsComeFromOnePlace) {
  ConnectionOptions both{.password = [] { return "x"; }};
  EXPECT_NE(refusal({.dsn = "u@tcp(h)/app?password_file=/a", .connections = both}), "");
}

TEST(MysqlErrors, AreJudged) {
  using enum Verdict;
  const struct {
    Verdict verdict;
    std::vector<unsigned> errors;
  } table[] = {
      {later, {1205, 1213, 1206, 1317, 1969, 3024, 3101, 1615, 1412, 1020, 1637, 3572}},
      {away, {1047, 1290, 1792, 1836, 1243}},
      {unknown, {1180}},
      {full, {1021, 1114}},
      {lost, {0,    1040, 1053, 1158, 1159, 1160, 1161, 1203, 1226, 1927,
              2002, 2003, 2005, 2006, 2013, 2014, 2055, 2008, 2027, 4031}},
      {refused, {1030, 1044, 1045, 1049, 1054, 1062, 1064, 1129, 1130, 1142, 1143, 1146, 1153,
                 1227, 1366, 1406, 1461, 1665, 1698, 1820, 2020, 2059, 2061, 3159, 5010, 9999}},
  };
  for (const auto& [verdict, errors] : table) {
    for (const auto error : errors)
      EXPECT_EQ(static_cast<int>(judge(error, Phase::connected)), static_cast<int>(verdict))
          << error;
  }
  EXPECT_TRUE(judge(2026, Phase::connecting) == refused) << "no TLS, or not with the right one";
  EXPECT_TRUE(judge(2026, Phase::connected) == lost) << "reading failed";
}

TEST(MysqlErrors, AreToldInOneLineWithTheNumber) {
  for (unsigned error = 1000; error < 5100; ++error) {
    const auto text = explain(error);
    EXPECT_TRUE(text.starts_with("mysql: ")) << text;
    EXPECT_TRUE(text.ends_with("(error " + std::to_string(error) + ")")) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(MysqlErrors, BecomeTheKindOfTheCall) {
  using Kind = StoreError::Kind;
  const std::pair<unsigned, Kind> kinds[] = {{1213, Kind::later},
                                             {1290, Kind::away},
                                             {1045, Kind::refused},
                                             {2013, Kind::connection_lost},
                                             {1180, Kind::connection_lost}};
  for (const auto& [number, kind] : kinds) {
    try {
      DriverError(number, Phase::connected).tell();
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), kind) << number;
    }
  }
}

TEST(MysqlSettings, WarnOfWhatBreaksPromises) {
  const std::size_t record = 1 << 20;
  const auto warned = [&](std::map<std::string, std::string> values) {
    values.try_emplace("max_allowed_packet", "16777216");
    values.try_emplace("innodb_flush_log_at_trx_commit", "1");
    std::string all;
    for (const auto& text : warnings_of(Settings(std::move(values)), record)) all += text + "\n";
    return all;
  };
  EXPECT_EQ(warned({}), "");
  EXPECT_EQ(warned({{"log_bin", "OFF"}, {"sync_binlog", "0"}}), "");
  EXPECT_EQ(warned({{"log_bin", "ON"}, {"sync_binlog", "1"}, {"binlog_format", "MIXED"}}), "");
  for (const auto* const lax : {"0", "2"})
    EXPECT_NE(warned({{"innodb_flush_log_at_trx_commit", lax}}), "") << lax;
  EXPECT_EQ(warned({{"innodb_flush_log_at_trx_commit", "3"}}), "") << "MariaDB's, as durable as 1";
  EXPECT_NE(warned({{"log_bin", "ON"}, {"sync_binlog", "0"}}), "");
  EXPECT_NE(warned({{"log_bin", "ON"}, {"sync_binlog", "1"}, {"binlog_format", "STATEMENT"}}), "");
  EXPECT_NE(warned({{"max_allowed_packet", "1048576"}}), "");
}

TEST(MysqlSettings, ALimitOfTheServersOnStatementsIsLifted) {
  for (const std::string name : {"max_execution_time", "max_statement_time"}) {
    EXPECT_NE(settings_query().find(name), std::string::npos);
    EXPECT_NE(session_setup(Settings(Values{{name, "1"}})).find(name + " = 0"), std::string::npos);
    EXPECT_EQ(session_setup(Settings()).find(name), std::string::npos) << "not each server's";
  }
}

TEST(MysqlSettings, SetUpASession) {
  const auto galera = session_setup(Settings(Values{{"wsrep_on", "ON"}}));
  EXPECT_NE(galera.find("wsrep_sync_wait = 1"), std::string::npos);
  EXPECT_NE(galera.find(" tx_isolation = 'READ-COMMITTED'"), std::string::npos);
  const auto other =
      session_setup(Settings(Values{{"transaction_isolation", "x"}, {"wsrep_on", "OFF"}}));
  EXPECT_EQ(other.find("wsrep"), std::string::npos);
  EXPECT_NE(other.find(" transaction_isolation = 'READ-COMMITTED'"), std::string::npos);
}

TEST(MysqlForms, QuoteTheTable) {
  for (std::size_t form = 0; form < form_count; ++form) {
    const auto text = sql(static_cast<Form>(form), 4, {"db", "sessions"});
    EXPECT_NE(text.find("`db`.`sessions`"), std::string::npos) << text;
    EXPECT_EQ(text.find('\''), std::string::npos) << "a value that is not bound: " << text;
  }
}

TEST(MysqlSchema, TellsWhatDoesNotFit) {
  const TableName name{"", "t"};
  TableFacts facts{.exists = true, .engine = "InnoDB", .comment = std::string(schema_comment)};
  EXPECT_NE(problem_of({}, name).find(create_statement(name)), std::string::npos);
  EXPECT_NE(problem_of(facts, name).find("ADD COLUMN"), std::string::npos);
  facts.comment = "flame-session schema 2";
  EXPECT_NE(problem_of(facts, name).find("another release"), std::string::npos);
  facts.comment = "theirs";
  EXPECT_NE(problem_of(facts, name).find("not one of flame-session"), std::string::npos);
}

}  // namespace
}  // namespace flame::session::mysql
