#include "rules.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "cookie_attributes.hpp"
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
  // Whoever gives a short absolute_timeout alone means no more by the usual idle_timeout.
  if (options.idle_timeout > options.absolute_timeout &&
      options.idle_timeout != Options{}.idle_timeout)
    wrong.add("idle_timeout of " + std::to_string(options.idle_timeout.count()) +
              " s is above absolute_timeout, which ends sessions after " +
              std::to_string(options.absolute_timeout.count()) +
              " s whatever comes: raise that, too, or give logins a Login::idle of their own");
  if (options.at_owner_limit != AtOwnerLimit::end_oldest &&
      options.at_owner_limit != AtOwnerLimit::refuse)
    wrong.add("at_owner_limit must be AtOwnerLimit::end_oldest or AtOwnerLimit::refuse");
  if (options.deadline < 1ms || options.deadline > 1h)
    wrong.add("deadline must be between 1 ms and 1 h");
  if (options.max_created_per_second.value_or(0) > max_creations)
    wrong.add("max_created_per_second must be at most " + std::to_string(max_creations) +
              ", or 0 for any number");
  // An envelope counts its payload in 32 bits.
  const auto largest = std::min<std::size_t>(max_record, std::numeric_limits<std::uint32_t>::max());
  const auto most = largest > max_envelope_overhead ? largest - max_envelope_overhead : 0;
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
    wrong.add("id_header " + in_quotes(options.id_header) + " is no header name");
  for (const std::string_view taken :
       {"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
        "Cookie", "Date", "Host", "Keep-Alive", "Location", "Set-Cookie", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Vary"})
    if (starts_with_any_case(options.id_header, taken) && options.id_header.size() == taken.size())
      wrong.add("id_header " + in_quotes(options.id_header) +
                " has its own use here: choose another name");
}

CookieAttributes attributes_of(const CookieOptions& cookie) {
  return {cookie.path,        cookie.domain, std::nullopt,     cookie.same_site,
          cookie.partitioned, true,          cookie.plain_http};
}

/// As if the ID were there, after the longest prefix.
void check_cookie(const CookieOptions& cookie, Wrong& wrong) {
  const auto size = secure_prefix.size() + SessionId::size;
  for (const auto& fault : cookie_faults(cookie.name, size, attributes_of(cookie)))
    wrong.add(fault);
}

std::string prefix_for(const CookieOptions& cookie) {
  if (cookie.plain_http || cookie.name.starts_with(host_prefix) ||
      cookie.name.starts_with(secure_prefix))
    return {};
  return std::string(cookie.domain.empty() && cookie.path == "/" ? host_prefix : secure_prefix);
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
  rules.cookie.attributes = attributes_text(attributes_of(options.cookie));
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
