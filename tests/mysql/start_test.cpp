#include <fstream>
#include <regex>
#include <thread>

#include "mysql_support.hpp"
#include "stores/mysql/schema.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::mysql {
namespace {

using Kind = StoreError::Kind;

class MysqlStart : public MysqlTest {
 protected:
  /// One line, without what is secret.
  std::string refusal(const MysqlOptions& options) {
    const auto [kind, text] =
        thrown_by([&] { static_cast<void>(open_connection(*store(options), call_now())); });
    EXPECT_EQ(kind, Kind::refused) << text;
    EXPECT_EQ(text.find('\n'), text.npos);
    EXPECT_EQ(text.find("CaNaRy"), text.npos) << text;
    return text;
  }
  /// What an operator does with the line.
  void run_what_is_said(const std::string& text) {
    const auto at = text.find("run: ");
    ASSERT_NE(at, text.npos) << text;
    admin_->run(text.substr(at + 5));
  }
  std::string refusal_of_table() { return refusal({.dsn = url_, .table = table_}); }
};

TEST_P(MysqlStart, SaysWhoIsRefused) {
  new_user("", "right");
  const auto name = table_ + "_u0";
  EXPECT_NE(refusal({.dsn = dsn_of(name, "CaNaRy"), .table = table_}).find("password"),
            std::string::npos);
  EXPECT_NE(refusal({.dsn = dsn_of("CaNaRy", "CaNaRy"), .table = table_}), "");
  EXPECT_NE(refusal({.dsn = dsn_of(name, "right"), .table = table_}), "") << "no rights at all";
}

TEST_P(MysqlStart, SaysThatADatabaseIsNotThere) {
  auto dsn = parse_dsn(url_);
  const auto text = refusal({.dsn = dsn.user + ":" + dsn.password.value_or("") + "@tcp(" +
                                    dsn.host + ":" + std::to_string(dsn.port) + ")/CaNaRy"});
  EXPECT_NE(text.find("database"), text.npos) << text;
}

TEST_P(MysqlStart, SaysWhichRightIsMissing) {
  for (const auto* rights :
       {"SELECT, INSERT, UPDATE", "SELECT, INSERT, DELETE", "SELECT, UPDATE, DELETE"}) {
    const auto text = refusal({.dsn = new_user(rights, "CaNaRy"), .table = table_});
    EXPECT_NE(text.find("GRANT SELECT, INSERT, UPDATE, DELETE ON `" + table_ + "`"), text.npos)
        << text;
  }
  const auto connection = connect_to(new_user("SELECT, INSERT, UPDATE, DELETE"));
  EXPECT_EQ(apply(*connection, Verb::create, record_of(1)).outcome, Outcome::done)
      << "these are enough";
}

TEST_P(MysqlStart, SaysThatATableMayNotBeMade) {
  const auto dsn = new_user("SELECT, INSERT, UPDATE, DELETE");
  admin_->run("DROP TABLE " + table_);
  const auto text = refusal({.dsn = dsn, .table = table_, .init_table = true});
  EXPECT_NE(text.find("run: GRANT CREATE ON `" + table_ + "` TO "), text.npos) << text;
}

TEST_P(MysqlStart, SaysHowToMakeAMissingTable) {
  admin_->run("DROP TABLE " + table_);
  run_what_is_said(refusal_of_table());
  EXPECT_EQ(apply(*connect_to(url_), Verb::create, record_of(1)).outcome, Outcome::done);
}

TEST_P(MysqlStart, SaysHowToMendAnUnfitTable) {
  for (const auto* change :
       {"DROP COLUMN token", "MODIFY COLUMN owner VARBINARY(100) NOT NULL",
        "MODIFY COLUMN token BIGINT NOT NULL", "DROP INDEX owner", "DROP INDEX expires_at",
        "DROP INDEX owner, ADD INDEX owner (owner)", "DROP PRIMARY KEY"}) {
    admin_->run("ALTER TABLE " + table_ + " " + change);
    run_what_is_said(refusal_of_table());
    EXPECT_NO_THROW(connect_to(url_)) << change;
  }
  admin_->run("ALTER TABLE " + table_ + " ADD COLUMN extra INT NULL");
  EXPECT_NO_THROW(connect_to(url_)) << "it takes nothing away";
  admin_->run("ALTER TABLE " + table_ + " ADD COLUMN more INT NOT NULL");
  EXPECT_NE(refusal_of_table(), "");
}

TEST_P(MysqlStart, SaysHowToDropAUniqueIndexThatWouldTakeKeys) {
  for (const auto* index : {"UNIQUE `one``each` (token)", "UNIQUE begins (session_key(2))",
                            "UNIQUE many (owner(5), expires_at)"}) {
    admin_->run("ALTER TABLE " + table_ + std::string(" ADD ") + index);
    const auto text = refusal_of_table();
    EXPECT_NE(text.find("has a unique index that is not the store's"), text.npos) << text;
    run_what_is_said(text);
    EXPECT_NO_THROW(connect_to(url_)) << index;
  }
  for (const auto* index : {"DROP INDEX expires_at, ADD UNIQUE expires_at (expires_at)",
                            "DROP INDEX owner, ADD INDEX owner (owner(3), session_key)"}) {
    admin_->run("ALTER TABLE " + table_ + " " + index);
    run_what_is_said(refusal_of_table());
    EXPECT_NO_THROW(connect_to(url_)) << index;
  }
  admin_->run("ALTER TABLE " + table_ + " ADD UNIQUE harmless (owner, session_key)");
  EXPECT_NO_THROW(connect_to(url_)) << "each of its rows has a key of its own";
}

TEST_P(MysqlStart, LeavesOthersTablesAlone) {
  admin_->run("ALTER TABLE " + table_ + " COMMENT 'flame-session schema 2'");
  EXPECT_NE(refusal_of_table(), "");
  EXPECT_NE(refusal({.dsn = url_, .table = table_, .init_table = true}), "");
  admin_->run("ALTER TABLE " + table_ + " COMMENT ''");
  EXPECT_NE(refusal({.dsn = url_, .table = table_, .init_table = true}), "");
  EXPECT_EQ(admin_->value("SELECT COUNT(*) FROM " + table_), "0") << "still there";
}

TEST_P(MysqlStart, TenMakeOneTable) {
  for (int round = 0; round < 3; ++round) {
    admin_->run("DROP TABLE " + table_);
    const auto same = store({.dsn = url_, .table = table_, .init_table = true});
    std::vector<std::string> said(10);
    std::vector<std::thread> threads;
    for (auto& text : said)
      threads.emplace_back([&] {
        text = thrown_by([&] { static_cast<void>(open_connection(*same, call_now())); }).text;
      });
    for (auto& thread : threads) thread.join();
    for (const auto& text : said) EXPECT_EQ(text, "");
  }
}

TEST_P(MysqlStart, TakesATableWithItsDatabase) {
  const auto database = parse_dsn(url_).database;
  EXPECT_NO_THROW(static_cast<void>(
      open_connection(*store({.dsn = url_, .table = database + "." + table_}), call_now())));
  EXPECT_NE(refusal({.dsn = url_, .table = database + "x." + table_}), "");
  const auto text = refusal({.dsn = url_, .table = database + "x." + table_, .init_table = true});
  EXPECT_NE(text.find("the database `" + database + "x` of the table is not there"), text.npos)
      << text;
}

TEST_P(MysqlStart, WarnsOfWhatHasNoUseOrBreaksPromises) {
  admin_->run("ALTER TABLE " + table_ + " ENGINE=MyISAM");
  const auto made =
      store({.dsn = dsn_through(parse_dsn(url_).port) + "?charset=utf8&parseTime=true",
             .table = table_})
          ->make_connection();
  made->connect(call_now());
  std::string all;
  for (const auto& text : made->prepare(call_now())) all += text + "\n";
  EXPECT_NE(all.find("InnoDB"), all.npos);
  EXPECT_NE(all.find("leave out charset, parseTime"), all.npos) << all;
}

TEST_P(MysqlStart, PasswordsAreReadAtEachConnect) {
  const auto dsn = parse_dsn(new_user("SELECT, INSERT, UPDATE, DELETE", "first"));
  const auto place =
      dsn.user + "@tcp(" + dsn.host + ":" + std::to_string(dsn.port) + ")/" + dsn.database;
  std::string password = "first";
  const auto by_function =
      store({.dsn = place, .table = table_, .connections = {.password = [&] { return password; }}});
  const test_support::TemporaryFolder folder;
  const auto file = folder.path() / "my.cnf", plain = folder.path() / "password";
  const auto write_files = [&] {
    std::ofstream(file) << "[client]\nuser = nobody\npassword = \"" << password << "\"\n";
    std::ofstream(plain) << password << "\n";
  };
  write_files();
  const auto by_option_file =
      store({.dsn = place + "?option_file=" + file.string(), .table = table_});
  const auto by_file = store({.dsn = place + "?password_file=" + plain.string(), .table = table_});
  const auto held = open_connection(*by_function, call_now());
  for (const auto& each : {by_option_file, by_file})
    EXPECT_NO_THROW(static_cast<void>(open_connection(*each, call_now())));

  admin_->run("ALTER USER " + users_.front() + " IDENTIFIED BY 'second'");
  EXPECT_EQ(load(*held, 1), Outcome::missing) << "who is in stays in";
  for (const auto& [each, remedy] : {std::pair(by_function, "the DSN and connections.password"),
                                     std::pair(by_option_file, "the DSN and the option file"),
                                     std::pair(by_file, "the DSN and the password file")}) {
    const auto [kind, text] =
        thrown_by([&] { static_cast<void>(open_connection(*each, call_now())); });
    EXPECT_EQ(kind, Kind::refused) << text;
    EXPECT_NE(text.find(std::string("set them in ") + remedy + " (error 1045)"), text.npos) << text;
  }
  password = "second";
  write_files();
  for (const auto& each : {by_function, by_option_file, by_file})
    EXPECT_NO_THROW(static_cast<void>(open_connection(*each, call_now())));
}

FLAME_ON_EACH_SERVER(MysqlStart);

}  // namespace
}  // namespace flame::session::mysql
