#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value.hpp"

struct redisReader;

namespace flame::inline v0::session::redis {

struct Reply {
  enum class Type : std::uint8_t { nil, text, status, error, integer, array };
  Type type = Type::nil;
  long long integer = 0;
  std::string text{};  ///< of text, status and error
  std::vector<Reply> elements{};
};

/// Cuts what a server sends into replies, bounded in size, number and depth.
class ReplyReader {
 public:
  static constexpr std::size_t most_bytes = max_record + max_owner + 4096;  // of one text
  static constexpr std::size_t most_elements = std::size_t{1} << 20;        // of one array

  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view bytes);
  /// The next one, until the call after it; null: it is not whole yet. Throws StoreError
  /// connection_lost where there is no telling what comes next.
  [[nodiscard]] Reply* next();
  /// Whether nothing was fed that next() did not give.
  [[nodiscard]] bool is_empty() const noexcept;

 private:
  struct Free {
    void operator()(redisReader* reader) const noexcept;
  };
  std::unique_ptr<redisReader, Free> reader_;
  Reply root_{};
};

}  // namespace flame::inline v0::session::redis
