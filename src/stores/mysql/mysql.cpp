#include <utility>

#include <flame/session/mysql.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::mysql {
namespace {

void read(const MysqlOptions& options, Config& config) {
  check(options.connections);
  config.dsn = parse_dsn(options.dsn);
  config.table = parse_table_name("mysql: table", config.dsn.table.value_or(options.table));
  config.init_table = options.init_table || config.dsn.init_table;
  auto& connections = config.connections;
  if (config.dsn.password_file.empty()) return;
  if (connections.password || !connections.password_file.empty())
    throw StoreError(
        StoreError::Kind::refused,
        "mysql: connections and the DSN both say where the password is: leave one out");
  connections.password_file = config.dsn.password_file;
}

std::shared_ptr<const Config> config_of(const MysqlOptions& options) {
  auto config = std::make_shared<Config>();
  config->connections = options.connections;
  try {
    read(options, *config);
  } catch (const StoreError& error) {
    config->wrong = error;
  }
  return config;
}

}  // namespace

StorePtr store(MysqlOptions options) {
  auto config = config_of(options);
  auto traits = traits_of(config->connections);
  traits.max_record = max_record;
  return make_store(traits,
                    [config = std::move(config)] { return std::make_unique<Connection>(config); });
}

}  // namespace flame::inline v0::session::mysql
