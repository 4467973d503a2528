#include <algorithm>
#include <atomic>
#include <thread>

#include "mongo_support.hpp"
#include "stores/mongo/commands.hpp"
#include "stores/mongo/look_up.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using tests::apply;
using tests::op;
using tests::record;
using tests::soon;
using tests::thrown_by;
using Kind = StoreError::Kind;

class MongoServer : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto uri = tests::server_url("mongo");
    if (!uri) GTEST_SKIP() << "not run: that server is not to be had here";
    uri_ = *uri;
  }
  mongo::MongoOptions options(bool init = true) {
    return {.uri = uri_, .collection = collection_, .init_collection = init};
  }
  std::unique_ptr<StoreConnection> open(mongo::MongoOptions of) {
    return open_connection(*mongo::store(std::move(of)), soon());
  }
  std::string refusal(const mongo::MongoOptions& of, Kind kind = Kind::refused) {
    const auto thrown = thrown_by([&] { open(of); });
    EXPECT_EQ(thrown.kind, kind) << thrown.text;
    return thrown.text;
  }
  /// What src/stores/mongo/README.md says of it.
  static bool runs_mongo_java_server() {
    return tests::ask_servers("status mongo").value().find("mongo-java-server") !=
           std::string::npos;
  }
  /// What the server answers a command of its administrator.
  static std::string ask(const std::string& command) {
    return tests::ask_servers("ask mongo '" + command + "'").value();
  }

  std::string uri_{}, collection_ = tests::new_collection();
};

TEST_F(MongoServer, AMissingCollectionIsRefusedWithWhatToRun) {
  const auto said = refusal(options(false));
  EXPECT_NE(said.find("is missing: start with init_collection, or run: db.getSiblingDB(\"flame\")"),
            std::string::npos)
      << said;
  open(options());
  open(options(false));
}

TEST_F(MongoServer, TenMayMakeItAtOnce) {
  std::vector<std::thread> all;
  std::atomic<int> failed{0};
  for (int i = 0; i < 10; ++i)
    all.emplace_back([&] {
      try {
        const auto connection = open(options());
        StoreOp mine = op(Verb::load, record(1));
        connection->run({&mine, 1}, soon());
      } catch (const StoreError& error) {
        ++failed;
        ADD_FAILURE() << error.what();
      }
    });
  for (auto& each : all) each.join();
  EXPECT_EQ(failed, 0);
  open(options(false));
}

TEST_F(MongoServer, ACollectionOfOthersIsRefused) {
  ask(R"({"insert": ")" + collection_ + R"(", "documents": [{"_id": 1, "expires_at": 2}]})");
  EXPECT_NE(refusal(options()).find("not flame-session's: name another"), std::string::npos);
}

TEST_F(MongoServer, AnIndexThatIsMissingIsNamedOrMade) {
  open(options());
  ask(R"({"dropIndexes": ")" + collection_ + R"(", "index": "owner"})");
  EXPECT_NE(refusal(options(false)).find("has no index for owners: run: db."), std::string::npos);
  open(options());
  open(options(false));
}

TEST_F(MongoServer, AnIndexThatRemovesNothingStaysWhereAnotherIsMade) {
  open(options());
  for (const std::string name : {"owner", "expiry"})
    ask(R"({"dropIndexes": ")" + collection_ + R"(", "index": ")" + name + R"("})");
  ask(R"({"createIndexes": ")" + collection_ +
      R"(", "indexes": [{"key": {"expires_at": 1}, "name": "expiry"}]})");
  open(options());
  open(options(false));
  EXPECT_EQ(ask(R"({"listIndexes": ")" + collection_ + R"("})").find("expireAfterSeconds"),
            std::string::npos);
}

TEST_F(MongoServer, AnIndexOfOthersThatHasTheNameIsToldToBeDropped) {
  if (runs_mongo_java_server())
    GTEST_SKIP() << "not run: mongo-java-server gives one name to two indexes";
  open(options());
  ask(R"({"dropIndexes": ")" + collection_ + R"(", "index": "owner"})");
  ask(R"({"createIndexes": ")" + collection_ +
      R"(", "indexes": [{"key": {"blob": 1}, "name": "owner"}]})");
  const auto said = refusal(options());
  EXPECT_NE(said.find("drop that one (code 86)"), std::string::npos) << said;
}

TEST_F(MongoServer, ALaterReleaseIsRefused) {
  ask(R"({"insert": ")" + collection_ +
      R"(", "documents": [{"_id": "flame-session", "schema": 2}]})");
  EXPECT_NE(refusal(options()).find("later release"), std::string::npos);
}

TEST_F(MongoServer, AWrongPasswordIsRefusedWithoutNamingIt) {
  auto wrong = options();
  const auto at = wrong.uri.find(':', wrong.uri.find("//")) + 1;
  if (wrong.uri.find('@') == std::string::npos) GTEST_SKIP() << "not run: it asks for none";
  const auto end = wrong.uri.find('@');
  const auto password = wrong.uri.substr(at, end - at);
  wrong.uri.replace(at, end - at, "c4nary");
  const auto said = refusal(wrong);
  EXPECT_NE(said.find("refuses the user or the password"), std::string::npos) << said;
  EXPECT_EQ(said.find("c4nary"), std::string::npos) << said;
  wrong.connections.password = [=] { return password; };
  open(wrong);
}

TEST_F(MongoServer, AServerThatIsDownIsOneThatMayCome) {
  auto nobody = options();
  nobody.uri = "mongodb://127.0.0.1:" + std::to_string(tests::free_port()) + "/flame";
  const auto said = refusal(nobody, Kind::connection_lost);
  EXPECT_NE(said.find("cannot be reached: Connection refused: is it running"), said.npos) << said;
}

TEST_F(MongoServer, AServerThatDemandsAUserRefusesNobody) {
  auto anonymous = options();
  const auto begin = anonymous.uri.find("//") + 2;
  const auto end = anonymous.uri.find('@');
  if (end == std::string::npos) GTEST_SKIP() << "not run: it asks for none";
  anonymous.uri.erase(begin, end + 1 - begin);
  EXPECT_EQ(thrown_by([&] { open(anonymous); }).kind, Kind::refused);
}

TEST_F(MongoServer, EightAtOnceReplaceOnce) {
  open(options());
  constexpr int rounds = 20, writers = 8;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    const auto first = open(options(false));
    apply(*first, Verb::create, record(round));
    std::atomic<int> done{0};
    std::vector<std::thread> all;
    for (int i = 0; i < writers; ++i)
      all.emplace_back([&, i] {
        const auto connection = open(options(false));
        auto mine = record(round);
        mine.token = WriteToken{1000U + static_cast<unsigned>(i)};
        if (apply(*connection, Verb::replace, mine, WriteToken{round + 1}).outcome == Outcome::done)
          ++done;
      });
    for (auto& each : all) each.join();
    EXPECT_EQ(done, 1);
  }
}

/// All that the server takes for one command, and sends as more than one reply.
TEST_F(MongoServer, LoadsMoreThanAReplyHolds) {
  const auto connection = open(options());
  std::vector<StoreOp> loads;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    auto large = record(i);
    large.blob.assign(std::size_t{1} << 20, static_cast<char>(i));
    EXPECT_EQ(apply(*connection, Verb::create, large).outcome, Outcome::done);
    loads.push_back(op(Verb::load, {.key = large.key}));
  }
  tests::sort(loads);
  connection->run(loads, soon());
  for (const auto& each : loads) {
    ASSERT_EQ(each.outcome, Outcome::done);
    EXPECT_EQ(each.record.blob.size(), std::size_t{1} << 20);
  }
}

TEST_F(MongoServer, SweepsWhereTheServerRemovesNothing) {
  open(options());
  ask(R"({"dropIndexes": ")" + collection_ + R"(", "index": "expiry"})");
  ask(R"({"createIndexes": ")" + collection_ +
      R"(", "indexes": [{"key": {"expires_at": 1}, "name": "expiry"}]})");
  const auto connection = open(options(false));
  for (std::uint64_t i = 1; i <= 5; ++i) {
    auto over = record(i);
    over.expires_at = over.created_at + 1min;
    apply(*connection, Verb::create, over);
  }
  apply(*connection, Verb::create, record(6));
  auto call = soon();
  EXPECT_EQ(connection->sweep(3, call), 0U);
  call.now += 1min;
  EXPECT_EQ(connection->sweep(3, call), 3U);
  EXPECT_EQ(connection->sweep(3, call), 2U);
  EXPECT_EQ(connection->sweep(3, call), 0U);
  EXPECT_EQ(apply(*connection, Verb::load, record(6)).outcome, Outcome::done);
}

/// The names of the indexes that the server would read for a command, in its words.
std::vector<std::string> indexes_for(const std::string& uri, const mongo::Document& command) {
  const mongo::Client client(mongoc_client_new(uri.c_str()));
  bson_t question = BSON_INITIALIZER, answer;
  bson_append_document(&question, "explain", -1, command.get());
  mongoc_client_command_simple(client.get(), "flame", &question, nullptr, &answer, nullptr);
  char* const text = bson_as_relaxed_extended_json(&answer, nullptr);
  std::string plan = text;
  bson_free(text);
  bson_destroy(&answer);
  bson_destroy(&question);
  plan.resize(std::min(plan.find("rejectedPlans"), plan.size()));  // MongoDB
  std::vector<std::string> names;
  // DocumentDB's "indexName" is also of indexes that it only thought of.
  std::string before = R"("Index Name" : ")";
  if (plan.find(before) == plan.npos) before = R"("indexName" : ")";
  for (auto at = plan.find(before); at != plan.npos; at = plan.find(before, at)) {
    at += before.size();
    names.push_back(plan.substr(at, plan.find('"', at) - at));
  }
  return names;
}

TEST_F(MongoServer, ListsByTheIndexOfOwnersAlone) {
  if (runs_mongo_java_server()) GTEST_SKIP() << "not run: mongo-java-server explains no plan";
  const auto connection = open(options());
  for (std::uint64_t i = 1; i <= 3; ++i) apply(*connection, Verb::create, record(i, "ann"));
  const auto first = connection->list("ann", {}, 2, soon());
  ASSERT_EQ(first.records.size(), 2U);
  EXPECT_EQ(connection->list("ann", first.next, 2, soon()).records.size(), 1U);
  const mongo::Commands commands(collection_, {});
  for (const auto& from : {std::string(), first.next})
    EXPECT_EQ(indexes_for(uri_, commands.list("ann", from, 10, soon().now)),
              std::vector<std::string>{"owner"});
}

TEST_F(MongoServer, ListsWithoutTheIndexWhereTheCollectionWasMadeAnew) {
  const auto connection = open(options());
  ask(R"({"drop": ")" + collection_ + R"("})");
  apply(*connection, Verb::create, record(1, "ann"));
  EXPECT_EQ(connection->list("ann", {}, 10, soon()).records.size(), 1U);
}

TEST_F(MongoServer, TheClockIsItsOwn) {
  const auto told = open(options())->clock(soon());
  ASSERT_TRUE(told);
  EXPECT_LT(std::chrono::abs(*told - soon().now), 1min);
}

TEST_F(MongoServer, ADocumentThatIsNoSessionIsUnreadableAndStays) {
  const auto connection = open(options());
  apply(*connection, Verb::create, record(1));
  ask(R"({"update": ")" + collection_ +
      R"(", "updates": [{"q": {"blob": {"$exists": true}}, "u": {"$set": {"blob": 1}}}]})");
  EXPECT_EQ(apply(*connection, Verb::load, record(1)).outcome, Outcome::unreadable);
  EXPECT_EQ(apply(*connection, Verb::create, record(1)).outcome, Outcome::exists);
  EXPECT_EQ(apply(*connection, Verb::erase, record(1)).outcome, Outcome::done);
  EXPECT_EQ(apply(*connection, Verb::load, record(1)).outcome, Outcome::missing);
}

}  // namespace
}  // namespace flame::session
