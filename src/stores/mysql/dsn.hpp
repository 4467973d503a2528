#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::mysql {

/// What a DSN says. Exactly one of host and socket is there.
struct Dsn {
  std::string user{};
  std::optional<std::string> password{};
  std::string host{};
  std::uint16_t port = 3306;
  std::string socket{};
  std::string database{};  ///< may be empty
  bool tls = false;
  std::string ca{};  ///< a file; empty: the system's
  std::optional<std::string> table{};
  bool init_table = false;
  std::filesystem::path option_file{}, password_file{};
  std::vector<std::string> unused{};  ///< parameters that other drivers know
};

/// Both forms. Throws StoreError refused, with a text that holds nothing of the DSN but names of
/// parameters.
[[nodiscard]] Dsn parse_dsn(std::string_view text);

}  // namespace flame::inline v0::session::mysql
