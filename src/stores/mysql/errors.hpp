#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mysql {

/// What an error of the server or the driver says of a statement.
enum class Verdict : std::uint8_t {
  later,    ///< surely not applied; the same may succeed
  refused,  ///< surely not applied; the operator must mend something
  full,     ///< the same, for want of space
  unknown,  ///< applied or not; the connection is good
  lost,     ///< applied or not; the connection is not
  away,     ///< surely not applied; another server may take it
};

enum class Phase : std::uint8_t { connecting, connected };

/// The one place that knows error numbers.
[[nodiscard]] Verdict judge(unsigned error, Phase phase) noexcept;
/// One line with the remedy. Nothing of the server's own text, which may hold values.
[[nodiscard]] std::string explain(unsigned error);

/// Ours, for MariaDB's 1290 where it does not say that the server is read-only, but that a session
/// has all the memory that it may have.
inline constexpr unsigned no_session_memory = 60'000;

/// Thrown where the driver reports an error.
class DriverError final : public std::exception {
 public:
  DriverError(unsigned error, Phase phase) noexcept : error_(error), phase_(phase) {}
  [[nodiscard]] const char* what() const noexcept override { return "an error of the driver"; }
  [[nodiscard]] unsigned error() const noexcept { return error_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] Verdict verdict() const noexcept { return judge(error_, phase_); }
  /// For a whole call. `remedy` goes before explain()'s where it is not empty.
  [[noreturn]] void tell(const std::string& remedy = {}) const;

 private:
  unsigned error_;
  Phase phase_;
};

}  // namespace flame::inline v0::session::mysql
