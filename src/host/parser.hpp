#pragma once

#include <atomic>
#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <flame/flame.hpp>

namespace flame::inline v0::detail {

/// Of a request that the host does not take: the answer's status, and for the log why, in a word or
/// two that are not the request's.
struct Refusal {
  int status = 0;
  std::string why{};
};

/// Beast's parser, with the checks on framing that it leaves out (RFC 9112, 3.2, 5.2 and 6). Fills
/// a Request with views into the bytes it is given; the body is copied.
class Parser final : public boost::beast::http::basic_parser<true> {
 public:
  /// `bodies`: the bytes of all bodies; those of this one are among them for as long as it lives.
  Parser(Request& request, const HostOptions& options, std::atomic<std::size_t>& bodies);
  ~Parser() { bodies_.fetch_sub(held_, std::memory_order_relaxed); }

  /// How many bytes of the head or the body were used; more are needed where neither done nor
  /// refused.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] bool is_refused() const noexcept { return refusal_.status != 0; }
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
  [[nodiscard]] bool wants_continue() const noexcept { return wants_continue_ && !http_1_0_; }
  [[nodiscard]] bool http_1_0() const noexcept { return http_1_0_; }
  /// Of the fields alone (RFC 9112, 9.3). Beast's looks at trailers and Proxy-Connection too, and
  /// lets `keep-alive` win over `close`.
  [[nodiscard]] bool keep_alive() const noexcept { return !closes_ && (keeps_ || !http_1_0_); }

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  using field = boost::beast::http::field;
  using verb = boost::beast::http::verb;

  void on_request_impl(verb, string_view method, string_view target, int version,
                       error_code& ec) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view text, string_view value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t left, string_view body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  [[nodiscard]] std::size_t find_head(std::string_view bytes);
  void refuse(int status, const char* why);
  void refuse(int status, const char* why, error_code& ec);
  void refuse_for(error_code ec);
  std::size_t add_to_body(string_view bytes, error_code& ec);
  [[nodiscard]] bool is_folded(std::string_view name, std::string_view value) const noexcept;
  void count_extras(std::size_t used);

  Request& request_;
  const HostOptions& options_;
  std::atomic<std::size_t>& bodies_;
  std::size_t held_ = 0;
  Refusal refusal_{};
  std::size_t scanned_ = 0, line_ = 0;  // of the head
  std::uint8_t hosts_ = 0, lengths_ = 0, encodings_ = 0;
  bool http_1_0_ = false, wants_continue_ = false;
  bool closes_ = false, keeps_ = false;
  std::string_view authority_{};  // while the head is read
  // Of a chunked body: all bytes, and the fewest that its chunks can be framed with.
  std::size_t raw_ = 0, least_framing_ = 0;
  std::uint64_t chunk_left_ = 0;  // bytes of data
  std::string_view feeding_{};    // what Beast looks at
};

}  // namespace flame::inline v0::detail
