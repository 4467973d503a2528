#pragma once

#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::postgres {

/// What an error of the server means for what was sent as one.
enum class Meaning : std::uint8_t {
  later,           ///< surely not applied; come again
  refused,         ///< surely not applied; the operator must mend it, or it is this record's fault
  full,            ///< the same, for want of space
  away,            ///< surely not applied; another connection is needed
  lost,            ///< the connection is over
  unknown,         ///< applied or not
  statement_lost,  ///< surely not applied: a pooler gave us a session without our statement
  damaged,         ///< a row that the server cannot read
};

struct Verdict {
  Meaning meaning{};
  std::string_view text{};  ///< what is wrong, and what helps
};

/// By the SQLSTATE, empty where libpq itself made the error. `fatal`: the server ended the session.
[[nodiscard]] Verdict judge(std::string_view sqlstate, bool fatal) noexcept;

/// How a connect failed: libpq tells the SQLSTATE where the server said one, and words otherwise.
struct ConnectFailure {
  std::string_view message{};  ///< PQerrorMessage() at PQERRORS_SQLSTATE
  bool needs_password = false;
  bool wants_tls = false;  ///< by sslmode
  std::string address{};   ///< that was tried last
};
/// What to throw: refused, full, later, away or connection_lost. Words of the server or of libpq
/// are not in it: they may hold parts of a wrong DSN.
[[nodiscard]] StoreError connect_error(const ConnectFailure& failure);

/// Whether a server or pooler may have refused a connect for what `options` asked of it.
[[nodiscard]] bool may_be_for_options(std::string_view message) noexcept;

/// Whether a notice says that a commit is not where it should be: a standby did not confirm it.
[[nodiscard]] bool says_unconfirmed(std::string_view sqlstate,
                                    std::string_view source_file) noexcept;

/// Of a statement on `table`, where that is given.
[[nodiscard]] StoreError error_of(const Verdict& verdict, std::string_view sqlstate,
                                  std::string_view table = {});
[[noreturn]] void lose(std::string_view text);

}  // namespace flame::inline v0::session::postgres
