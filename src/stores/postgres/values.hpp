#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::postgres {

/// What the `$1`, `$2`, … of a statement stand for, in the binary format. Refers to the bytes it is
/// given until it is sent.
class Parameters {
 public:
  static constexpr std::size_t most = 9;

  Parameters& operator<<(std::string_view bytes) noexcept;
  Parameters& operator<<(const SessionKey& key) noexcept;
  Parameters& operator<<(std::int64_t number) noexcept;
  Parameters& operator<<(WriteToken token) noexcept;
  Parameters& operator<<(TimePoint time) noexcept;

  [[nodiscard]] int count() const noexcept { return count_; }
  [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
  [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
  [[nodiscard]] const int* formats() const noexcept;

 private:
  int count_ = 0;
  std::array<const char*, most> values_{};
  std::array<int, most> lengths_{};
  std::array<std::array<char, 8>, most> numbers_{};
};

/// Of type bytea[]: the keys of operations. Valid until the next one is written there.
[[nodiscard]] std::string_view array_of_keys(std::span<StoreOp* const> ops, std::string& out);
[[nodiscard]] SessionKey key_of(std::string_view bytes) noexcept;
/// Of type tid.
[[nodiscard]] std::string tuple_id(std::uint32_t block, std::uint16_t item);

/// One result of the server. Columns are read in the binary format; whatever has another size than
/// asked for reads as 0.
class Result {
 public:
  explicit Result(PGresult* result = nullptr) noexcept : result_(result) {}
  explicit operator bool() const noexcept { return result_ != nullptr; }

  [[nodiscard]] ExecStatusType status() const noexcept { return PQresultStatus(result_.get()); }
  [[nodiscard]] bool failed() const noexcept;
  [[nodiscard]] std::string_view sqlstate() const noexcept;
  [[nodiscard]] bool is_fatal() const noexcept;
  [[nodiscard]] std::int64_t affected() const noexcept;

  [[nodiscard]] int rows() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] std::string_view bytes(int row, int column) const noexcept;
  [[nodiscard]] std::int64_t number(int row, int column) const noexcept;
  [[nodiscard]] TimePoint time(int row, int column) const noexcept;
  [[nodiscard]] bool flag(int row, int column) const noexcept;

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

}  // namespace flame::inline v0::session::postgres
