#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// The connections of one process to a store's server. Setting one option resets no other; the
/// store checks them as it connects.
struct ConnectionOptions {
  std::size_t readers = 2;  ///< connections that load, 1 to 64
  std::size_t writers = 2;  ///< that create, replace and erase, 1 to 64; one more does the rest
  std::chrono::seconds idle_close{300};  ///< one that was not used for so long is closed; 0: never
  std::chrono::seconds max_age{3600};    ///< none is used for longer; 0: for ever
  /// What the server's list of connections shows: printable ASCII without spaces, at most 63 bytes.
  std::string application_name = "flame-session";
  /// Where the password comes from, at each connect, instead of the URL: so that one that was
  /// changed is seen. At most one of the two. The function is called on threads of the library, by
  /// several at once; what it throws fails that connect. A file's last line end is left out.
  std::function<std::string()> password{};
  std::filesystem::path password_file{};
};

/// For store authors. Throws StoreError refused where the options are out of bounds.
void check(const ConnectionOptions& options);
/// Traits with the options' connections in them.
[[nodiscard]] StoreTraits traits_of(const ConnectionOptions& options) noexcept;
/// A store of these traits; `make` is called on any thread.
[[nodiscard]] StorePtr make_store(StoreTraits traits,
                                  std::function<std::unique_ptr<StoreConnection>()> make);
/// `otherwise` where the options name no source. Throws StoreError connection_lost where the source
/// fails: it may come back.
[[nodiscard]] std::string password_of(const ConnectionOptions& options, std::string otherwise);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
