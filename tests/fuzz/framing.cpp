// What one connection brings: requests end where a second, strict reader says (RFC 9112), whatever
// pieces the bytes come in.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "fuzz.hpp"
#include "host/access.hpp"
#include "host/parser.hpp"

namespace flame::fuzz {
namespace {

/// Small, so that inputs reach them.
HostOptions options() {
  HostOptions out;
  out.max_head = 512;
  out.max_fields = 12;
  out.max_body = out.max_bodies = 256;
  return out;
}

// --- The second reader

struct Framed {
  std::size_t end = 0;
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

/// Takes a line off the front; nothing where it holds a control character, or does not end.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  for (const char c : line)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return std::nullopt;
  rest.remove_prefix(end + 2);
  return line;
}

bool is_token(std::string_view text) {
  const std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           marks.find(c) != std::string_view::npos;
  });
}

/// Up to the empty line; false: a line is no field.
bool take_fields(std::string_view& rest, std::vector<std::pair<std::string, std::string>>& fields) {
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return false;
    if (line->empty()) return true;
    const auto colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return false;
    fields.emplace_back(line->substr(0, colon), stripped(line->substr(colon + 1)));
  }
}

std::optional<std::size_t> number_of(std::string_view digits, unsigned base) {
  std::size_t number = 0;
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  for (const char c : digits) {
    const auto digit = std::string_view("0123456789abcdef").find(lower(c));
    if (digit >= base) return std::nullopt;
    number = number * base + digit;
  }
  return number;
}

std::string_view without_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

bool take_chunks(std::string_view& rest, std::string& body) {
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return false;
    const auto digits = line->substr(0, line->find_first_of("; \t"));
    const auto size = number_of(without_zeros(digits), 16);
    if (!size || *size > rest.size()) return false;
    if (*size == 0) break;
    body += rest.substr(0, *size);
    rest.remove_prefix(*size);
    if (!rest.starts_with("\r\n")) return false;
    rest.remove_prefix(2);
  }
  std::vector<std::pair<std::string, std::string>> trailers;
  return take_fields(rest, trailers);
}

/// Nothing: no request that it would take.
std::optional<Framed> frame(std::string_view bytes) {
  auto rest = bytes;
  Framed out;
  if (!take_line(rest) || !take_fields(rest, out.fields)) return std::nullopt;
  std::optional<std::string> length, encoding;
  for (const auto& [name, value] : out.fields) {
    const auto key = lower(name);
    if (key != "content-length" && key != "transfer-encoding") continue;
    if (length || encoding) return std::nullopt;
    (key == "content-length" ? length : encoding) = value;
  }
  if (encoding) {
    if (lower(*encoding) != "chunked" || !take_chunks(rest, out.body)) return std::nullopt;
  } else if (length) {
    const auto size = number_of(without_zeros(*length), 10);
    if (!size || *size > rest.size()) return std::nullopt;
    out.body = rest.substr(0, *size);
    rest.remove_prefix(*size);
  }
  out.end = bytes.size() - rest.size();
  return out;
}

// --- The host's reader, driven as a connection drives it

std::string told(const Request& request, const detail::Parser& parser) {
  std::string out(request.method_name());
  out.append(" ").append(request.target()).append(" ").append(request.path());
  out.append(" ").append(request.query_string());
  for (const auto& [name, value] : request.fields())
    out.append("\n").append(name).append(":").append(value);
  out.append("\n").append(parser.keep_alive() ? "stays" : "closes");
  out.append(parser.http_1_0() ? " 1.0" : "").append(parser.wants_continue() ? " waits" : "");
  return out.append("\n").append(request.body());
}

void check(const Request& request, std::string_view bytes, std::size_t used) {
  const auto framed = frame(bytes);
  expect(framed.has_value(), "a strict reader takes what the host takes");
  expect(framed->end == used, "the request ends where a strict reader says");
  expect(framed->body == request.body(), "the body is what a strict reader says");
  expect(framed->fields.size() == request.fields().size(), "no field is added or lost");
  for (std::size_t i = 0; i < framed->fields.size(); ++i) {
    const auto& [name, value] = framed->fields[i];
    const auto& field = request.fields()[i];
    expect(name == field.name, "names of fields are as they were sent");
    expect(value == field.value || lower(name) == "host", "values of fields are as they were sent");
  }
  expect(request.fields().size() <= options().max_fields, "max_fields holds");
  expect(request.body().size() <= options().max_body, "max_body holds");
}

/// Each piece in memory of its own, so that reading past it, or what is gone, is seen.
std::unique_ptr<char[]> copy_of(std::string_view bytes) {
  std::unique_ptr<char[]> copy(new char[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return copy;
}

class Connection {
 public:
  explicit Connection(std::string_view all) : all_(all) {}

  /// Until this many bytes have come.
  void receive(std::size_t end) {
    end_ = end;
    while (!is_over_ && go_on()) {
    }
  }
  std::vector<std::string> requests() {
    parser_.reset();
    expect(bodies_ == 0, "the memory of bodies is given back");
    return std::move(requests_);
  }

 private:
  [[nodiscard]] std::string_view arrived() const { return all_.substr(at_, end_ - at_); }

  /// False: more is needed.
  bool go_on() {
    if (!parser_ && !begins()) return false;
    if (!parser_) {
      begin_ = at_;
      parser_.emplace(request_, options_, bodies_);
    }
    const auto bytes = arrived();
    auto copy = copy_of(bytes);
    const bool in_head = !parser_->is_header_done();
    const auto used = parser_->feed({copy.get(), bytes.size()});
    expect(used <= bytes.size(), "no more is used than there is");
    at_ += used;
    if (in_head && parser_->is_header_done()) head_ = std::move(copy);
    if (parser_->is_refused()) {
      is_over_ = true;
    } else if (parser_->is_done()) {
      finish();
    } else {
      expect(!in_head || parser_->is_header_done() || bytes.size() <= options_.max_head,
             "max_head holds");
      return used != 0;
    }
    return true;
  }

  bool begins() {
    auto bytes = arrived();
    if (!empty_line_ && bytes.starts_with("\r\n")) {
      empty_line_ = true;
      at_ += 2;
      bytes.remove_prefix(2);
    }
    return !bytes.empty() && (empty_line_ || bytes != "\r");
  }

  void finish() {
    requests_.push_back(told(request_, *parser_));
    check(request_, all_.substr(begin_), at_ - begin_);
    is_over_ = !parser_->keep_alive();
    parser_.reset();
    RequestAccess::reset(request_);
    head_.reset();
    empty_line_ = false;
  }

  const std::string_view all_;
  const HostOptions options_ = options();
  std::atomic<std::size_t> bodies_{0};
  Request request_{};
  std::optional<detail::Parser> parser_{};
  std::unique_ptr<char[]> head_{};
  std::size_t begin_ = 0, at_ = 0, end_ = 0;
  bool empty_line_ = false, is_over_ = false;
  std::vector<std::string> requests_{};
};

/// What is answered. Of the rest some is refused sooner where it comes in one piece.
std::vector<std::string> read_in_steps(std::string_view bytes, std::size_t step) {
  Connection connection(bytes);
  for (std::size_t end = std::min(step, bytes.size());; end = std::min(end + step, bytes.size())) {
    connection.receive(end);
    if (end == bytes.size()) return connection.requests();
  }
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  if (size == 0) return 0;
  const auto bytes = text_of(data, size);
  const auto whole = read_in_steps(bytes, size);
  expect(whole == read_in_steps(bytes, 1), "byte by byte it is the same");
  const auto step = 2 + static_cast<unsigned char>(bytes.back()) % 61U;
  expect(whole == read_in_steps(bytes, step), "in pieces it is the same");
  return 0;
}
