#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

/// For store authors: what open_store() and the options of stores on servers have in common. All of
/// it throws StoreError refused. Passwords can stand anywhere in a URL, so texts name its scheme
/// and the names of parameters only.
namespace flame::inline v0::session {

/// The parameters of `name=value&name=value`, percent-decoded (RFC 3986, 2.1): each known, and
/// there at most once. A getter leaves its value alone where there is no such parameter.
class UrlParameters {
 public:
  /// `scheme` is for texts, as in "redis:". With known = {} any name is taken.
  UrlParameters(std::string_view scheme, std::string_view text,
                std::span<const std::string_view> known);

  void text(std::string_view name, std::string& value) const;
  void number(std::string_view name, std::size_t& value) const;  ///< a whole one, not negative
  void flag(std::string_view name, bool& value) const;           ///< true or false
  template <class T>
  void choice(std::string_view name, std::span<const std::pair<std::string_view, T>> choices,
              T& value) const {
    const auto* const given = find(name);
    if (!given) return;
    std::string all;
    for (const auto& [each, meaning] : choices) {
      if (each == *given) {
        value = meaning;
        return;
      }
      all.append(all.empty() ? "" : ", ").append(each);
    }
    wrong("`" + std::string(name) + "` must be one of " + all);
  }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept {
    return given_;
  }

 private:
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  void add(std::string_view parameter, std::span<const std::string_view> known);
  [[noreturn]] void wrong(const std::string& text) const;

  std::string scheme_;
  std::vector<std::pair<std::string, std::string>> given_{};
};

/// `scheme://user:password@host:port/path?parameters` (RFC 3986), percent-decoded but for the
/// parameters. IPv6 addresses come without their brackets.
struct StoreUrl {
  std::string scheme{};  ///< in lower case, without the colon
  std::optional<std::string> user{}, password{};
  std::string host{};
  std::optional<std::uint16_t> port{};
  std::string path{};  ///< begins with a slash, or is empty
  std::string parameters{};
};
[[nodiscard]] StoreUrl parse_store_url(std::string_view url);

/// A table's name, perhaps with one schema before it: `[A-Za-z_][A-Za-z0-9_]{0,62}` each. Such a
/// name needs no escape in quotes of any kind. `option` is for the text, as in "postgres: table".
struct TableName {
  std::string schema{};  ///< empty: none was given
  std::string table{};
};
[[nodiscard]] TableName parse_table_name(std::string_view option, std::string_view name);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
