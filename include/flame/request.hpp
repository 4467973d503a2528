#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

/// A header field; the name as it was sent.
struct Field {
  std::string_view name{};
  std::string_view value{};
};

struct [[gnu::visibility("hidden")]] RequestAccess;

/// A request as it came. What it hands out lives as long as the request: until the handler is done.
class Request {
 public:
  [[nodiscard]] Method method() const noexcept { return method_; }
  /// As sent: names of methods are case-sensitive.
  [[nodiscard]] std::string_view method_name() const noexcept { return method_name_; }
  [[nodiscard]] std::string_view target() const noexcept { return target_; }
  /// The target's path, without the query, and without what an absolute form has before it: its
  /// host is the field Host then. `*` for `OPTIONS *`. Percent-encoded as it was sent, and soundly:
  /// else the request is a 400. Routes and Context::param() decode it, segment by segment.
  [[nodiscard]] std::string_view path() const noexcept { return path_; }
  /// What follows the `?`, as it was sent; Context::query() decodes it.
  [[nodiscard]] std::string_view query_string() const noexcept { return query_string_; }
  /// The first field of this name (in any case); empty where there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
  /// The values of all fields of this name, in order of arrival.
  [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;
  /// The first cookie of this name (in this case), as it was sent: whatever a visitor likes.
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const noexcept;
  /// All fields, in order of arrival. Trailers are never among them.
  [[nodiscard]] std::span<const Field> fields() const noexcept { return fields_; }
  [[nodiscard]] std::string_view body() const noexcept { return body_; }
  /// The client's IP address: the other end's, or where that is a trusted proxy's
  /// (HostOptions::trusted_proxies), the one that it tells.
  [[nodiscard]] std::string_view peer() const noexcept { return peer_; }
  /// From a loopback address, and not from a trusted proxy that does not tell who is behind it.
  [[nodiscard]] bool from_this_host() const noexcept { return from_this_host_; }
  /// Over TLS, as a trusted proxy tells: the host itself speaks none.
  [[nodiscard]] bool secure() const noexcept { return secure_; }
  /// What the client calls this host: `example.com`, or with a port that is not its scheme's own.
  /// Empty where HTTP/1.0 told none. It is the client's word, or a trusted proxy's.
  [[nodiscard]] std::string_view host() const noexcept {
    return host_.empty() ? field("Host") : host_;
  }

 private:
  friend struct RequestAccess;

  Method method_ = Method::other;
  bool from_this_host_ = false, secure_ = false;
  bool of_a_proxy_ = false;  // its peer's address is, a trusted one's that names nobody
  std::string_view method_name_{}, target_{}, path_{}, query_string_{}, peer_{};
  std::string_view host_{};  // a proxy's word
  std::vector<Field> fields_{};
  std::string body_{};
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
