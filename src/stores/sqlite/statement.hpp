#pragma once

#include <bit>
#include <span>
#include <utility>

#include "database.hpp"

namespace flame::inline v0::session::sqlite {

/// A prepared statement. `for (auto rows = select(key, now); rows.next();) …`: bound values are
/// only referred to until the rows are gone.
class Statement {
 public:
  Statement(Database& database, std::string sql) : database_(database), sql_(std::move(sql)) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// The next row of those that a statement answers; columns count from 0.
  class Rows {
   public:
    explicit Rows(Statement& statement) noexcept : statement_(statement) {}
    ~Rows() { sqlite3_reset(statement_.statement_); }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    [[nodiscard]] bool next() { return statement_.step(); }

    [[nodiscard]] std::int64_t number(int column) const noexcept {
      return sqlite3_column_int64(statement_.statement_, column);
    }
    [[nodiscard]] std::string_view bytes(int column) const;
    [[nodiscard]] TimePoint time(int column) const noexcept {
      return TimePoint{std::chrono::milliseconds(number(column))};
    }
    [[nodiscard]] WriteToken token(int column) const noexcept {
      return WriteToken{std::bit_cast<std::uint64_t>(number(column))};
    }

   private:
    Statement& statement_;
  };

  template <class... Values>
  [[nodiscard]] Rows operator()(const Values&... values) {
    prepare();
    int at = 0;
    (bind(++at, values), ...);
    return Rows(*this);
  }
  /// One that answers no rows: how many it changed.
  template <class... Values>
  int run(const Values&... values) {
    auto rows = (*this)(values...);
    while (rows.next()) continue;
    return sqlite3_changes(database_.handle());
  }
  void prepare();

 private:
  bool step();
  void bind(int at, std::int64_t value) { check(sqlite3_bind_int64(statement_, at, value)); }
  void bind(int at, TimePoint time) { bind(at, std::int64_t{time.time_since_epoch().count()}); }
  void bind(int at, WriteToken token) {
    bind(at, std::bit_cast<std::int64_t>(static_cast<std::uint64_t>(token)));
  }
  void bind(int at, const SessionKey& key) {
    check(sqlite3_bind_blob(statement_, at, key.bytes.data(), sizeof key.bytes, SQLITE_STATIC));
  }
  /// As a blob: what is compared with one must be one.
  void bind(int at, std::string_view bytes) {
    check(sqlite3_bind_blob64(statement_, at, bytes.empty() ? "" : bytes.data(), bytes.size(),
                              SQLITE_STATIC));
  }
  void bind(int at, const std::string& bytes) { bind(at, std::string_view(bytes)); }
  void bind(int at, const char* text) {
    check(sqlite3_bind_text(statement_, at, text, -1, SQLITE_STATIC));
  }
  void check(int code) const { database_.check(code); }

  Database& database_;
  const std::string sql_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace flame::inline v0::session::sqlite
