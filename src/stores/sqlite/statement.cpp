#include "statement.hpp"

namespace flame::inline v0::session::sqlite {

std::string_view Statement::Rows::bytes(int column) const {
  auto* const statement = statement_.statement_;
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const int size = sqlite3_column_bytes(statement, column);
  if (!data && size > 0) throw SqliteError(SQLITE_NOMEM);
  return data ? std::string_view(data, static_cast<std::size_t>(size)) : std::string_view();
}

void Statement::prepare() {
  database_.check_interrupted();
  if (statement_) return;
  check(sqlite3_prepare_v3(database_.handle(), sql_.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                           &statement_, nullptr));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  check(code);
  return code == SQLITE_ROW;
}

}  // namespace flame::inline v0::session::sqlite
