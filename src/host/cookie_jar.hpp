#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flame::inline v0::detail {

/// The cookies of one host that a browser keeps, over https, as draft-ietf-httpbis-rfc6265bis has
/// it (5.6, 5.7); what a longer life than this one's would end is kept.
class CookieJar {
 public:
  /// A Set-Cookie field of the answer to a request for this path.
  void store(std::string_view set_cookie, std::string_view path);
  /// The value of the Cookie field; empty: none is sent.
  [[nodiscard]] std::string line_for(std::string_view path) const;
  /// The first of this name that would be sent there.
  [[nodiscard]] std::optional<std::string> find(std::string_view name, std::string_view path) const;

 private:
  struct Cookie {
    std::string name{}, value{}, path{}, domain{};
    bool ended = false;
    bool secure = false;
  };
  [[nodiscard]] std::vector<const Cookie*> for_path(std::string_view path) const;
  static void read_attribute(Cookie& cookie, std::string_view attribute);

  std::vector<Cookie> cookies_{};
};

}  // namespace flame::inline v0::detail
