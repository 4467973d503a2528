#include "statement.hpp"

#include <algorithm>
#include <new>

namespace flame::inline v0::session::mysql {
namespace {

enum Column : std::size_t { key, token, created_at, last_seen, expires_at, owner, content };

void receive(MYSQL_BIND& column, enum_field_types type, void* into, std::size_t size) noexcept {
  column.buffer_type = type;
  column.buffer = into;
  column.buffer_length = size;
  column.length = &column.length_value;
}

TimePoint time_of(std::int64_t milliseconds) noexcept {
  return TimePoint{std::chrono::milliseconds{milliseconds}};
}

}  // namespace

Statement::Statement(Wire& wire, const std::string& sql)
    : wire_(wire), statement_(mysql_stmt_init(wire.handle())) {
  if (!statement_) throw std::bad_alloc();
  check(mysql_stmt_prepare(statement_.get(), sql.data(), sql.size()));
  values_.resize(mysql_stmt_param_count(statement_.get()));
  numbers_.resize(values_.size());
  column_count_ = mysql_stmt_field_count(statement_.get());
  if (column_count_ > 0) bind_results();
}

void Statement::check(int status) {
  if (status == 0) return;
  const auto error = mysql_stmt_errno(statement_.get());
  wire_.fail(error != 0 ? error : mysql_errno(wire_.handle()));
}

void Statement::bind_bytes(const void* data, std::size_t size) noexcept {
  auto& value = values_[next_++];
  value.buffer_type = MYSQL_TYPE_BLOB;
  value.buffer = const_cast<void*>(data ? data : "");  // null would be NULL
  value.buffer_length = size;
  value.length = &value.buffer_length;
}

void Statement::bind_number(std::uint64_t number, bool is_unsigned) noexcept {
  auto& value = values_[next_];
  numbers_[next_] = number;
  value.buffer_type = MYSQL_TYPE_LONGLONG;
  value.buffer = &numbers_[next_++];
  value.is_unsigned = is_unsigned;
}

std::uint64_t Statement::execute() {
  next_ = 0;
  auto* const statement = statement_.get();
  if (!values_.empty()) check(mysql_stmt_bind_param(statement, values_.data()));
  check(mysql_stmt_execute(statement));
  return column_count_ > 0 ? 0 : mysql_stmt_affected_rows(statement);
}

void Statement::bind_results() {
  receive(columns_[key], MYSQL_TYPE_BLOB, key_.bytes.data(), key_.bytes.size());
  receive(columns_[token], MYSQL_TYPE_LONGLONG, &token_, sizeof token_);
  columns_[token].is_unsigned = true;
  for (const auto column : {created_at, last_seen, expires_at})
    receive(columns_[column], MYSQL_TYPE_LONGLONG, &times_[column - created_at], sizeof times_[0]);
  receive(columns_[owner], MYSQL_TYPE_BLOB, owner_.data(), owner_.size());
  receive(columns_[content], MYSQL_TYPE_BLOB, nullptr, 0);  // content_into() fetches it
  check(mysql_stmt_bind_result(statement_.get(), columns_.data()));
}

bool Statement::fetch(Record& record) {
  const int status = mysql_stmt_fetch(statement_.get());
  if (status == MYSQL_NO_DATA) return false;
  if (status != MYSQL_DATA_TRUNCATED) check(status);
  record.key = key_;
  if (column_count_ == 1) return true;
  record.token = WriteToken{token_};
  record.created_at = time_of(times_[0]);
  record.last_seen = time_of(times_[1]);
  record.expires_at = time_of(times_[2]);
  if (column_count_ > owner)
    record.owner.assign(owner_.data(),
                        std::min<std::size_t>(columns_[owner].length_value, owner_.size()));
  return true;
}

void Statement::content_into(std::string& bytes) {
  bytes.resize(columns_[content].length_value);
  if (bytes.empty()) return;
  MYSQL_BIND whole{};
  receive(whole, MYSQL_TYPE_BLOB, bytes.data(), bytes.size());
  check(mysql_stmt_fetch_column(statement_.get(), &whole, content, 0));
}

}  // namespace flame::inline v0::session::mysql
