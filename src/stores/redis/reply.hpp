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

/// Of the reply that is being cut, what it has so far.
struct Reading {
  Reply root{};
  std::size_t elements = 0, bytes = 0;
};

/// Cuts what a server sends into replies, bounded in size, number and depth.
class ReplyReader {
 public:
  static constexpr std::size_t most_bytes = max_record + max_owner + 4096;  // of one text
  static constexpr std::size_t most_elements = std::size_t{1} << 18;        // of one reply
  static constexpr std::size_t most_in_all = LaneTraits{}.max_batch * most_bytes;

  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// For another connection: what was fed before is forgotten.
  void clear();
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
  std::unique_ptr<redisReader, Free> reader_{};
  Reading reading_{};
};

}  // namespace flame::inline v0::session::redis
