#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace flame::inline v0::session::mysql {

/// Who signs in, as MySQL's own programs keep it.
struct Credentials {
  std::optional<std::string> user{}, password{};
};

/// Of the groups [client] and [client-server], the last ones. No includes.
[[nodiscard]] Credentials parse_option_file(std::string_view text);
/// Throws StoreError connection_lost where it cannot be read: it may come back.
[[nodiscard]] Credentials read_option_file(const std::filesystem::path& file);

}  // namespace flame::inline v0::session::mysql
