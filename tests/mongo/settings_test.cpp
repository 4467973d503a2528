#include "stores/mongo/settings.hpp"

#include <unistd.h>

#include <filesystem>

#include "mongo_support.hpp"

namespace flame::session {
namespace {

using tests::thrown_by;

std::string refusal(const mongo::MongoOptions& options) {
  const auto thrown = thrown_by([&] { static_cast<void>(mongo::read_settings(options)); });
  EXPECT_EQ(thrown.kind.value_or(StoreError::Kind::refused), StoreError::Kind::refused);
  return thrown.text;
}

TEST(MongoSettings, UrisThatAreWrongAreRefusedAndNotRepeated) {
  for (const auto* uri : {"",
                          "qzzq",
                          "postgres://qzzq",
                          "mongodb:qzzq",
                          "mongodb://",
                          "mongodb://u:qzzq@",
                          "mongodb://u:qz/zq@h/d",

                          "mongodb://h/",
                          "mongodb://h",
                          "mongodb://h:0/d",
                          "mongodb://h:99999/d",
                          "mongodb://h/d?qzzq=1",
                          "mongodb://h/d?qzzq",
                          "mongodb://h/d?w=0",
                          "mongodb://h/d?w=-1",
                          "mongodb://h/d?readPreference=secondary",
                          "mongodb://h/d?readConcernLevel=available",
                          "mongodb://h/d?readConcernLevel=qzzq",
                          "mongodb://h/d?wtimeoutMS=-1",
                          "mongodb://h/d?w=1&W=2",
                          "mongodb://h/d?readers=0",
                          "mongodb://h/d?readers=qzzq",
                          "mongodb://h/d?collection=qz%20zq",
                          "mongodb://h/d?init_collection=qzzq",
                          "mongodb://h/da%2Fta",
                          "mongodb://h/d?tls=true&tlsInsecure=true",
                          "mongodb://h/d?tls=true&tlsAllowInvalidCertificates=true",
                          "mongodb://h/d?tls=true&tlsAllowInvalidHostnames=true",
                          "mongodb://h/d?tls=true&tlsCAFile=/nowhere/at/all"}) {
    const auto said = refusal({.uri = uri});
    EXPECT_NE(said, "") << uri;
    EXPECT_EQ(said.find("qz"), std::string::npos) << uri << ": " << said;
    EXPECT_EQ(said.find("zq"), std::string::npos) << uri << ": " << said;
  }
  EXPECT_NE(refusal({.uri = std::string("mongodb://h/d\0qzzq", 18)}), "");
}

TEST(MongoSettings, NamesThatAreHostileAreRefused) {
  for (const auto* name : {"", "a b", "a$b", "system.", "../x", "\xff", "a\"b", "a;b"})
    EXPECT_NE(refusal({.uri = "mongodb://h/d", .collection = name}), "") << name;
  for (const auto* name : {"a b", "a.b", "a$b", "a/b", "\xff"})
    EXPECT_NE(refusal({.uri = "mongodb://h/d", .database = name}), "") << name;
}

TEST(MongoSettings, ParametersGoBeforeOptions) {
  const auto settings = mongo::read_settings(
      {.uri = "mongodb://u:p%40@h1:27018,h2/d?collection=c&init_collection=true&readers=3&"
              "replicaSet=rs&authSource=admin",
       .collection = "other"});
  EXPECT_EQ(settings.uri, "mongodb://u:p%40@h1:27018,h2/d?replicaSet=rs&authSource=admin");
  EXPECT_EQ(settings.database, "d");
  EXPECT_EQ(settings.collection, "c");
  EXPECT_TRUE(settings.init_collection);
  EXPECT_EQ(settings.connections.readers, 3U);
  EXPECT_EQ(settings.hosts, 2U);
  EXPECT_FALSE(settings.tls);
}

TEST(MongoSettings, NamesOfDnsMeanTls) {
  const auto tls = [](const std::string& uri) { return mongo::read_settings({.uri = uri}).tls; };
  EXPECT_TRUE(tls("mongodb+srv://all.shop.example/d"));
  EXPECT_TRUE(tls("mongodb+srv://all.shop.example/d?w=2"));
  EXPECT_FALSE(tls("mongodb+srv://all.shop.example/d?tls=false"));
  EXPECT_TRUE(tls("mongodb://h/d?ssl=true"));
  EXPECT_FALSE(tls("mongodb://h/d"));
}

TEST(MongoSettings, TheDatabaseOfTheOptionsGoesBeforeThatOfTheUri) {
  EXPECT_EQ(mongo::read_settings({.uri = "mongodb://h/admin", .database = "shop"}).database,
            "shop");
  EXPECT_EQ(mongo::read_settings({.uri = "mongodb://h", .database = "shop"}).database, "shop");
  EXPECT_EQ(mongo::read_settings({.uri = "mongodb://h?w=2", .database = "shop"}).concerns.write,
            "2");
}

TEST(MongoSettings, ConcernsAreSafeUnlessToldOtherwise) {
  const auto of = [](const std::string& parameters) {
    return mongo::read_settings({.uri = "mongodb://h/d?" + parameters});
  };
  EXPECT_EQ(of("").concerns.write, "majority");
  EXPECT_TRUE(of("").concerns.journal);
  EXPECT_EQ(of("").concerns.read, "majority");
  EXPECT_TRUE(of("").warnings.empty());
  EXPECT_EQ(of("w=majority").concerns.write, "majority");
  EXPECT_EQ(of("w=3").concerns.write, "3");
  EXPECT_EQ(of("w=east").concerns.write, "east");
  EXPECT_NE(refusal({.uri = "mongodb://h/d?w=majority;journal=true"}).find("write & between"),
            std::string::npos);
  EXPECT_EQ(of("w=1").warnings.size(), 1U);
  EXPECT_EQ(of("journal=false").warnings.size(), 1U);
  EXPECT_EQ(of("readConcernLevel=local").warnings.size(), 1U);
  EXPECT_EQ(of("readConcernLevel=linearizable").concerns.read, "linearizable");
  EXPECT_EQ(of("wtimeoutMS=70").concerns.wait, 70);
}

TEST(MongoSettings, ParametersWithoutUseAreToldAndLeftOut) {
  const auto settings =
      mongo::read_settings({.uri = "mongodb://h/d?retryWrites=true&maxPoolSize=10&w=majority"});
  EXPECT_EQ(settings.uri, "mongodb://h/d");
  ASSERT_EQ(settings.warnings.size(), 1U);
  EXPECT_NE(settings.warnings[0].find("leave out retrywrites, maxpoolsize"), std::string::npos);
}

// Also of a program that only links the store; a process that is killed cannot take it away.
TEST(MongoDriver, LeavesNothingInSharedMemory) {
  const auto counters = "/dev/shm/mongoc-" + std::to_string(::getpid());
  EXPECT_FALSE(std::filesystem::exists(counters));
  static_cast<void>(mongo::store({.uri = "mongodb://h/d"}));
  EXPECT_FALSE(std::filesystem::exists(counters));
}

TEST(MongoSettings, CompressorsAreThoseThatTheDriverKnows) {
  for (const std::string good : {"zlib", "snappy,zlib", "zstd"})
    EXPECT_EQ(refusal({.uri = "mongodb://h/d?compressors=" + good}), "");
  for (const std::string bad : {"foo", "zlib,foo", "", "zlib,"})
    EXPECT_EQ(refusal({.uri = "mongodb://h/d?compressors=" + bad})
                  .find("mongo store: compressors must be"),
              0U)
        << bad;
}

TEST(MongoSettings, APasswordIsOfAUser) {
  ConnectionOptions by_function, by_file;
  by_function.password = [] { return std::string("qzzq"); };
  by_file.password_file = "/nowhere";
  for (const auto& connections : {by_function, by_file}) {
    const auto said = refusal({.uri = "mongodb://h/d", .connections = connections});
    EXPECT_NE(said.find("the uri no user: write mongodb://user@"), std::string::npos) << said;
    EXPECT_EQ(refusal({.uri = "mongodb://u@h/d", .connections = connections}), "");
  }
}

TEST(MongoSettings, WhatIsWrongIsSaidByConnect) {
  const auto store = mongo::store({.uri = "mongodb://h"});
  EXPECT_EQ(thrown_by([&] { store->make_connection()->connect({}); }).kind,
            StoreError::Kind::refused);
}

}  // namespace
}  // namespace flame::session
