#include "rules.hpp"

#include <algorithm>
#include <string_view>

#include "record/envelope.hpp"
#include "record/session_id.hpp"

namespace flame::inline v0::session {
namespace {

/// All that is wrong, told at once.
class Wrong {
 public:
  void add(const std::string& text) { text_ += (text_.empty() ? "" : "; ") + text; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_{};
};

constexpr std::size_t max_creations = 1'000'000;  // each second
constexpr std::size_t usual_creations = 10'000;

/// For messages: what could break a line or a terminal becomes '?'.
std::string quoted(std::string_view text) {
  std::string out = "`";
  for (const char c : text.substr(0, 64)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + (text.size() > 64 ? "…`" : "`");
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

bool is_attribute_value(std::string_view text) {  // RFC 6265bis, 4.1.1: av-octet
  // No space either: a browser drops it at the end, and no path of a request has one.
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ';'; });
}

bool is_host_name(std::string_view text) {  // RFC 1123, 2.1: letters, digits and inner hyphens
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; }))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
  return false;
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

constexpr std::string_view host_prefix = "__Host-";
constexpr std::string_view secure_prefix = "__Secure-";

void check_prefix(const CookieOptions& cookie, std::string_view prefix, Wrong& wrong) {
  if (!starts_with_any_case(cookie.name, prefix)) return;
  const auto shown = "cookie.name " + quoted(cookie.name);
  if (!cookie.name.starts_with(prefix))
    wrong.add(shown + ": write the prefix as `" + std::string(prefix) +
              "`, browsers compare its case");
  if (cookie.name.size() == prefix.size()) wrong.add(shown + ": a name must follow the prefix");
  if (cookie.plain_http)
    wrong.add(shown + " needs Secure, which cookie.plain_http turns off: leave out the prefix");
  if (prefix != host_prefix) return;
  if (!cookie.domain.empty())
    wrong.add(shown + " allows no cookie.domain: leave out the domain or the prefix");
  if (cookie.path != "/")
    wrong.add(shown + " allows no cookie.path but `/`: leave out the path or the prefix");
}

void check_cookie(const CookieOptions& cookie, Wrong& wrong) {
  if (!is_token(cookie.name))
    wrong.add("cookie.name " + quoted(cookie.name) +
              " is no token: use letters, digits and !#$%&'*+-.^_`|~ only");
  if (cookie.name.size() + secure_prefix.size() + SessionId::size > max_cookie_size)
    wrong.add("cookie.name is too long: name and value together have at most " +
              std::to_string(max_cookie_size) + " bytes");
  for (const auto prefix : {host_prefix, secure_prefix}) check_prefix(cookie, prefix, wrong);
  if (!cookie.path.starts_with('/') || !is_attribute_value(cookie.path))
    wrong.add("cookie.path " + quoted(cookie.path) +
              " must start with `/` and have printable ASCII without `;` and spaces only");
  if (cookie.path.size() > max_attribute_size || cookie.domain.size() > max_attribute_size)
    wrong.add("cookie.path and cookie.domain have at most " + std::to_string(max_attribute_size) +
              " bytes each");
  if (!cookie.domain.empty() && !is_host_name(cookie.domain))
    wrong.add("cookie.domain " + quoted(cookie.domain) +
              " is no host name: write it as `example.org`, without a leading dot");
  if (cookie.same_site == SameSite::none && cookie.plain_http)
    wrong.add(
        "cookie.same_site none needs Secure, which cookie.plain_http turns off: "
        "serve over https, or choose lax");
  if (cookie.partitioned && cookie.plain_http)
    wrong.add(
        "cookie.partitioned needs Secure, which cookie.plain_http turns off: "
        "serve over https, or leave it out");
}

std::size_t creations_of(const Options& options, const StoreTraits& traits) {
  if (options.max_created_per_second) return *options.max_created_per_second;
  if (traits.max_sessions == 0) return usual_creations;
  const auto seconds = static_cast<std::size_t>(options.idle_timeout.count());
  return std::clamp<std::size_t>(traits.max_sessions / seconds, 1, max_creations);
}

void check_age(const char* name, std::chrono::seconds age, Wrong& wrong) {
  constexpr auto longest = std::chrono::hours(24 * 365 * 100);
  if (age < std::chrono::seconds(1) || age > longest)
    wrong.add(std::string(name) + " must be between 1 s and 100 years");
}

void check_limits(const Options& options, std::size_t max_record, Wrong& wrong) {
  using namespace std::chrono_literals;
  check_age("idle_timeout", options.idle_timeout, wrong);
  check_age("absolute_timeout", options.absolute_timeout, wrong);
  check_age("longest_login", options.longest_login, wrong);
  if (options.at_owner_limit != AtOwnerLimit::end_oldest &&
      options.at_owner_limit != AtOwnerLimit::refuse)
    wrong.add("at_owner_limit must be AtOwnerLimit::end_oldest or AtOwnerLimit::refuse");
  if (options.deadline < 1ms || options.deadline > 1h)
    wrong.add("deadline must be between 1 ms and 1 h");
  if (options.max_created_per_second.value_or(0) > max_creations)
    wrong.add("max_created_per_second must be at most " + std::to_string(max_creations) +
              ", or 0 for any number");
  const auto most = max_record > max_envelope_overhead ? max_record - max_envelope_overhead : 0;
  if (options.max_bytes < min_session_bytes || options.max_bytes > most)
    wrong.add("max_bytes must be between " + std::to_string(min_session_bytes) + " and " +
              std::to_string(most) + ", what this store takes");
}

void check_names(const Options& options, Wrong& wrong) {
  const auto& application = options.application;
  if (application.size() > max_application_size || application.find('\0') != std::string_view::npos)
    wrong.add("application must have at most " + std::to_string(max_application_size) +
              " bytes, and no NUL: shorten it");
  if (!options.id_header.empty() && !is_token(options.id_header))
    wrong.add("id_header " + quoted(options.id_header) + " is no header name");
  for (const std::string_view taken : {"Cookie", "Set-Cookie", "Vary", "Cache-Control"})
    if (starts_with_any_case(options.id_header, taken) && options.id_header.size() == taken.size())
      wrong.add("id_header " + quoted(options.id_header) +
                " has its own use here: choose another name");
}

std::string prefix_for(const CookieOptions& cookie) {
  if (cookie.plain_http || cookie.name.starts_with(host_prefix) ||
      cookie.name.starts_with(secure_prefix))
    return {};
  return std::string(cookie.domain.empty() && cookie.path == "/" ? host_prefix : secure_prefix);
}

std::string attributes_of(const CookieOptions& cookie) {
  std::string out = "; Path=" + cookie.path;
  if (!cookie.domain.empty()) out += "; Domain=" + cookie.domain;
  if (!cookie.plain_http) out += "; Secure";
  out += "; HttpOnly; SameSite=";
  switch (cookie.same_site) {
    case SameSite::lax:
      out += "Lax";
      break;
    case SameSite::strict:
      out += "Strict";
      break;
    case SameSite::none:
      out += "None";
      break;
  }
  return cookie.partitioned ? out + "; Partitioned" : out;
}

}  // namespace

Result<Rules> check(const Options& options, const StoreTraits& traits) {
  Wrong wrong;
  check_cookie(options.cookie, wrong);
  check_limits(options, traits.max_record, wrong);
  check_names(options, wrong);
  if (!wrong.text().empty()) return tl::unexpected(Error{Errc::invalid_option, wrong.text()});
  Rules rules;
  rules.cookie.name = prefix_for(options.cookie) + options.cookie.name;
  rules.cookie.attributes = attributes_of(options.cookie);
  rules.secure_cookie = !options.cookie.plain_http;
  rules.id_header = options.id_header;
  rules.vary = options.id_header.empty() ? "Cookie" : "Cookie, " + options.id_header;
  rules.lifetimes = {
      {options.idle_timeout, options.absolute_timeout, options.cookie.persistent},
      std::max<std::chrono::seconds>(options.longest_login, options.absolute_timeout)};
  rules.deadline = options.deadline;
  rules.max_bytes = options.max_bytes;
  rules.max_created_per_second = creations_of(options, traits);
  rules.max_sessions_per_owner = options.max_sessions_per_owner;
  rules.at_owner_limit = options.at_owner_limit;
  return rules;
}

}  // namespace flame::inline v0::session
