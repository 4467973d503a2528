#pragma once

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>

#include "value.hpp"

namespace flame::inline v0::session::redis {

/// Commands on their way to one server, as the protocol has them (RESP). hiredis' formatter would
/// allocate and copy each of them once more.
class Pipeline {
 public:
  /// A command of so many arguments, its name among them. They follow.
  void begin(std::size_t arguments) {
    ++commands_;
    head('*', arguments);
  }
  void add_command(std::initializer_list<std::string_view> arguments) {
    begin(arguments.size());
    for (const auto argument : arguments) add(argument);
  }
  Pipeline& add(std::string_view argument) {
    head('$', argument.size());
    bytes_.append(argument).append("\r\n");
    return *this;
  }
  Pipeline& add(std::int64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return add(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  Pipeline& add(TimePoint time) {
    TimeDigits digits;
    write_time(time, digits);
    return add(std::string_view(digits, sizeof digits));
  }
  Pipeline& add(WriteToken token) {
    TokenBytes bytes;
    write_token(token, bytes);
    return add(std::string_view(bytes, sizeof bytes));
  }
  Pipeline& add(const Record& record) {
    head('$', value_size(record));
    append_value(record, bytes_);
    bytes_.append("\r\n");
    return *this;
  }

  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t commands() const noexcept { return commands_; }
  void clear() noexcept {
    commands_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > most_kept) bytes_ = {};
  }

 private:
  static constexpr std::size_t most_kept = std::size_t{256} << 10;

  void head(char kind, std::size_t number) {
    char text[24];
    text[0] = kind;
    char* end = std::to_chars(text + 1, text + sizeof text - 2, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    bytes_.append(text, static_cast<std::size_t>(end - text));
  }

  std::string bytes_{};
  std::size_t commands_ = 0;
};

}  // namespace flame::inline v0::session::redis
