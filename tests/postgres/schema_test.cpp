#include "stores/postgres/schema.hpp"

#include <thread>

#include "stores/postgres/statements.hpp"
#include "support.hpp"

namespace flame::session::tests {
namespace {

using Kind = StoreError::Kind;

class PostgresSchema : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    options_.init_table = false;
  }
  /// What start says, and that it is one line.
  std::string complaint() {
    const auto [kind, text] = failure_to_open();
    EXPECT_EQ(kind.value_or(Kind::refused), Kind::refused) << text;
    EXPECT_EQ(text.find('\n'), text.npos);
    return text;
  }
  std::vector<std::string> warnings() {
    const auto connection = postgres::store(options_)->make_connection();
    connection->connect(at(0s));
    return connection->prepare(at(0s));
  }
  std::string bare_table() { return table().substr(table().find('.') + 1); }
};

TEST_F(PostgresSchema, AMissingTableIsRefusedWithTheStatementsThatMakeIt) {
  options_.table = server_->new_table();
  const auto text = complaint();
  const auto statements = text.find("run: ");
  ASSERT_NE(statements, text.npos) << text;
  admin().rows(text.substr(statements + 5));
  EXPECT_EQ(complaint(), "");
  open();
  EXPECT_EQ(create(1, "ann"), Outcome::done);
}

TEST_F(PostgresSchema, WhatDoesNotFitIsRefusedWithTheStatementThatMendsIt) {
  const std::string t = "ALTER TABLE " + table();
  const auto pkey = bare_table() + "_pkey", owner = table() + "_owner";
  const auto without_index = t + " DROP COLUMN owner, ADD COLUMN owner bytea DEFAULT ''; ";
  for (const auto& damage :
       {"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '" + owner + "'::regclass",
        t + " DROP COLUMN owner", without_index + "CREATE TABLE " + owner + " ()",
        without_index + "CREATE INDEX ON " + table() + " (owner, key) WHERE token > 5",
        t + " ADD COLUMN \"my \"\"own\" text NOT NULL",
        t + " DROP CONSTRAINT " + pkey + ", ADD PRIMARY KEY (key) DEFERRABLE",
        t + " DROP CONSTRAINT " + pkey, t + " DROP COLUMN expires_at"}) {
    admin().rows(damage);
    for (int mended = 0; mended < 3; ++mended) {  // without owner there is no index of it
      const auto text = complaint();
      if (text.empty()) break;
      const auto statement = text.find("run: ");
      ASSERT_NE(statement, text.npos) << text;
      admin().rows(text.substr(statement + 5));
    }
    EXPECT_EQ(complaint(), "") << damage;
  }
  open();
  EXPECT_EQ(create(1), Outcome::done);
}

TEST_F(PostgresSchema, ATableOfOthersIsLeftAlone) {
  admin().rows("ALTER TABLE " + table() + " ALTER COLUMN blob TYPE text USING ''");
  for (const bool init : {false, true}) {
    options_.init_table = init;
    EXPECT_NE(complaint().find("RENAME"), std::string::npos);
  }
  options_.table = server_->new_table();
  admin().rows("CREATE VIEW " + table() + " AS SELECT 1 AS key");
  EXPECT_NE(complaint().find("no plain table"), std::string::npos);
  options_.table = "nowhere_" + server_->schema + ".t";
  options_.init_table = true;
  EXPECT_NE(complaint().find("3F000"), std::string::npos) << complaint();
}

TEST_F(PostgresSchema, ATableOfALaterReleaseIsRefused) {
  admin().rows("COMMENT ON TABLE " + table() + " IS 'flame-session, schema 2'");
  EXPECT_NE(complaint().find("later release"), std::string::npos);
  admin().rows("COMMENT ON TABLE " + table() + " IS 'flame-session, schema 99999999999'");
  EXPECT_NE(complaint().find("later release"), std::string::npos);
  admin().rows("COMMENT ON TABLE " + table() + " IS 'what we think of it'");
  EXPECT_EQ(complaint(), "");
}

TEST_F(PostgresSchema, NothingIsMadeOfATableOfALaterReleaseOrOfOthers) {
  options_.init_table = true;
  const auto comment = [&] {
    return admin().ask("SELECT obj_description('" + table() + "'::regclass)");
  };
  const auto drop_index = [&] {
    admin().rows(
        "DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT indexrelid::regclass FROM "
        "pg_index WHERE indrelid = '" +
        table() +
        "'::regclass AND NOT indisprimary LOOP "
        "EXECUTE 'DROP INDEX ' || i; END LOOP; END $$");
  };
  drop_index();
  EXPECT_EQ(complaint(), "") << "of its own it makes the index";
  drop_index();
  admin().rows("COMMENT ON TABLE " + table() + " IS 'flame-session, schema 2'");
  EXPECT_NE(complaint().find("later release"), std::string::npos);
  EXPECT_EQ(comment(), "flame-session, schema 2");

  options_.table = server_->new_table();
  admin().rows("CREATE TABLE " + table() + " (key text, owner text)");
  EXPECT_NE(complaint().find("not one of flame-session's"), std::string::npos);
  EXPECT_EQ(comment(), "");
  options_.table = server_->new_table();
  admin().rows("CREATE TABLE " + table() + " (id text, data text)");
  EXPECT_NE(complaint().find("not one of flame-session's"), std::string::npos);
}

TEST_F(PostgresSchema, WhatMayUndoAWriteUnseenIsRefusedByName) {
  const auto function = server_->schema + ".look";
  admin().rows("CREATE OR REPLACE FUNCTION " + function +
               "() RETURNS trigger AS $$ BEGIN RETURN NEW; END $$ LANGUAGE plpgsql");
  const auto trigger = [&](const std::string& name, const std::string& when,
                           const std::string& each = "ROW") {
    return "CREATE TRIGGER " + name + " " + when + " ON " + table() + " FOR EACH " + each +
           " EXECUTE FUNCTION " + function + "()";
  };
  for (const auto& made :
       {"CREATE RULE \"my \"\"own\" AS ON DELETE TO " + table() + " DO INSTEAD NOTHING",
        "CREATE RULE more AS ON INSERT TO " + table() + " DO ALSO NOTHING",
        trigger("\"my \"\"own\"", "BEFORE INSERT"), trigger("u", "BEFORE UPDATE OF blob"),
        trigger("d", "BEFORE DELETE")}) {
    admin().rows(made);
    const auto text = complaint();
    ASSERT_NE(text.find("run: DROP "), text.npos) << made << ": " << text;
    admin().rows(text.substr(text.find("run: ") + 5));
    EXPECT_EQ(complaint(), "") << made;
  }
  admin().rows(trigger("after", "AFTER INSERT OR UPDATE OR DELETE"));
  admin().rows(trigger("once", "BEFORE DELETE", "STATEMENT"));
  admin().rows(trigger("off", "BEFORE DELETE"));
  admin().rows("ALTER TABLE " + table() + " DISABLE TRIGGER off");
  EXPECT_EQ(complaint(), "") << "these undo nothing";
}

TEST_F(PostgresSchema, WhereTheNameOfItsIndexIsTakenItHasAnother) {
  options_.init_table = true;
  const std::string long_name(58, 'x');
  admin().rows("CREATE TABLE " + server_->schema + ".theirs (a int)");
  admin().rows("CREATE INDEX zz_owner ON " + server_->schema + ".theirs (a)");
  admin().rows("CREATE TABLE " + server_->schema + ".yy_owner (a int)");
  for (const auto& name :
       {long_name + "1", long_name + "2", std::string("zz"), std::string("yy")}) {
    options_.table = server_->schema + "." + name;
    EXPECT_EQ(complaint(), "");
    EXPECT_EQ(complaint(), "") << "as it stays";
    EXPECT_EQ(
        admin().ask("SELECT count(*) FROM pg_index WHERE indrelid = '" + table() + "'::regclass"),
        "2");
  }
}

TEST_F(PostgresSchema, ANameThatATypeOrSequenceHasIsToBeAnother) {
  for (const std::string made : {"SEQUENCE %", "TYPE % AS ENUM ('a')", "TYPE % AS (a int)"}) {
    options_.table = server_->new_table();
    auto statement = "CREATE " + made;
    admin().rows(statement.replace(statement.find('%'), 1, table()));
    for (const bool init : {false, true}) {
      options_.init_table = init;
      const auto text = complaint();
      const bool unseen = !init && made.find("ENUM") != made.npos;
      EXPECT_EQ(text.find("name another") == text.npos, unseen) << made << ": " << text;
    }
  }
}

TEST_F(PostgresSchema, RightsAreAskedFor) {
  const auto role = "poor_" + server_->schema;
  admin().rows("CREATE ROLE " + role + " LOGIN PASSWORD 'p'");
  auto dsn = options_.dsn;
  dsn.replace(dsn.find("//") + 2, dsn.find('@') - dsn.find("//") - 2, role + ":p");
  options_.dsn = dsn;
  options_.init_table = true;
  for (int mended = 0; mended < 3; ++mended) {
    const auto text = complaint();
    if (text.empty()) break;
    ASSERT_NE(text.find("run: GRANT"), text.npos) << text;
    admin().rows(text.substr(text.find("run: ") + 5));
  }
  EXPECT_EQ(complaint(), "");
  admin().rows("ALTER TABLE " + table() + " ENABLE ROW LEVEL SECURITY");
  EXPECT_NE(complaint().find("row security"), std::string::npos);
  options_.table = server_->new_table();
  EXPECT_NE(complaint().find("42501"), std::string::npos) << complaint();
  admin().rows("DROP OWNED BY " + role);
  admin().rows("DROP ROLE " + role);
}

TEST_F(PostgresSchema, WhatBreaksPromisesIsWarnedOf) {
  EXPECT_TRUE(warnings().empty());
  admin().rows("ALTER TABLE " + table() + " SET UNLOGGED");
  admin().rows("CREATE INDEX ON " + table() + " (expires_at)");
  const auto all = warnings();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].find("UNLOGGED"), std::string::npos);
  EXPECT_NE(all[1].find("index"), std::string::npos);
  const postgres::ServerFacts server{.fsync = "off",
                                     .full_page_writes = "off",
                                     .synchronous_commit = "off",
                                     .version = 130001,
                                     .hides_plaintext = true};
  EXPECT_EQ(postgres::warnings({}, server).size(), 5u);
  EXPECT_TRUE(postgres::warnings({}, {.synchronous_commit = "local"}).empty());
  EXPECT_EQ(
      postgres::warnings({}, {.synchronous_commit = "local", .synchronous_standby_names = "other"})
          .size(),
      1u);
}

/// A role, a database or a DSN may have any.
TEST_F(PostgresSchema, NoSettingOfASessionMakesATableUnfit) {
  for (const char* const setting :
       {"standard_conforming_strings%3Doff", "quote_all_identifiers%3Don", "bytea_output%3Descape",
        "search_path%3D", "client_encoding%3DEUC_JP", "transform_null_equals%3Don",
        "default_transaction_isolation%3Dserializable"}) {
    options_.dsn = server_->url + "?options=-c%20" + setting;
    EXPECT_EQ(complaint(), "") << setting;
    open();
    EXPECT_EQ(create(1), Outcome::done) << setting;
    EXPECT_EQ(load(1), Outcome::done) << setting;
    EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done) << setting;
  }
}

TEST_F(PostgresSchema, WhatHasNoUseIsTold) {
  options_.dsn += "?connect_timeout=3";
  const auto all = warnings();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NE(all[0].find("connect_timeout"), std::string::npos);
}

TEST_F(PostgresSchema, TenMakeItAtOnce) {
  options_.table = server_->new_table();
  options_.init_table = true;
  std::vector<Thrown> thrown(10);
  {
    std::vector<std::jthread> threads;
    for (auto& each : thrown) threads.emplace_back([&] { each = failure_to_open(); });
  }
  for (const auto& each : thrown) EXPECT_EQ(each.text, "");
  EXPECT_EQ(admin().ask("SELECT count(*) FROM pg_indexes WHERE schemaname || '.' || tablename = '" +
                        table() + "'"),
            "2");
}

/// Plans of the statements as they are prepared: for any parameters.
TEST_F(PostgresSchema, EachStatementGoesByItsIndex) {
  admin().rows("INSERT INTO " + table() +
               " SELECT i, 0, 0, i, decode(md5(i::text), 'hex'), decode(md5((i / 9)::text), 'hex')"
               ", '' FROM generate_series(1, 20000) i");
  admin().rows("ANALYZE " + table());
  const postgres::Statements all(parse_table_name("table", table()));
  Admin own(options_.dsn);
  own.rows("SET plan_cache_mode = force_generic_plan");
  const auto plan = [&](postgres::Ask ask, const std::string& parameters) {
    own.rows("PREPARE p AS " + all[ask].text);
    std::string text;
    for (const auto& line : own.rows("EXPLAIN EXECUTE p" + parameters)) text += line + "\n";
    own.rows("DEALLOCATE p");
    EXPECT_EQ(text.find("Seq Scan"), text.npos) << text;
    return text;
  };
  using postgres::Ask;
  const auto by_key = "Index Scan using " + bare_table() + "_pkey";
  EXPECT_NE(plan(Ask::load, "(ARRAY['k'::bytea])").find(by_key), std::string::npos);
  EXPECT_NE(plan(Ask::replace, "('k', 1, 'o', 1, 2, 3, 'b', 4, 5)").find(by_key),
            std::string::npos);
  EXPECT_NE(plan(Ask::touch, "('k', 1, 2, 3)").find(by_key), std::string::npos);
  EXPECT_NE(plan(Ask::erase, "('k')").find(by_key), std::string::npos);
  EXPECT_NE(plan(Ask::list, "('o', '', 5, 100)").find(bare_table() + "_owner"), std::string::npos);
  EXPECT_NE(plan(Ask::sweep, "('(0,0)', '(128,0)', 5, 100)").find("Tid Range Scan"),
            std::string::npos);
}

TEST_F(PostgresSchema, UpdatesStayInTheirPage) {
  for (std::uint64_t number = 0; number < 10; ++number) create(number, "ann");
  for (std::uint64_t number = 0; number < 10; ++number) {
    auto r = record(number, "ann");
    r.token = WriteToken{1000 + number};
    r.last_seen += 1s;
    r.expires_at += 1s;
    EXPECT_EQ(apply(Verb::replace, r, record(number).token).outcome, Outcome::done);
    r.expires_at += 1s;
    EXPECT_EQ(apply(Verb::touch, r).outcome, Outcome::done);
  }
  connection_.reset();  // its end tells the statistics
  std::string counted;
  for (const auto until = std::chrono::steady_clock::now() + 20s;
       counted != "20" && std::chrono::steady_clock::now() < until;)
    counted = admin().ask("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relid = '" + table() +
                          "'::regclass");
  EXPECT_EQ(counted, "20");
  EXPECT_EQ(admin().ask("SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = '" + table() +
                        "'::regclass"),
            "20");
}

}  // namespace
}  // namespace flame::session::tests
