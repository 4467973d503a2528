#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/session/value_io.hpp>

#pragma GCC visibility push(default)

/// The codecs of values that contain no others: numbers, enums, text, bytes and times.
namespace flame::inline v0::session {
namespace detail {

template <class T>
inline constexpr bool is_bool = std::is_same_v<std::remove_cv_t<T>, bool>;

template <class T>
concept Integer = std::is_integral_v<T> && !is_bool<T> && sizeof(T) <= sizeof(std::uint64_t);

template <class T>
concept Enum = std::is_enum_v<T>;

/// std::string, with whatever allocator. A view has no assign().
template <class T>
concept Text = requires(T t, const typename T::traits_type::char_type* p, std::size_t n) {
  { t.assign(p, n).data() } -> std::convertible_to<const char*>;
};

/// Text that can be stored only, since it does not own its characters.
template <class T>
inline constexpr bool is_borrowed_text = false;
template <>
inline constexpr bool is_borrowed_text<std::string_view> = true;
template <>
inline constexpr bool is_borrowed_text<const char*> = true;
template <>
inline constexpr bool is_borrowed_text<char*> = true;
template <std::size_t N>
inline constexpr bool is_borrowed_text<char[N]> = true;

template <class T>
concept BorrowedText = is_borrowed_text<T>;

/// std::vector<std::byte>, with whatever allocator.
template <class T>
concept Bytes = requires(T t, std::size_t n) {
  t.resize(n);
  { t.data() } -> std::same_as<std::byte*>;
};

/// Bytes as a typed array (RFC 8746), to tell them from text that is not UTF-8.
inline constexpr std::uint64_t bytes_tag = 64;
/// Extended time and duration (RFC 9581).
inline constexpr std::uint64_t time_tag = 1001, duration_tag = 1002;

void write_bytes(Writer& out, std::span<const std::byte> value);
[[nodiscard]] std::optional<std::span<const std::byte>> read_bytes(Reader& in) noexcept;

/// ticks of tick_ns nanoseconds each, as whole seconds and nanoseconds. ValueError: beyond 64 bits.
void write_ticks(Writer& out, std::uint64_t tag, std::int64_t ticks, std::int64_t tick_ns);
/// Empty also where it is no whole number of ticks, or one beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> read_ticks(Reader& in, std::uint64_t tag,
                                                     std::int64_t tick_ns) noexcept;
[[noreturn]] void throw_value_error(const char* text);

template <class T, class From>
[[nodiscard]] constexpr std::optional<T> narrow(std::optional<From> value) noexcept {
  using Limits = std::numeric_limits<T>;
  if (!value) return std::nullopt;
  if constexpr (std::is_signed_v<T> == std::is_signed_v<From>) {
    if (*value < Limits::min() || *value > Limits::max()) return std::nullopt;
  } else {
    static_assert(std::is_signed_v<From>);
    if (*value < 0 || static_cast<std::uint64_t>(*value) > Limits::max()) return std::nullopt;
  }
  return static_cast<T>(*value);
}

}  // namespace detail

template <>
struct Codec<bool> {
  static void write(Writer& out, bool value) { out.boolean(value); }
  static std::optional<bool> read(Reader& in) { return in.boolean(); }
};

template <detail::Integer T>
struct Codec<T> {
  static void write(Writer& out, T value) {
    if constexpr (std::is_signed_v<T>) {
      out.integer(value);
    } else {
      out.unsigned_integer(value);
    }
  }
  static std::optional<T> read(Reader& in) {
    if constexpr (std::is_signed_v<T>) {
      return detail::narrow<T>(in.integer());
    } else {
      return detail::narrow<T>(in.unsigned_integer());
    }
  }
};

template <>
struct Codec<float> {
  static void write(Writer& out, float value) { out.real(value); }
  static std::optional<float> read(Reader& in) { return in.real32(); }
};

template <>
struct Codec<double> {
  static void write(Writer& out, double value) { out.real(value); }
  static std::optional<double> read(Reader& in) { return in.real64(); }
};

template <class T>
requires std::is_enum_v<T>
struct Codec<T> {
  using Number = std::underlying_type_t<T>;
  static void write(Writer& out, T value) { Codec<Number>::write(out, static_cast<Number>(value)); }
  static std::optional<T> read(Reader& in) {
    const auto number = Codec<Number>::read(in);
    return number ? std::optional(static_cast<T>(*number)) : std::nullopt;
  }
};

template <detail::Text T>
struct Codec<T> {
  static void write(Writer& out, const T& value) { out.text({value.data(), value.size()}); }
  static std::optional<T> read(Reader& in) {
    const auto text = in.text();
    return text ? std::optional<T>(std::in_place, text->data(), text->size()) : std::nullopt;
  }
};

template <detail::BorrowedText T>
struct Codec<T> {
  static void write(Writer& out, const T& value) {
    if constexpr (std::is_array_v<T>) {
      const std::string_view whole(value, std::extent_v<T>);
      out.text(whole.substr(0, whole.find('\0')));
    } else if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr)
        detail::throw_value_error(
            "a null const char* cannot be stored: store a std::optional<std::string>");
      out.text(value);
    } else {
      out.text(value);
    }
  }
  static std::optional<T> read(Reader&) {
    static_assert(!detail::BorrowedText<T>,
                  "text is read as std::string, which owns its characters");
    return std::nullopt;
  }
};

template <detail::Bytes T>
struct Codec<T> {
  static void write(Writer& out, const T& value) {
    detail::write_bytes(out, {value.data(), value.size()});
  }
  static std::optional<T> read(Reader& in) {
    const auto bytes = detail::read_bytes(in);
    return bytes ? std::optional<T>(std::in_place, bytes->begin(), bytes->end()) : std::nullopt;
  }
};

template <std::size_t N>
struct Codec<std::array<std::byte, N>> {
  using Array = std::array<std::byte, N>;
  static void write(Writer& out, const Array& value) { detail::write_bytes(out, value); }
  static std::optional<Array> read(Reader& in) {
    const auto bytes = detail::read_bytes(in);
    if (!bytes || bytes->size() != N) return std::nullopt;
    Array value;
    for (std::size_t i = 0; i < N; ++i) value[i] = (*bytes)[i];
    return value;
  }
};

template <class Count, class Period>
struct Codec<std::chrono::duration<Count, Period>> {
  static_assert(
      std::is_integral_v<Count>,
      "a duration with a floating count is not exact: duration_cast it to an integral one");
  using Duration = std::chrono::duration<Count, Period>;
  using Tick = std::ratio_multiply<Period, std::giga>;
  static_assert(Tick::den == 1, "a duration must count whole nanoseconds: duration_cast it");

  static void write(Writer& out, Duration value) { write(out, detail::duration_tag, value); }
  static std::optional<Duration> read(Reader& in) { return read(in, detail::duration_tag); }

  static void write(Writer& out, std::uint64_t tag, Duration value) {
    if constexpr (sizeof(Count) == sizeof(std::int64_t) && std::is_unsigned_v<Count>) {
      if (value.count() > Count{std::numeric_limits<std::int64_t>::max()}) {
        detail::throw_value_error("a duration counts up to 63 bits: use a coarser unit");
      }
    }
    detail::write_ticks(out, tag, static_cast<std::int64_t>(value.count()), Tick::num);
  }
  static std::optional<Duration> read(Reader& in, std::uint64_t tag) {
    const auto count = detail::narrow<Count>(detail::read_ticks(in, tag, Tick::num));
    return count ? std::optional(Duration(*count)) : std::nullopt;
  }
};

template <class Clock, class Duration>
struct Codec<std::chrono::time_point<Clock, Duration>> {
  static_assert(std::is_same_v<Clock, std::chrono::system_clock>,
                "only system_clock has a meaning in another process: store its time points");
  using Time = std::chrono::time_point<Clock, Duration>;

  static void write(Writer& out, const Time& value) {
    Codec<Duration>::write(out, detail::time_tag, value.time_since_epoch());
  }
  static std::optional<Time> read(Reader& in) {
    const auto since_epoch = Codec<Duration>::read(in, detail::time_tag);
    return since_epoch ? std::optional(Time(*since_epoch)) : std::nullopt;
  }
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
