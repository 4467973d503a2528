#pragma once

#include <mysql.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/store.hpp>

#include "wire.hpp"

namespace flame::inline v0::session::mysql {

/// The columns that statements answer, in this order, as many as they ask for.
inline constexpr std::size_t all_columns = 7;
inline constexpr std::size_t max_owner = 320;

/// A prepared statement. Values are bound where they lie, in the order of the placeholders, and
/// must stay there until it is executed.
class Statement {
 public:
  /// Prepares it, within an Exchange.
  Statement(Wire& wire, const std::string& sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(const SessionKey& key) noexcept { bind_bytes(key.bytes.data(), key.bytes.size()); }
  void bind(std::string_view bytes) noexcept { bind_bytes(bytes.data(), bytes.size()); }
  void bind(TimePoint time) noexcept {
    bind_number(static_cast<std::uint64_t>(time.time_since_epoch().count()), false);
  }
  void bind(WriteToken token) noexcept { bind_number(static_cast<std::uint64_t>(token), true); }
  void bind(std::uint64_t number) noexcept { bind_number(number, true); }

  /// How many rows it changed. Further values are bound from the first on.
  std::uint64_t execute();
  /// After that, of what answers rows: false after the last one. It fills what it has columns for,
  /// but the content.
  [[nodiscard]] bool fetch(Record& record);
  /// Of the row that was fetched.
  void content_into(std::string& content);

 private:
  struct Close {
    void operator()(MYSQL_STMT* statement) const noexcept { mysql_stmt_close(statement); }
  };

  void bind_bytes(const void* data, std::size_t size) noexcept;
  void bind_number(std::uint64_t number, bool is_unsigned) noexcept;
  void bind_results();
  void check(int status);

  Wire& wire_;
  std::unique_ptr<MYSQL_STMT, Close> statement_;
  std::vector<MYSQL_BIND> values_;
  std::vector<std::uint64_t> numbers_;
  std::size_t next_ = 0;

  std::array<MYSQL_BIND, all_columns> columns_{};
  std::size_t column_count_ = 0;
  SessionKey key_{};
  std::uint64_t token_ = 0;
  std::array<std::int64_t, 3> times_{};
  std::array<char, max_owner> owner_{};
};

}  // namespace flame::inline v0::session::mysql
