#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <list>
#include <stdexcept>
#include <string>

#include <flame/session/sqlite.hpp>

#include "one_connection.hpp"
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
class SqliteTest : public ::testing::Test, protected OneConnection {
 protected:
  ~SqliteTest() override { connection_.reset(); }  // before its folder goes
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

  test_support::TemporaryFolder folder_;
};

}  // namespace flame::session::tests
