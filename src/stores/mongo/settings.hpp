#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flame/session/mongo.hpp>

#include "commands.hpp"

namespace flame::inline v0::session::mongo {

/// What the options say, checked as far as that goes without a server.
struct Settings {
  std::string uri{};  ///< for the driver: without our parameters, and those that have no use here
  std::string database{}, collection{};
  bool init_collection = false;
  bool tls = false, srv = false;
  std::string ca_file{}, certificate_file{}, certificate_password{};
  std::size_t hosts = 1;
  Concerns concerns{};
  std::vector<std::string> warnings{};
  ConnectionOptions connections{};
};

/// Throws StoreError refused, whose text holds nothing of the URI but names of parameters: a
/// password can stand anywhere in one that is wrong.
[[nodiscard]] Settings read_settings(MongoOptions options);

}  // namespace flame::inline v0::session::mongo
