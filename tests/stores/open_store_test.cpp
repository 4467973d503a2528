#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <flame/session/open_store.hpp>

namespace flame::session {
namespace {

std::string error_of(const auto& call) {
  try {
    call();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused);
    return error.what();
  }
  return {};
}

std::string error_of_store(const StorePtr& store) {
  const auto text = error_of([&] { store->make_connection()->connect({}); });
  if (!text.empty()) {
    EXPECT_EQ(error_of([&] { static_cast<void>(open_connection(*store, {})); }), text);
  }
  return text;
}

std::string error_of_url(std::string_view url) { return error_of_store(open_store(url)); }

Outcome create(StoreConnection& connection, std::byte first) {
  StoreOp op{Verb::create, {}, {}, {}};
  op.record.key.bytes[0] = first;
  op.record.owner = "ann";
  op.record.expires_at = TimePoint{std::chrono::seconds{10}};
  connection.run({&op, 1}, {});
  return op.outcome;
}

TEST(OpenStore, OpensMemory) {
  for (const auto* url : {"memory:", "memory:?", "memory:?max_sessions=5",
                          "memory:?max_bytes=100000&max_sessions=5"}) {
    EXPECT_EQ(error_of_url(url), "") << url;
    EXPECT_FALSE(open_store(url)->traits().blocking) << url;
  }
}

TEST(OpenStore, PassesOptionsOn) {
  const auto connection = open_connection(*open_store("memory:?max_sessions=2"), {});
  EXPECT_EQ(create(*connection, std::byte{1}), Outcome::done);
  EXPECT_EQ(create(*connection, std::byte{2}), Outcome::done);
  EXPECT_EQ(create(*connection, std::byte{3}), Outcome::refused);
  EXPECT_EQ(create(*open_connection(*open_store("memory:?max_bytes=10"), {}), std::byte{1}),
            Outcome::refused);
}

TEST(OpenStore, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> table[] = {
      {"", "store URL is empty: set the environment variable that it comes from, or "},
      {"memory", "store URL without a scheme: this build knows memory:, file:, "},
      {"://x", "store URL without a scheme: this build knows memory:, file:, "},
      {"my pass word:x", "store URL without a scheme: this build knows memory:, file:, "},
      {"x:", "unknown store URL scheme `x:`: this build knows memory:, file:, "},
      {"mariadb://h/d", "unknown store URL scheme `mariadb:`: write mysql:"},
      {"valkeys://h", "unknown store URL scheme `valkeys:`: write rediss:"},
      {"Memory:", "unknown store URL scheme `Memory:`: this build knows memory:, file:, "},
      {"nosuch://user:canary@host/1",
       "unknown store URL scheme `nosuch:`: this build knows memory:, file:, "},
      {"memory://canary",
       "store URL `memory:`: it has no host or path: write memory: or memory:?max_sessions=N"},
      {"memory:?max_session=canary",
       "store URL `memory:`: unknown parameter `max_session`: it takes max_sessions, max_bytes"},
      {"memory:?max_sessions=1&max_sessions=1",
       "store URL `memory:`: `max_sessions` is given twice: give it once"},
      {"memory:?canary", "store URL `memory:`: write parameters as name=value"},
      {"memory:?=canary", "store URL `memory:`: write parameters as name=value"},
      {"memory:?max_bytes=1&", "store URL `memory:`: write parameters as name=value"},
      {"memory:?&max_bytes=1", "store URL `memory:`: write parameters as name=value"},
      {"memory:?max_bytes=1&&max_sessions=1",
       "store URL `memory:`: write parameters as name=value"},
      {"memory:?max_sessions=0",
       "memory store: max_sessions is 0, so it could hold nothing: give at least 1"},
      {"memory:?max_bytes=0",
       "memory store: max_bytes is 0, so it could hold nothing: give at least 1"},
  };
  for (const auto& [url, text] : table) {
    const auto store = open_store(url);
    const auto said = error_of([&] { static_cast<void>(open_connection(*store, {})); });
    EXPECT_TRUE(said.starts_with(text)) << url << ": " << said;
  }
}

TEST(OpenStore, NamesAVariableThatIsNotSet) {
  EXPECT_EQ(error_of_store(open_store(nullptr)),
            "store URL is a null pointer: set the environment variable that it comes from, or "
            "choose a store where that is missing: open_store(url ? url : \"memory:\")");
}

TEST(OpenStore, NamesWhatThisBuildLeftOut) {
  // What is built is tested with its server; what is not says what to install.
  for (const auto* url : {"sqlite:canary.db", "postgres://canary", "mysql://canary",
                          "redis://canary", "mongodb://canary"}) {
    std::string said;
    try {
      open_store(url)->make_connection()->connect({});
    } catch (const StoreError& error) {
      said = error.what();
    }
    if (said.find("this build has no") == said.npos) continue;
    EXPECT_NE(said.find("-dev, build flame-session again, and link"), said.npos) << said;
    EXPECT_EQ(said.find("canary"), said.npos) << said;
  }
}

TEST(OpenStore, OpensFiles) {
  const auto parent = std::filesystem::temp_directory_path() / "flame-open-store-test";
  std::filesystem::remove_all(parent);
  std::filesystem::create_directory(parent);
  for (const auto* rest :
       {"", "?", "?durability=none", "?durability=process_crash", "?durability=power_cut"}) {
    for (const auto* scheme : {"file:", "file://"}) {
      const auto url = scheme + (parent / "sessions").string() + rest;
      EXPECT_EQ(error_of_url(url), "") << url;
      EXPECT_TRUE(std::filesystem::is_directory(parent / "sessions")) << url;
      std::filesystem::remove_all(parent / "sessions");
    }
  }
  std::filesystem::remove_all(parent);
}

TEST(OpenStore, NamesWhatIsWrongWithFiles) {
  for (const auto* url : {"file:", "file:/", "file:///", "file:canary", "file:canary/x",
                          "file://canary/x", "file:?durability=none"}) {
    EXPECT_EQ(error_of_url(url),
              "store URL `file:`: it needs an absolute path: write file:/var/lib/NAME/sessions")
        << url;
  }
  EXPECT_EQ(error_of_url("file:/canary?durability=canary"),
            "store URL `file:`: `durability` must be one of none, process_crash, power_cut");
  EXPECT_EQ(error_of_url("file:/canary?canary=1"),
            "store URL `file:`: unknown parameter `canary`: it takes durability");
  EXPECT_EQ(error_of_url("file:/dev/null"),
            "file store: root_dir `/dev/null` is not a folder: give a folder");
}

bool has_sqlite() { return error_of_url("sqlite:").find("this build has no") == std::string::npos; }

TEST(OpenStore, OpensSqlite) {
  if (!has_sqlite()) GTEST_SKIP() << "not built";
  const auto parent = std::filesystem::temp_directory_path() / "flame-open-store-sqlite-test";
  std::filesystem::remove_all(parent);
  std::filesystem::create_directory(parent);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(parent);
  const auto path = (parent / "x.db").string();
  for (const auto& url :
       {"sqlite:" + path + "?init_table=true", "sqlite://" + path + "?init_table=true",
        std::string("sqlite:x.db?init_table=true"),
        "sqlite:" + path + "?table=cache&init_table=true&durability=power_cut",
        "sqlite:" + path + "?durability=none", "sqlite:" + path + "?table=cache"}) {
    EXPECT_EQ(error_of_url(url), "") << url;
    EXPECT_TRUE(std::filesystem::is_regular_file(path)) << url;
  }
  EXPECT_NE(error_of_url("sqlite:x.db?table=other").find("the table \"other\" is missing"),
            std::string::npos);
  std::filesystem::current_path(before);
  std::filesystem::remove_all(parent);
}

TEST(OpenStore, NamesWhatIsWrongWithSqlite) {
  if (!has_sqlite()) GTEST_SKIP() << "not built";
  for (const auto* url :
       {"sqlite:", "sqlite:/", "sqlite:///", "sqlite://canary/x", "sqlite:?table=x"})
    EXPECT_EQ(error_of_url(url),
              "store URL `sqlite:`: it needs a path: write sqlite:/var/lib/NAME/sessions.db");
  EXPECT_EQ(error_of_url("sqlite:/canary?durability=canary"),
            "store URL `sqlite:`: `durability` must be one of none, process_crash, power_cut");
  EXPECT_EQ(error_of_url("sqlite:/canary?init_table=canary"),
            "store URL `sqlite:`: `init_table` must be one of true, false");
  EXPECT_EQ(
      error_of_url("sqlite:/canary?canary=1"),
      "store URL `sqlite:`: unknown parameter `canary`: it takes table, init_table, durability");
}

TEST(OpenStore, RefusesConnectionsToAWrongUrl) {
  EXPECT_NE(error_of_url("nosuch:"), "");
  EXPECT_NE(error_of_url("memory:?max_sessions=x"), "");
}

TEST(OpenStore, TakesWholeNumbersOnly) {
  for (const auto* number :
       {"", "x", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "99999999999999999999999"}) {
    EXPECT_EQ(error_of_url(std::string("memory:?max_bytes=") + number),
              "store URL `memory:`: `max_bytes` must be a whole number, as in max_bytes=100000")
        << number;
  }
}

}  // namespace
}  // namespace flame::session
