#pragma once

#include <map>
#include <string>
#include <vector>

namespace flame::inline v0::session::mysql {

/// The server's variables that matter here, as it tells them: those that it does not have are
/// absent.
class Settings {
 public:
  Settings() = default;
  explicit Settings(std::map<std::string, std::string> values) : values_(std::move(values)) {}

  /// Whether it is there, and on.
  [[nodiscard]] bool is_on(const std::string& name) const;
  [[nodiscard]] const std::string& operator[](const std::string& name) const;
  /// The bytes of one packet; what every server takes where it does not tell.
  [[nodiscard]] std::size_t max_packet() const noexcept;

 private:
  std::map<std::string, std::string> values_;
};

/// What keeps a server's global limits from cutting answers short: before any query.
[[nodiscard]] std::string limits_setup();
/// The query whose rows are names and values.
[[nodiscard]] std::string settings_query();
/// What makes a session of the server's as the store needs it.
[[nodiscard]] std::string session_setup(const Settings& settings);
/// What breaks the promises of the README, a line each.
[[nodiscard]] std::vector<std::string> warnings_of(const Settings& settings,
                                                   std::size_t max_record);

}  // namespace flame::inline v0::session::mysql
