#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/postgres.hpp>
#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::postgres {

using Keywords = std::vector<std::pair<std::string, std::string>>;

/// What the options say, checked as far as that goes without a server.
struct Settings {
  Keywords keywords{};  ///< of libpq, as the DSN gives them
  TableName table{};
  bool init_table = false;
  ConnectionOptions connections{};

  [[nodiscard]] std::string find(std::string_view keyword) const;  ///< empty: not given
};

/// Throws StoreError refused, whose text holds nothing of the DSN: a password can stand anywhere in
/// one that is wrong.
[[nodiscard]] Settings read_settings(PostgresOptions options);

/// What the environment gives, PGSERVICE's file too.
[[nodiscard]] Keywords default_keywords();

/// A URL with our own parameters taken out, and these.
struct SplitUrl {
  std::string url{}, ours{};
};
[[nodiscard]] SplitUrl split_url(std::string_view dsn);

}  // namespace flame::inline v0::session::postgres
