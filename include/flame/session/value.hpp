#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <flame/session/value_codecs.hpp>
#include <flame/session/value_compounds.hpp>
#include <flame/session/value_io.hpp>

#pragma GCC visibility push(default)

/// What a session can hold. Types compare by shape, not by name, and strictly by kind:
/// - bool; integers, read back into any type that the number fits (characters are integers, bool is
///   not); float and double, each as itself only, bit-exact; enums as their underlying integers;
/// - std::string, with any bytes; to store only: literals, const char*, std::string_view;
/// - std::vector<std::byte> and std::array<std::byte, N>;
/// - std::chrono durations and system_clock time points with integer counts, read back into any
///   unit that holds them exactly;
/// - std::optional, std::variant, std::monostate, std::pair, std::tuple, std::array;
/// - containers with push_back, sets, and maps with each key once;
/// - plain structs of all these, by the names of their members and with nothing to declare, local
///   ones too: up to 32 members, no bases, references, C arrays or bit-fields. To be read, each
///   member must be there, unless it is a std::optional; what is there and has no member is
///   ignored. So two versions of a program that differ in optional members can share sessions.
///
/// Any other type has a Codec of its own, for example
///
///   template <>
///   struct flame::session::Codec<Money> {
///     static void write(Writer& out, const Money& money) { out.integer(money.cents()); }
///     static std::optional<Money> read(Reader& in) {
///       const auto cents = in.integer();
///       return cents ? std::optional(Money(*cents)) : std::nullopt;
///     }
///   };
///
/// One that may write null says so with `static constexpr bool nullable = true`.
namespace flame::inline v0::session {

/// The value as bytes. Throws ValueError: nested deeper than max_depth, or with no stored form.
template <class T>
[[nodiscard]] std::string encode(const T& value) {
  std::string out;
  Writer writer(out);
  Codec<T>::write(writer, value);
  if (!writer.complete()) {
    throw ValueError(
        "a Codec must write exactly one item: check its write() for what it leaves out or adds");
  }
  return out;
}

/// The value, where the whole of bytes is one T; else empty. Throws nothing but std::bad_alloc.
/// Memory goes by what is there, not by what is announced: at most 2 KiB ahead for an open
/// container.
template <class T>
[[nodiscard]] std::optional<T> decode(std::string_view bytes) {
  Reader reader(bytes);
  auto value = Codec<T>::read(reader);
  if (!reader.at_end()) value.reset();
  return value;
}

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
