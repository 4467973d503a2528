#pragma once

#include <mongoc/mongoc.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mongo {

/// What an error of the server means for the command, or the one statement of it, that got it.
enum class Meaning : std::uint8_t {
  away,         ///< it is no primary (any more): nothing was applied by a command that it refused
  interrupted,  ///< perhaps some of it was applied
  later,        ///< not applied; come again
  refused,      ///< not applied; the operator must mend it, or it is this record's fault
  full,         ///< the same, for want of space
  lost,         ///< another connection is needed
  exists,       ///< the key is taken
};

struct Verdict {
  Meaning meaning{};
  std::string_view text{};  ///< what is wrong, and what helps
};

/// The one place that knows the server's codes.
[[nodiscard]] Verdict judge(std::int64_t code) noexcept;

/// What stops a command: its verdict, and the code for the text.
struct Failure {
  Verdict verdict{};
  std::int64_t code = 0;  ///< 0: the server said nothing
};
[[nodiscard]] StoreError error_of(const Failure& failure);

/// Of a command that got no `ok`: what the reply says, or the driver where there is none.
[[nodiscard]] Failure failure_of(const bson_t& reply, const bson_error_t& error) noexcept;
/// Why there is no server to talk to. Words of the driver are not told: they may hold parts of a
/// URI. `broken`: the network failed, whatever the driver makes of it.
[[nodiscard]] StoreError connect_error(const bson_error_t& error, bool broken,
                                       const std::string& problem);

/// What it means for a command of so many statements of a verb, and for one statement of its own.
[[nodiscard]] Meaning meaning_for(Verb verb, std::size_t statements, Meaning meaning) noexcept;
[[nodiscard]] Outcome outcome_of(Verb verb, std::int64_t code) noexcept;

/// Of a write concern that was not met.
[[nodiscard]] StoreError unconfirmed(std::int64_t code);

[[noreturn]] void lose(std::string_view text);
[[noreturn]] void refuse(const std::string& text);

}  // namespace flame::inline v0::session::mongo
