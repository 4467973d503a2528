#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::command {

enum class Action : std::uint8_t { help, version, list, end, end_all, sweep, copy, check };

/// The command line, as it was typed.
struct Arguments {
  Action action = Action::help;
  std::optional<Action> about{};  ///< help: of this one alone
  std::string url{}, to{};
  std::string owner{};
  SessionKey key{};
  std::string application{};
  std::optional<SessionKey> except{};
  bool json = false, yes = false, everyone = false, resume = false;
};

/// Throws Failure with ExitStatus::usage, whose text repeats nothing that may be a password.
[[nodiscard]] Arguments read_arguments(std::span<const char* const> words);

}  // namespace flame::inline v0::session::command
