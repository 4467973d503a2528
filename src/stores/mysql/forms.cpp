#include "forms.hpp"

namespace flame::inline v0::session::mysql {
namespace {

std::string repeated(std::size_t n, const char* what, const char* between) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all.append(i == 0 ? "" : between).append(what);
  return all;
}

/// Each record's own value. What type parameters in a CASE have is the server's guess, and numbers
/// that it takes for texts are compared as doubles: hence the cast.
std::string own(std::size_t n, const char* cast = nullptr) {
  if (n == 1) return "?";
  const auto each = "CASE session_key" + repeated(n, " WHEN ? THEN ?", "") + " END";
  return cast ? "CAST(" + each + " AS " + cast + ")" : each;
}

std::string keys(std::size_t n) {
  return n == 1 ? "session_key = ?" : "session_key IN (" + repeated(n, "?", ", ") + ")";
}

/// Neither ever shortens, but where a wrong clock wrote last_seen (store.hpp). The old last_seen
/// counts for both: assignments are made from left to right.
std::string times(std::size_t n) {
  const auto later = [&](const std::string& column) {
    return column + " = GREATEST(" + own(n, "SIGNED") + ", IF(last_seen > ?, 0, " + column + "))";
  };
  return later("expires_at") + ", " + later("last_seen");
}

constexpr auto columns = "session_key, token, created_at, last_seen, expires_at, owner, content";

std::string create_over(const std::string& table) {
  std::string updates;
  for (const auto* column :
       {"token", "created_at", "last_seen", "owner", "content", "expires_at"})  // the last one last
    updates.append(updates.empty() ? "" : ", ")
        .append(column)
        .append(" = IF(expires_at <= ?, VALUES(")
        .append(column)
        .append("), ")
        .append(column)
        .append(")");
  return "INSERT INTO " + table + " (" + columns + ") VALUES (" + repeated(7, "?", ", ") +
         ") ON DUPLICATE KEY UPDATE " + updates;
}

/// That of many tables is the one that takes the name of an index. Small tables would be scanned as
/// a whole, and wait for rows that others have locked.
std::string remove(const std::string& table) {
  return "DELETE s FROM " + table + " AS s FORCE INDEX (PRIMARY) WHERE ";
}

}  // namespace

std::string quoted(const TableName& name) {
  return name.schema.empty() ? "`" + name.table + "`"
                             : "`" + name.schema + "`.`" + name.table + "`";
}

std::string sql(Form form, std::size_t n, const TableName& name) {
  const auto table = quoted(name);
  switch (form) {
    case Form::load:
      return std::string("SELECT ") + columns + " FROM " + table + " WHERE " + keys(n);
    case Form::look:
      return "SELECT session_key, token, created_at, last_seen, expires_at FROM " + table +
             " WHERE " + keys(n);
    // A key that is taken undoes the whole statement, by an error that it makes; a row that was
    // only put there to fill the form, which its token shows, does not. The number of rows alone
    // would not tell whose key it was.
    case Form::create:
      return "INSERT INTO " + table + " (" + columns + ") VALUES " +
             repeated(n, "(?, ?, ?, ?, ?, ?, ?)", ", ") +
             " ON DUPLICATE KEY UPDATE token = IF(VALUES(token) = 0, token, NULL)";
    case Form::create_over:
      return create_over(table);
    // By the primary key, whatever the optimizer thinks of another index: rows are locked in the
    // order of the keys then, and two batches never wait for each other.
    case Form::replace:
      return "UPDATE " + table + " FORCE INDEX (PRIMARY) SET token = " + own(n, "UNSIGNED") +
             ", created_at = " + own(n, "SIGNED") + ", owner = " + own(n) +
             ", content = " + own(n) + ", " + times(n) + " WHERE " + keys(n) +
             " AND expires_at > ? AND token = " + own(n, "UNSIGNED");
    case Form::touch:
      return "UPDATE " + table + " FORCE INDEX (PRIMARY) SET " + times(n) + " WHERE " + keys(n) +
             " AND expires_at > ?";
    case Form::erase:
      return remove(table) + keys(n);
    case Form::expired:
      return "SELECT session_key FROM " + table +
             " FORCE INDEX (expires_at) WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
    case Form::sweep:  // the sum keeps the index of expires_at out of it
      return remove(table) + keys(n) + " AND expires_at + 0 <= ?";
    case Form::list:
      return "SELECT session_key, token, created_at, last_seen, expires_at FROM " + table +
             " FORCE INDEX (owner) WHERE owner = ? AND session_key >= ? AND expires_at > ?"
             " ORDER BY session_key LIMIT ?";
    case Form::scan:
      return "SELECT session_key FROM " + table +
             " FORCE INDEX (PRIMARY) WHERE session_key >= ? ORDER BY session_key LIMIT ?";
  }
  return {};
}

}  // namespace flame::inline v0::session::mysql
