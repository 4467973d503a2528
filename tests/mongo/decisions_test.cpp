#include <gtest/gtest.h>

#include "mongo_support.hpp"
#include "stores/mongo/batch.hpp"
#include "stores/mongo/schema.hpp"

namespace flame::session {
namespace {

using mongo::Meaning;
using Kind = StoreError::Kind;

/// A document of JSON.
class Json {
 public:
  explicit Json(const std::string& text)
      : bson_(bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                                 static_cast<ssize_t>(text.size()), nullptr)) {
    if (!bson_) throw std::runtime_error(text);
  }
  ~Json() { bson_destroy(bson_); }
  Json(const Json&) = delete;
  Json& operator=(const Json&) = delete;
  const bson_t& operator*() const { return *bson_; }

 private:
  bson_t* bson_;
};

TEST(MongoDecisions, MeaningOfACodeForEachVerb) {
  const struct {
    std::int64_t code;
    Meaning idempotent, single, several;
  } table[] = {
      {10107, Meaning::away, Meaning::away, Meaning::interrupted},
      {13435, Meaning::away, Meaning::away, Meaning::interrupted},
      {13436, Meaning::away, Meaning::away, Meaning::interrupted},
      {91, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {189, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {11600, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {11602, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {50, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {112, Meaning::later, Meaning::later, Meaning::later},
      {13, Meaning::refused, Meaning::refused, Meaning::refused},
      {18, Meaning::refused, Meaning::refused, Meaning::refused},
      {85, Meaning::refused, Meaning::refused, Meaning::refused},
      {86, Meaning::refused, Meaning::refused, Meaning::refused},
      {28, Meaning::later, Meaning::interrupted, Meaning::interrupted},
      {14031, Meaning::full, Meaning::full, Meaning::full},
      {391, Meaning::lost, Meaning::lost, Meaning::lost},
      {424242, Meaning::later, Meaning::interrupted, Meaning::interrupted},
  };
  for (const auto& [code, idempotent, single, several] : table) {
    const auto meaning = mongo::judge(code).meaning;
    for (const auto verb : {Verb::load, Verb::touch, Verb::erase}) {
      EXPECT_EQ(mongo::meaning_for(verb, 1, meaning), idempotent) << code;
      EXPECT_EQ(mongo::meaning_for(verb, 2, meaning), idempotent) << code;
    }
    for (const auto verb : {Verb::create, Verb::replace}) {
      EXPECT_EQ(mongo::meaning_for(verb, 1, meaning), single) << code;
      EXPECT_EQ(mongo::meaning_for(verb, 2, meaning), several) << code;
    }
  }
}

TEST(MongoDecisions, OutcomeOfAStatement) {
  EXPECT_EQ(mongo::outcome_of(Verb::create, 11000), Outcome::exists);
  EXPECT_EQ(mongo::outcome_of(Verb::replace, 11000), Outcome::refused);
  EXPECT_EQ(mongo::outcome_of(Verb::replace, 112), Outcome::later);
  EXPECT_EQ(mongo::outcome_of(Verb::replace, 10107), Outcome::later);
  EXPECT_EQ(mongo::outcome_of(Verb::replace, 11602), Outcome::unknown);
  EXPECT_EQ(mongo::outcome_of(Verb::touch, 11602), Outcome::later);
  EXPECT_EQ(mongo::outcome_of(Verb::create, 121), Outcome::refused);
  EXPECT_EQ(mongo::outcome_of(Verb::create, 10334), Outcome::refused);
}

TEST(MongoDecisions, KindOfAFailure) {
  const auto kind = [](std::int64_t code) {
    return mongo::error_of({mongo::judge(code), code}).kind();
  };
  EXPECT_EQ(kind(10107), Kind::away);
  EXPECT_EQ(kind(112), Kind::later);
  EXPECT_EQ(kind(11602), Kind::connection_lost);
  EXPECT_EQ(kind(391), Kind::connection_lost);
  EXPECT_EQ(kind(13), Kind::refused);
  EXPECT_EQ(kind(14031), Kind::full);
  EXPECT_EQ(mongo::unconfirmed(64).kind(), Kind::unconfirmed);
}

/// Labels say what a driver may repeat: ours repeats by the token, so they change nothing.
TEST(MongoDecisions, FailureIsOfTheServerOrElseOfTheDriver) {
  bson_error_t none{};
  const auto failure = [&](const std::string& reply, const bson_error_t& error) {
    return mongo::failure_of(*Json(reply), error);
  };
  EXPECT_EQ(failure(R"({"ok": 0, "code": 10107, "errorLabels": ["RetryableWriteError"]})", none)
                .verdict.meaning,
            Meaning::away);
  EXPECT_EQ(failure(R"({"ok": 0, "code": {"$numberDouble": "112"}})", none).code, 112);
  EXPECT_EQ(failure(R"({"ok": 0})", none).verdict.meaning, Meaning::interrupted);
  EXPECT_EQ(failure(R"({"errorLabels": ["TransientTransactionError"]})", none).verdict.meaning,
            Meaning::lost);
  bson_error_t unlike{};
  bson_set_error(&unlike, MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, "canary");
  EXPECT_EQ(failure("{}", unlike).verdict.meaning, Meaning::refused);
}

TEST(MongoDecisions, NothingOfTheDriversWordsIsTold) {
  bson_error_t error{};
  bson_set_error(&error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "wire version canary");
  EXPECT_EQ(mongo::connect_error(error, false, {}).kind(), Kind::refused);
  EXPECT_EQ(mongo::connect_error(error, true, {}).kind(), Kind::connection_lost);
  for (const bool broken : {false, true})
    EXPECT_EQ(std::string(mongo::connect_error(error, broken, {}).what()).find("canary"),
              std::string::npos);
}

TEST(MongoDecisions, Documents) {
  auto record = tests::record(7, std::string("ann\0e", 5));
  record.blob = std::string("\0\xff", 2);
  record.token = WriteToken{~std::uint64_t{0}};
  mongo::Document document;
  mongo::write_record(document.writer(), record);
  Record read;
  ASSERT_TRUE(mongo::read_record(*document.get(), read));
  EXPECT_EQ(mongo::read_key(*document.get()), record.key);
  EXPECT_EQ(read.token, record.token);
  EXPECT_EQ(read.owner, record.owner);
  EXPECT_EQ(read.blob, record.blob);
  EXPECT_EQ(read.created_at, record.created_at);
  EXPECT_EQ(read.expires_at, record.expires_at);
}

TEST(MongoDecisions, NobodysHasNoOwner) {
  mongo::Document document;
  mongo::write_record(document.writer(), tests::record(7));
  EXPECT_FALSE(mongo::has(*document.get(), "owner"));
  Record read{.owner = "before"};
  ASSERT_TRUE(mongo::read_record(*document.get(), read));
  EXPECT_EQ(read.owner, "");
}

mongo::CollectionFacts facts_of(const std::vector<std::string>& indexes) {
  mongo::CollectionFacts facts{.version = mongo::schema_version};
  for (const auto& each : indexes) mongo::read_index(*Json(each), facts);
  return facts;
}

constexpr auto owners =
    R"({"key": {"owner": 1, "_id": 1}, "partialFilterExpression": {"owner": {"$exists": true}}})";
constexpr auto ends = R"({"key": {"expires_at": 1}, "expireAfterSeconds": 3600})";

TEST(MongoDecisions, ACollectionThatFits) {
  const mongo::Settings settings{.database = "shop", .collection = "cache"};
  const auto problem = [&](const mongo::CollectionFacts& facts) {
    return mongo::problem_of(facts, settings);
  };
  EXPECT_EQ(problem(facts_of({owners, ends})), "");
  EXPECT_EQ(problem(facts_of({R"({"key": {"owner": 1, "_id": 1}})", ends})), "");
  EXPECT_EQ(problem(facts_of({owners, R"({"key": {"expires_at": 1}})"})), "");
  EXPECT_NE(
      problem(facts_of({ends})).find("has no index for owners: run: db.getSiblingDB(\"shop\")"),
      std::string::npos);
  EXPECT_NE(problem(facts_of({owners})).find("expireAfterSeconds: 3600"), std::string::npos);
  EXPECT_NE(problem(facts_of({R"({"key": {"owner": 1, "_id": -1}})", ends})), "");
  EXPECT_NE(problem(facts_of({R"({"key": {"owner": 1}})", ends})), "");
  EXPECT_NE(problem(facts_of({R"({"key": {"owner": 1, "_id": 1},
      "partialFilterExpression": {"blob": {"$exists": true}}})",
                              ends})),
            "");
}

TEST(MongoDecisions, ACollectionOfOthersOrOfALaterRelease) {
  const mongo::Settings settings{.database = "shop", .collection = "cache"};
  auto facts = facts_of({owners, ends});
  facts.version = mongo::schema_version + 1;
  EXPECT_NE(mongo::problem_of(facts, settings).find("a later release"), std::string::npos);
  EXPECT_FALSE(mongo::may_be_made(facts));
  facts = {.has_documents = true};
  EXPECT_NE(mongo::problem_of(facts, settings).find("not flame-session's"), std::string::npos);
  EXPECT_FALSE(mongo::may_be_made(facts));
  facts = {};
  EXPECT_NE(mongo::problem_of(facts, settings).find("init_collection, or run: db.getSibling"),
            std::string::npos);
  EXPECT_TRUE(mongo::may_be_made(facts));
}

TEST(MongoDecisions, WarnsOfAServerThatRemovesTooSoon) {
  EXPECT_EQ(mongo::warnings_of(facts_of({owners, ends}), {}).size(), 0U);
  EXPECT_EQ(mongo::warnings_of(facts_of({R"({"key": {"expires_at": 1},
      "expireAfterSeconds": 0})"}),
                               {})
                .size(),
            1U);
}

}  // namespace
}  // namespace flame::session
