#pragma once

#include <array>
#include <string>
#include <string_view>

#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::postgres {

/// What is asked of the server again and again.
enum class Ask : std::uint8_t {
  load,          ///< keys, now: key, token, owner, times, blob, of each that is there
  create,        ///< key, token, owner, times, blob, now
  replace,       ///< the same, expected
  touch,         ///< key, last_seen, expires_at, now
  erase,         ///< key: whether it went, or was not there
  relax,         ///< nothing: the transaction need not be flushed
  list,          ///< owner, from, now, limit: key, token, times
  scan,          ///< from, limit: key
  blocks,        ///< nothing: the table's size
  sweep,         ///< first, end, now, limit: how many went, the block and item of the last
  time,          ///< nothing: the server's clock
  takes_writes,  ///< nothing: whether it does
  meddler        ///< nothing: what of the table may undo a write unseen, and how to drop it; or ''
};
inline constexpr std::size_t number_of_asks = 13;

struct Statement {
  std::string text;
  std::string name;  ///< of its text alone: behind a pooler others prepare in the same session
};

/// The statements on one table.
class Statements {
 public:
  explicit Statements(const TableName& table);
  [[nodiscard]] const std::string& table() const noexcept { return table_; }  ///< quoted
  [[nodiscard]] const Statement& operator[](Ask ask) const noexcept {
    return all_[static_cast<std::size_t>(ask)];
  }

 private:
  std::string table_;
  std::array<Statement, number_of_asks> all_;
};

/// 16 digits. It need not withstand anybody.
[[nodiscard]] std::string hash_of(std::string_view text);
/// In quotes, with its schema.
[[nodiscard]] std::string quoted(const TableName& table);

}  // namespace flame::inline v0::session::postgres
