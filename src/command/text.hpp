#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::command {

/// A label may hold anything: what would move a terminal's cursor, or turn its text round, is a
/// question mark, and so is what is not UTF-8.
[[nodiscard]] std::string printable(std::string_view text);
/// In quotes (RFC 8259); what is not UTF-8 is U+FFFD.
[[nodiscard]] std::string json(std::string_view text);
/// 2026-01-31T12:00:00Z
[[nodiscard]] std::string utc(TimePoint time);

/// Columns of text, with two spaces between them.
class Table {
 public:
  using Row = std::vector<std::string>;
  explicit Table(Row head = {}) {
    if (!head.empty()) rows_.push_back(std::move(head));
  }
  void add(Row row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Row> rows_{};
};

}  // namespace flame::inline v0::session::command
