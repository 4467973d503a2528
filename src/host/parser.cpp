#include "parser.hpp"

#include <algorithm>
#include <bit>
#include <boost/asio/buffer.hpp>
#include <functional>
#include <limits>

#include "access.hpp"
#include "target.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

namespace http = boost::beast::http;

/// Extensions, trailers, and zeros before sizes, of one body.
constexpr std::size_t max_chunk_extras = 8 * 1024;
constexpr std::size_t least_end = 5;  // of a chunked body: "0", and two ends of lines
constexpr char tls_handshake = 0x16;  // the first byte of a TLS hello

std::string_view view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

bool is_digits(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
}

/// Whether a list of tokens, with commas between, has this one.
bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    auto each = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), each.size() + 1));
    each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
    each = each.substr(0, each.find_last_not_of(" \t") + 1);
    if (same_name(each, token)) return true;
  }
  return false;
}

/// Whether a chunk, or the last one, may begin so. Beast waits for the end of its line, and of the
/// last one's for all trailers too.
bool may_begin_chunk(std::string_view bytes, bool after_data) noexcept {
  constexpr std::string_view end_of_data = "\r\n", digits = "0123456789abcdefABCDEF";
  constexpr std::size_t enough = 32;
  bytes = bytes.substr(0, enough);
  if (after_data) {
    const auto size = std::min(bytes.size(), end_of_data.size());
    if (bytes.substr(0, size) != end_of_data.substr(0, size)) return false;
    bytes.remove_prefix(size);
  }
  const auto size = bytes.find_first_not_of(digits);
  if (size == std::string_view::npos) return true;
  const auto rest = bytes.substr(size);
  if (rest.front() == '\r') return size > 0 && (rest.size() == 1 || rest[1] == '\n');
  return size > 0 && (rest.front() == ';' || rest.front() == ' ' || rest.front() == '\t');
}

std::uint8_t more(std::uint8_t count) noexcept {
  return static_cast<std::uint8_t>(std::min(count + 1, 2));
}

}  // namespace

Parser::Parser(Request& request, const HostOptions& options, std::atomic<std::size_t>& bodies)
    : request_(request), options_(options), bodies_(bodies) {
  header_limit(static_cast<std::uint32_t>(
      std::min<std::size_t>(options.max_head, std::numeric_limits<std::uint32_t>::max())));
  body_limit(options.max_body);
}

std::size_t Parser::feed(std::string_view bytes) {
  return is_header_done() ? feed_body(bytes) : feed_head(bytes);
}

/// Beast would take a head line by line, as it comes; its fields are to be views of one piece.
std::size_t Parser::feed_head(std::string_view bytes) {
  const auto size = find_head(bytes);
  if (size == 0) return 0;
  error_code ec;
  put(boost::asio::const_buffer(bytes.data(), size), ec);
  refuse_for(ec);
  if (!is_header_done()) refuse(400, "bad head");
  return size;
}

/// 0: it isn't all there yet, or it is refused: for its size, bare line feeds, or a line that
/// continues the one before (RFC 9112, 2.2 and 5.2).
std::size_t Parser::find_head(std::string_view bytes) {
  std::size_t size = 0;
  if (!bytes.empty() && bytes.front() == tls_handshake) refuse(400, "TLS on the plain port");
  while (size == 0 && !is_refused()) {
    const auto end = bytes.find('\n', scanned_);
    if (end == std::string_view::npos) {
      scanned_ = bytes.size();
      break;
    }
    const char first = bytes[line_];
    if (end == line_ || bytes[end - 1] != '\r' || first == ' ' || first == '\t') {
      refuse(400, "bad line");
    }
    if (end == line_ + 1) size = end + 1;
    scanned_ = line_ = end + 1;
  }
  if (std::max(size, scanned_) > options_.max_head) refuse(431, "head too large");
  return is_refused() ? 0 : size;
}

std::size_t Parser::feed_body(std::string_view bytes) {
  std::size_t used = 0;
  while (!is_done() && !is_refused() && used < bytes.size()) {
    const auto left = bytes.substr(used);
    if (encodings_ != 0 && chunk_left_ == 0 && !may_begin_chunk(left, least_framing_ > 0)) {
      refuse(400, "bad chunk");
      break;
    }
    // With less of the last chunk Beast fails an assertion; and less never ends a body.
    if (encodings_ != 0 && left.front() == '0' && left.size() < least_end) break;
    feeding_ = left;
    error_code ec;
    const auto now = put(boost::asio::const_buffer(left.data(), left.size()), ec);
    used += now;
    count_extras(now);
    if (ec == http::error::need_more) break;
    refuse_for(ec);
  }
  return used;
}

/// What is found first counts.
void Parser::refuse(int status, const char* why) {
  if (!is_refused()) refusal_ = {status, why};
}

void Parser::refuse(int status, const char* why, error_code& ec) {
  refuse(status, why);
  ec = http::error::bad_value;
}

void Parser::refuse_for(error_code ec) {
  if (!ec || is_refused()) return;
  if (ec == http::error::header_limit) return refuse(431, "head too large");
  if (ec == http::error::body_limit) return refuse(413, "body too large");
  refusal_ = {400, ec.message()};
}

void Parser::on_request_impl(verb, string_view method, string_view target, int version,
                             error_code& ec) {
  http_1_0_ = version == 10;
  RequestAccess::set_method(request_, view(method));
  // To a proxy before us any 2xx of a handler's would open a tunnel (RFC 9110, 9.3.6).
  if (view(method) == "CONNECT") return refuse(400, "CONNECT", ec);
  if (!RequestAccess::set_target(request_, view(target))) return refuse(400, "bad target", ec);
  if (target.front() != '/') authority_ = detail::parse_target(view(target)).authority;
}

void Parser::on_field_impl(field name, string_view text, string_view value, error_code& ec) {
  if (is_header_done()) {  // a trailer: it never joins the fields
    if (is_folded(view(text), view(value))) refuse(400, "bad trailer", ec);
    return;
  }
  auto& fields = RequestAccess::fields(request_);
  if (fields.size() >= options_.max_fields) return refuse(431, "too many fields", ec);
  fields.push_back({view(text), view(value)});
  switch (name) {
    case field::host:
      hosts_ = more(hosts_);
      if (!is_authority(view(value))) refuse(400, "bad Host", ec);
      // What the target says holds (RFC 9112, 3.2.2).
      if (!authority_.empty()) fields.back().value = authority_;
      break;
    case field::connection:
      closes_ |= has_token(view(value), "close");
      keeps_ |= has_token(view(value), "keep-alive");
      break;
    case field::content_length:
      lengths_ = more(lengths_);
      if (!is_digits(view(value))) refuse(400, "bad Content-Length", ec);
      break;
    case field::transfer_encoding:
      encodings_ = more(encodings_);
      if (!same_name(view(value), "chunked")) refuse(400, "bad Transfer-Encoding", ec);
      break;
    case field::expect:
      wants_continue_ = same_name(view(value), "100-continue");
      break;
    default:
      break;
  }
}

/// Beast has joined lines for it, elsewhere, or left out an empty one.
bool Parser::is_folded(std::string_view name, std::string_view value) const noexcept {
  const char* from = name.data() + name.size();
  const char* to = value.data() + value.size();
  const bool in_place =
      std::less_equal<>()(from, to) && std::less_equal<>()(to, feeding_.data() + feeding_.size());
  return !in_place || std::find(from, to, '\n') != to;
}

void Parser::on_header_impl(error_code& ec) {
  if (hosts_ != 1 && (hosts_ != 0 || !http_1_0())) refuse(400, "bad Host", ec);
  if (lengths_ + encodings_ > 1) refuse(400, "more than one length", ec);
  if (encodings_ != 0 && http_1_0()) refuse(400, "bad Transfer-Encoding", ec);
}

std::size_t Parser::on_body_impl(string_view body, error_code& ec) { return add_to_body(body, ec); }

std::size_t Parser::add_to_body(string_view bytes, error_code& ec) {
  if (bodies_.fetch_add(bytes.size(), std::memory_order_relaxed) + bytes.size() >
      options_.max_bodies) {
    bodies_.fetch_sub(bytes.size(), std::memory_order_relaxed);
    refuse(503, "too much in all bodies", ec);
    return 0;
  }
  held_ += bytes.size();
  RequestAccess::body(request_).append(bytes.data(), bytes.size());
  return bytes.size();
}

void Parser::on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) {
  // In quotes Beast takes any byte: a line feed, too, at which others see the end of the line.
  if (std::any_of(extensions.begin(), extensions.end(), is_control)) refuse(400, "bad chunk", ec);
  const auto digits = static_cast<std::size_t>(std::bit_width(size | 1) + 3) / 4;
  least_framing_ += digits + 4;  // the lines' ends, after size and data
  chunk_left_ = size;
}

void Parser::count_extras(std::size_t used) {
  raw_ += used;
  if (encodings_ == 0) return;
  const auto least = held_ + least_framing_;
  if (raw_ > least + max_chunk_extras) refuse(431, "chunk extras too large");
}

std::size_t Parser::on_chunk_body_impl(std::uint64_t left, string_view body, error_code& ec) {
  const auto taken = add_to_body(body, ec);
  chunk_left_ = left - taken;
  return taken;
}

}  // namespace flame::inline v0::detail
