#include <algorithm>
#include <exception>
#include <fstream>
#include <utility>

#include <flame/session/connections.hpp>

#include "runner/library_thread.hpp"

namespace flame::inline v0::session {
namespace {

constexpr std::size_t most_connections = 64;
constexpr std::size_t longest_password = 4096;
constexpr std::size_t longest_name = 63;  // PostgreSQL's; others take more

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, text);
}

[[noreturn]] void no_password(const std::string& text) {
  throw StoreError(StoreError::Kind::connection_lost, text);
}

void check_number(std::size_t number, const char* option) {
  if (number >= 1 && number <= most_connections) return;
  refuse(std::string("connections.") + option + " must be from 1 to " +
         std::to_string(most_connections));
}

std::string read(const std::filesystem::path& file) {
  std::string text(longest_password, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad() || text.empty())
    no_password("the password file " + file.string() +
                " cannot be read, or is empty: let this user read it");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

class MadeStore final : public Store {
 public:
  MadeStore(StoreTraits traits, std::function<std::unique_ptr<StoreConnection>()> make)
      : traits_(traits), make_(std::move(make)) {}
  std::unique_ptr<StoreConnection> make_connection() override { return make_(); }
  [[nodiscard]] StoreTraits traits() const noexcept override { return traits_; }

 private:
  const StoreTraits traits_;
  const std::function<std::unique_ptr<StoreConnection>()> make_;
};

}  // namespace

StorePtr make_store(StoreTraits traits, std::function<std::unique_ptr<StoreConnection>()> make) {
  return std::make_shared<MadeStore>(traits, std::move(make));
}

void check(const ConnectionOptions& options) {
  check_number(options.readers, "readers");
  check_number(options.writers, "writers");
  if (options.idle_close < options.idle_close.zero() || options.max_age < options.max_age.zero())
    refuse("connections.idle_close and max_age must not be negative: 0 means never");
  const auto& name = options.application_name;
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  if (name.empty() || name.size() > longest_name || !printable)
    refuse("connections.application_name must be 1 to 63 printable ASCII characters, no spaces");
  if (options.password && !options.password_file.empty())
    refuse("connections.password and password_file are both set: set one of them");
}

StoreTraits traits_of(const ConnectionOptions& options) noexcept {
  StoreTraits traits;
  traits.reads.workers = std::clamp<std::size_t>(options.readers, 1, most_connections);
  traits.writes.workers = std::clamp<std::size_t>(options.writers, 1, most_connections);
  traits.idle_close = options.idle_close;
  traits.max_age = options.max_age;
  traits.ping_after = std::chrono::seconds(10);
  return traits;
}

std::string password_of(const ConnectionOptions& options, std::string otherwise) {
  if (!options.password_file.empty()) return read(options.password_file);
  if (!options.password) return otherwise;
  try {
    const InCallback in_callback;
    return options.password();
  } catch (...) {  // its text may hold a part of the password
    no_password("the function in connections.password threw");
  }
}

}  // namespace flame::inline v0::session
