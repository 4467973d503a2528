#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <list>
#include <stdexcept>
#include <string>

#include <flame/session/sqlite.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "store_calls.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Kind = StoreError::Kind;

/// A connection of somebody else's to a database.
class Other {
 public:
  explicit Other(const fs::path& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("not opened");
  }
  ~Other() { sqlite3_close(handle_); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

  /// The first column of the first row.
  std::string run(const std::string& sql) {
    std::string first;
    bool any = false;
    char* error = nullptr;
    struct Out {
      std::string& text;
      bool& any;
    } out{first, any};
    const auto row = [](void* to, int count, char** values, char**) {
      auto& [text, had] = *static_cast<Out*>(to);
      if (!had && count > 0 && values[0]) text = values[0];
      had = true;
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), row, &out, &error) != SQLITE_OK) {
      const std::string text = error;
      sqlite3_free(error);
      throw std::runtime_error(text);
    }
    return first;
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// A store with a database of its own, and one connection.
class SqliteTest : public ::testing::Test {
 protected:
  static constexpr TimePoint start{1'800'000'000s};

  [[nodiscard]] fs::path path() const { return folder_.path() / "sessions.db"; }
  [[nodiscard]] fs::path beside(const char* end) const { return path().string() + end; }
  [[nodiscard]] sqlite::SqliteOptions options() const {
    return {.path = path(), .init_table = true};
  }
  void open() { open(options()); }
  void open(sqlite::SqliteOptions with) {
    connection_.reset();
    store_ = sqlite::store(std::move(with));
    connection_ = open_connection(*store_, at(0s));
  }
  /// What start says.
  [[nodiscard]] Thrown refusal(sqlite::SqliteOptions with) const {
    return thrown_by(
        [&] { static_cast<void>(open_connection(*sqlite::store(std::move(with)), at(0s))); });
  }

  static Call at(std::chrono::milliseconds time) {
    return {start + time, std::chrono::steady_clock::now() + 10s};
  }
  static SessionKey key(std::uint64_t number) {
    SessionKey key;
    EXPECT_TRUE(test_support::SeededRandom(number).fill(key.bytes));
    return key;
  }
  static Record record(std::uint64_t number, std::string owner = {}) {
    return {key(number),   WriteToken{number + 1},          std::move(owner), start, start,
            start + 1000s, "blob " + std::to_string(number)};
  }
  StoreOp apply(Verb verb, const Record& r, std::chrono::milliseconds time = 0s,
                WriteToken expected = {}) {
    StoreOp op{verb, r, expected, {}};
    connection_->run({&op, 1}, at(time));
    return op;
  }
  Outcome create(std::uint64_t number, std::string owner = {}) {
    return apply(Verb::create, record(number, std::move(owner))).outcome;
  }
  Outcome load(std::uint64_t number) { return apply(Verb::load, {.key = key(number)}).outcome; }

  test_support::TemporaryFolder folder_;
  StorePtr store_;
  std::unique_ptr<StoreConnection> connection_;
};

}  // namespace flame::session::tests
