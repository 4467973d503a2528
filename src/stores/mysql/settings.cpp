#include "settings.hpp"

#include <charconv>

namespace flame::inline v0::session::mysql {
namespace {

constexpr std::size_t smallest_packet = std::size_t{1} << 20;
constexpr std::size_t beside_record = std::size_t{64} << 10;  // of a statement

}  // namespace

bool Settings::is_on(const std::string& name) const {
  const auto& value = (*this)[name];
  return value == "ON" || value == "1";
}

const std::string& Settings::operator[](const std::string& name) const {
  static const std::string none;
  const auto at = values_.find(name);
  return at == values_.end() ? none : at->second;
}

std::size_t Settings::max_packet() const noexcept {
  std::size_t bytes = smallest_packet;
  const auto at = values_.find("max_allowed_packet");
  if (at == values_.end()) return bytes;
  const auto& text = at->second;
  static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), bytes));
  return bytes;
}

std::string settings_query() {
  return "SHOW VARIABLES WHERE Variable_name IN ('binlog_format', 'innodb_flush_log_at_trx_commit',"
         " 'log_bin', 'max_allowed_packet', 'max_execution_time', 'max_statement_time', "
         "'read_only',"
         " 'innodb_read_only', 'sync_binlog', 'transaction_isolation', 'wsrep_on')";
}

std::string limits_setup() {
  return "SET SESSION sql_select_limit = 18446744073709551615, SESSION sql_big_selects = 1,"
         " SESSION sql_safe_updates = 0";
}

std::string session_setup(const Settings& settings) {
  // MariaDB 10 calls it tx_isolation.
  const bool has_new_name = !settings["transaction_isolation"].empty();
  std::string text = "SET SESSION ";
  text += has_new_name ? "transaction_isolation" : "tx_isolation";
  text +=
      " = 'READ-COMMITTED', SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = 1,"
      " SESSION lock_wait_timeout = 1,"
      " SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";
  // Each call has a deadline: MySQL's limit, and MariaDB's.
  for (const auto* name : {"max_execution_time", "max_statement_time"})
    if (!settings[name].empty()) text.append(", SESSION ").append(name).append(" = 0");
  if (settings.is_on("wsrep_on")) text += ", SESSION wsrep_sync_wait = 1";
  return text;
}

std::vector<std::string> warnings_of(const Settings& settings, std::size_t max_record) {
  std::vector<std::string> all;
  const auto warn = [&](const std::string& text) { all.push_back("mysql: " + text); };
  const auto& flush = settings["innodb_flush_log_at_trx_commit"];
  if (flush == "0" || flush == "2")  // 3 is MariaDB's, and more than 1
    warn("innodb_flush_log_at_trx_commit is " + flush +
         ": a power cut may lose sessions that were saved: set it to 1");
  const bool logs = settings.is_on("log_bin");
  if (logs && settings["sync_binlog"] != "1")
    warn("sync_binlog is " + settings["sync_binlog"] +
         ": a power cut may lose from replicas what the server has: set it to 1");
  if (logs && settings["binlog_format"] == "STATEMENT")
    warn("binlog_format is STATEMENT: the server refuses to save sessions: set it to ROW");
  if (settings.max_packet() < max_record + beside_record)
    warn("max_allowed_packet is " + std::to_string(settings.max_packet()) +
         ": larger sessions are refused: set it to 16M");
  return all;
}

}  // namespace flame::inline v0::session::mysql
