#include <errno.h>
#include <gtest/gtest.h>

#include <string>

#include <flame/session/unreachable.hpp>

#include "stores/postgres/failure.hpp"
#include "stores/postgres/statements.hpp"
#include "stores/postgres/target.hpp"
#include "support.hpp"

namespace flame::session::postgres {
namespace {

using Kind = StoreError::Kind;

TEST(PostgresFailure, EachSqlstateHasItsMeaning) {
  const std::pair<const char*, Meaning> table[] = {{"40001", Meaning::later},
                                                   {"40P01", Meaning::later},
                                                   {"55P03", Meaning::later},
                                                   {"57014", Meaning::later},
                                                   {"53200", Meaning::later},
                                                   {"40003", Meaning::unknown},
                                                   {"25006", Meaning::away},
                                                   {"57P03", Meaning::away},
                                                   {"0A000", Meaning::away},
                                                   {"57P01", Meaning::lost},
                                                   {"57P02", Meaning::lost},
                                                   {"57P05", Meaning::lost},
                                                   {"08006", Meaning::lost},
                                                   {"08P01", Meaning::lost},
                                                   {"53300", Meaning::lost},
                                                   {"25P03", Meaning::lost},
                                                   {"", Meaning::lost},
                                                   {"26000", Meaning::statement_lost},
                                                   {"42P05", Meaning::statement_lost},
                                                   {"28P01", Meaning::refused},
                                                   {"28000", Meaning::refused},
                                                   {"3D000", Meaning::refused},
                                                   {"42501", Meaning::refused},
                                                   {"42P01", Meaning::refused},
                                                   {"42703", Meaning::refused},
                                                   {"53100", Meaning::full},
                                                   {"22001", Meaning::refused},
                                                   {"23514", Meaning::refused},
                                                   {"P0001", Meaning::refused},
                                                   {"XX000", Meaning::refused},
                                                   {"XX001", Meaning::damaged},
                                                   {"XX002", Meaning::damaged}};
  for (const auto& [code, meaning] : table) {
    EXPECT_EQ(judge(code, false).meaning, meaning) << code;
    EXPECT_FALSE(judge(code, false).text.empty()) << code;
    EXPECT_EQ(judge(code, true).meaning, Meaning::lost) << "an end of the session, " << code;
  }
}

TEST(PostgresFailure, AConnectThatFailsIsToldByCodeOrWords) {
  const auto kind = [](const char* message, bool needs_password = false) {
    return connect_error({message, needs_password}).kind();
  };
  const std::string at = "connection to server at \"canary\" (127.0.0.1), port 5432 failed: ";
  EXPECT_EQ(kind((at + "FATAL:  28P01\n").c_str()), Kind::refused);
  EXPECT_EQ(kind((at + "FATAL:  3D000\n").c_str()), Kind::refused);
  EXPECT_EQ(kind((at + "FATAL:  57P03\n").c_str()), Kind::away);
  EXPECT_EQ(kind((at + "FATAL:  53300\n").c_str()), Kind::connection_lost);
  EXPECT_EQ(kind((at + "FATAL:  08P01\n").c_str()), Kind::connection_lost);
  EXPECT_EQ(kind((at + "Connection refused\n").c_str()), Kind::connection_lost);
  EXPECT_EQ(kind("connection to server at \"SSL-certificate\" (10.0.0.1), port 5432 failed: "
                 "Connection refused"),
            Kind::connection_lost);
  EXPECT_EQ(kind((at + "server closed the connection unexpectedly").c_str()),
            Kind::connection_lost);
  EXPECT_EQ(kind((at + "fe_sendauth: no password supplied").c_str(), true), Kind::refused);
  EXPECT_EQ(kind((at + "SSL error: certificate verify failed").c_str()), Kind::refused);
  EXPECT_EQ(kind((at + "server does not support SSL, but SSL was required").c_str()),
            Kind::refused);
  EXPECT_EQ(kind((at + "server certificate for \"a\" does not match host name \"b\"").c_str()),
            Kind::refused);
  const auto text_of = [](const std::string& message, bool wants_tls) {
    return std::string(
        connect_error({.message = message, .wants_tls = wants_tls, .address = "10.0.0.1:80"})
            .what());
  };
  for (const auto* garbage : {"received invalid response to SSL negotiation: H",
                              "expected authentication request from server, but received -"}) {
    for (const bool wants_tls : {false, true}) {
      const auto told = text_of(at + garbage, wants_tls);
      EXPECT_NE(told.find("10.0.0.1:80 took the connection and did not answer as a PostgreSQL"),
                told.npos)
          << told;
      EXPECT_EQ(told.find("TLS"), told.npos) << told;
    }
  }
  EXPECT_NE(text_of(at + "SSL error: certificate verify failed", true).find("must offer TLS"),
            std::string::npos);
  EXPECT_NE(text_of(at + "SSL error: certificate verify failed", false).find("nobody asked for"),
            std::string::npos);
  EXPECT_NE(text_of(at + "FATAL:  53300\n", false).find("CONNECTION LIMIT of database or user"),
            std::string::npos);
  EXPECT_EQ(
      text_of("connection to server at \"a\" failed: Connection refused\n\tIs it canary?", false),
      unreachable("10.0.0.1:80", ECONNREFUSED));
  EXPECT_EQ(text_of("could not connect: canary", false), unreachable("10.0.0.1:80", 0));
  EXPECT_EQ(kind("root certificate file \"/a\" does not exist"), Kind::refused);
  EXPECT_EQ(kind((at + "SSL SYSCALL error: EOF detected").c_str()), Kind::connection_lost);
  EXPECT_EQ(kind("invalid sslmode value: \"canary\""), Kind::refused);
  const std::string text = connect_error({at + "FATAL:  28P01\n", false}).what();
  EXPECT_EQ(text.find("canary"), text.npos);
  EXPECT_EQ(text.find('\n'), text.npos);
  EXPECT_NE(text.find("28P01"), text.npos);
}

TEST(PostgresFailure, APoolerRefusesOptionsInItsOwnWay) {
  const std::string at = "connection to server at \"a\" (127.0.0.1), port 5432 failed: FATAL:  ";
  for (const auto* code : {"08P01", "0A000", "22023", "42704"})
    EXPECT_TRUE(may_be_for_options(at + code + "\n")) << code;
  EXPECT_FALSE(may_be_for_options(at + "28P01\n"));
  EXPECT_FALSE(may_be_for_options("could not connect"));
}

TEST(PostgresFailure, OnlyAStandbyLeavesACommitUnconfirmed) {
  EXPECT_TRUE(says_unconfirmed("01000", "syncrep.c"));
  EXPECT_TRUE(says_unconfirmed("57P01", "syncrep.c"));
  EXPECT_TRUE(says_unconfirmed("01000", "")) << "another server, that does not tell its sources";
  EXPECT_FALSE(says_unconfirmed("01000", "pl_exec.c")) << "a trigger's own warning";
  EXPECT_FALSE(says_unconfirmed("00000", ""));
}

TEST(PostgresSettings, OurParametersAreTakenOutOfAUrl) {
  const std::pair<const char*, std::pair<const char*, const char*>> table[] = {
      {"postgres://h/d", {"postgres://h/d", ""}},
      {"postgres://h/d?table=t", {"postgres://h/d", "table=t"}},
      {"postgres://h/d?sslmode=require&table=a.b&port=1&readers=3",
       {"postgres://h/d?sslmode=require&port=1", "table=a.b&readers=3"}},
      {"postgres://u:p?table=x@h/d?table=t", {"postgres://u:p?table=x@h/d", "table=t"}},
      {"postgresql://?host=/tmp&init_table=true", {"postgresql://?host=/tmp", "init_table=true"}},
  };
  for (const auto& [dsn, parts] : table) {
    const auto split = split_url(dsn);
    EXPECT_EQ(split.url, parts.first) << dsn;
    EXPECT_EQ(split.ours, parts.second) << dsn;
  }
}

TEST(PostgresSettings, AUrlGoesBeforeTheOptions) {
  const auto settings = read_settings(
      {.dsn = "postgres://u@h:1,g:2/d?table=web.s&init_table=true&readers=7&writers=5&sslmode="
              "disable"});
  EXPECT_EQ(settings.table.schema, "web");
  EXPECT_EQ(settings.table.table, "s");
  EXPECT_TRUE(settings.init_table);
  EXPECT_EQ(settings.connections.readers, 7u);
  EXPECT_EQ(settings.connections.writers, 5u);
  EXPECT_EQ(settings.find("host"), "h,g");
  EXPECT_EQ(settings.find("port"), "1,2");
  EXPECT_EQ(settings.find("sslmode"), "disable");
  const auto store = postgres::store({.dsn = "postgres://h/d?readers=7"});
  EXPECT_EQ(store->traits().reads.workers, 7u);
}

TEST(PostgresSettings, WhatIsWrongIsRefusedWithoutWhatItSays) {
  const char* const wrong[] = {
      "postgres://u:canary@h:port/d",
      "postgres://u:canary/x@h/d",
      "postgres://u:p@canary@h/d",
      "postgres://u:canary%zz@h/d",
      "postgres://u:canary x@h/d",
      "postgres://h/d?canary=1",
      "postgres://h/d?table=t&table=canary",
      "postgres://h/d?table=canary;",
      "postgres://h/d?readers=canary",
      "postgres://h/d?readers=0",
      "postgres://h/d?target_session_attrs=standby",
      "host=h password='canary",
      "password=canary nonsense",
      "canary",
      "mysql://canary@h/d",
  };
  for (const auto* dsn : wrong) {
    const auto [kind, text] =
        tests::thrown_by([&] { static_cast<void>(read_settings({.dsn = dsn})); });
    EXPECT_EQ(kind, Kind::refused) << dsn;
    EXPECT_EQ(text.find("canary"), text.npos) << text;
    EXPECT_EQ(text.find('\n'), text.npos) << text;
  }
}

TEST(PostgresSettings, NamesOfTablesAreChecked) {
  for (const auto* name : {"", "a b", "a\"b", "a;b", "1a", "a.b.c", "a-b", "'x'", ".a", "a."}) {
    const auto [kind, text] =
        tests::thrown_by([&] { static_cast<void>(read_settings({.table = name})); });
    EXPECT_EQ(kind, Kind::refused) << name;
  }
  const auto zero = tests::thrown_by(
      [] { static_cast<void>(read_settings({.dsn = std::string("host=h\0x", 8)})); });
  EXPECT_EQ(zero.kind, Kind::refused);
}

TEST(PostgresStatements, ANameIsOfItsTextAlone) {
  const Statements one({"", "a"}), same({"", "a"}), other({"", "b"});
  for (std::size_t i = 0; i < number_of_asks; ++i) {
    const auto ask = static_cast<Ask>(i);
    EXPECT_EQ(one[ask].name, same[ask].name);
    EXPECT_EQ(one[ask].name == other[ask].name, one[ask].text == other[ask].text);
    EXPECT_LT(one[ask].name.size(), 64u);
    EXPECT_EQ(one[ask].text.find('?'), std::string::npos);
  }
  EXPECT_NE(one[Ask::load].text.find("\"a\""), std::string::npos);
  EXPECT_EQ(quoted({"web", "s"}), "\"web\".\"s\"");
}

TEST(PostgresTarget, EachAddressOfEachHostIsOne) {
  const auto targets = [](const char* dsn) {
    Waiter waiter;
    return find_targets(read_settings({.dsn = dsn}), waiter,
                        std::chrono::steady_clock::now() + std::chrono::seconds(10));
  };
  using List = std::vector<Target>;
  EXPECT_EQ(targets("postgres://127.0.0.1:1,127.0.0.2:2/d"),
            (List{{"127.0.0.1", "127.0.0.1", "1"}, {"127.0.0.2", "127.0.0.2", "2"}}));
  EXPECT_EQ(targets("host=/tmp,127.0.0.1 port=7"),
            (List{{"/tmp", "", "7"}, {"127.0.0.1", "127.0.0.1", "7"}}));
  EXPECT_EQ(targets("host=name.invalid hostaddr=10.0.0.1 port=5"),
            (List{{"name.invalid", "10.0.0.1", "5"}}));
  EXPECT_EQ(targets("host=name.invalid,127.0.0.1 port=5"), (List{{"127.0.0.1", "127.0.0.1", "5"}}));
  EXPECT_EQ(tests::thrown_by([&] { targets("host=name.invalid"); }).kind, Kind::connection_lost);
  EXPECT_EQ(targets("service=nowhere"), (List{Target{}}));
}

TEST(PostgresTarget, TheNameStaysForTls) {
  const auto settings = read_settings({.dsn = "host=a,b port=1,2 sslmode=verify-full"});
  const auto keywords = keywords_for(settings, {"b", "10.0.0.2", "2"}, "secret", true);
  const Settings given{.keywords = keywords};
  EXPECT_EQ(given.find("host"), "b");
  EXPECT_EQ(given.find("hostaddr"), "10.0.0.2");
  EXPECT_EQ(given.find("port"), "2");
  EXPECT_EQ(given.find("sslmode"), "verify-full");
  EXPECT_EQ(given.find("password"), "secret");
}

TEST(PostgresTarget, OptionsOfOursGoBeforeTheirs) {
  const auto options = [](const char* dsn, bool watched) {
    const auto keywords = keywords_for(read_settings({.dsn = dsn}), {"h", "", ""}, {}, watched);
    return Settings{.keywords = {keywords.rbegin(), keywords.rend()}}.find("options");
  };
  const std::string theirs = "host=h options='-c jit=off'";
  EXPECT_TRUE(options("host=h", true).starts_with("-c client_connection_check_interval="));
  EXPECT_TRUE(options(theirs.c_str(), true).ends_with(" -c jit=off"));
  EXPECT_EQ(options(theirs.c_str(), false), "-c jit=off");
  EXPECT_EQ(options("host=h", false), "");
  EXPECT_EQ(options("service=s", true), "");
}

}  // namespace
}  // namespace flame::session::postgres
