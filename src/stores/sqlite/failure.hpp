#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::sqlite {

enum class Phase : std::uint8_t { connecting, working, committing };

/// What a result code says of the transaction that it ended.
enum class Verdict : std::uint8_t {
  later,    ///< surely not applied; the same may succeed
  refused,  ///< surely not applied; the operator must mend something
  away,     ///< surely not applied; a new connection may do it
  lost,     ///< nobody knows, or there is no connection
};

/// Thrown where SQLite answers one: extended, with what the system said, or 0.
class SqliteError final : public std::exception {
 public:
  explicit SqliteError(int code, int system = 0, Phase phase = Phase::working) noexcept
      : code_(code), system_(system), phase_(phase) {}
  [[nodiscard]] const char* what() const noexcept override { return "an error of SQLite"; }
  [[nodiscard]] int code() const noexcept { return code_; }
  [[nodiscard]] SqliteError in(Phase phase) const noexcept {
    return SqliteError(code_, system_, phase);
  }
  [[nodiscard]] Verdict verdict() const noexcept;
  /// For a whole call.
  [[noreturn]] void tell() const;

 private:
  int code_, system_;
  Phase phase_;
};

/// Throws StoreError; the text gets the store's name before it.
[[noreturn]] void fail(StoreError::Kind kind, std::string_view text);
/// What the system says of an errno, and what to do about it.
[[nodiscard]] std::string explain(int error);

}  // namespace flame::inline v0::session::sqlite
