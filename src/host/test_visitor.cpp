#include <algorithm>
#include <stdexcept>
#include <utility>

#include <flame/test_client.hpp>

#include "cookie_jar.hpp"
#include "form.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0 {
namespace {

constexpr int most_redirects = 20;

constexpr std::string_view host = "localhost";

void add_missing(TestClient::Fields& fields, std::string_view name, std::string_view value) {
  const bool is_there = std::ranges::any_of(
      fields, [&](const auto& field) { return detail::same_name(field.first, name); });
  if (!is_there) fields.emplace_back(name, value);
}

std::string_view path_of(std::string_view target) noexcept {
  return target.substr(0, target.find('?'));
}

/// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::string out;
  for (auto rest = path; !rest.empty();) {
    const auto segment = rest.substr(0, rest.find('/', 1));
    rest.remove_prefix(segment.size());
    if (segment == "/..") out.resize(std::min(out.rfind('/'), out.size()));
    if (segment != "/." && segment != "/..")
      out += segment;
    else if (rest.empty())
      out += '/';
  }
  return out;
}

/// The same, as far as one site goes.
std::string resolved(std::string_view location, std::string_view base) {
  location = location.substr(0, location.find('#'));
  constexpr std::string_view here = "https://localhost/";
  if (location.starts_with(here)) location.remove_prefix(here.size() - 1);
  const auto colon = location.find(':');
  if (location.starts_with("//") || colon < location.find_first_of("/?"))
    throw std::runtime_error("a redirect leads to another site: " + std::string(location));
  const auto path = path_of(base);
  if (location.empty()) return std::string(base);
  if (location.starts_with('?')) return std::string(path) + std::string(location);
  std::string target(location.starts_with('/') ? "" : path.substr(0, path.rfind('/') + 1));
  target += location;
  const auto path_size = path_of(target).size();
  return without_dots(path_of(target)) + target.substr(path_size);
}

}  // namespace

struct TestVisitor::Impl {
  struct Sent {
    std::string method{}, target{}, body{};
    Fields fields{};
  };
  TestClient& client;
  detail::CookieJar jar{};
  Sent last{};
};

TestVisitor::TestVisitor(TestClient& client) : impl_(new Impl{client}) {}
TestVisitor::~TestVisitor() = default;

Response TestVisitor::request(std::string_view method, std::string_view target,
                              const Fields& fields, std::string_view body) {
  // The arguments may be the last one's.
  Impl::Sent now{std::string(method), std::string(target), std::string(body), fields};
  impl_->last = std::move(now);
  const auto& last = impl_->last;
  auto with_cookies = last.fields;
  add_missing(with_cookies, "Host", host);
  add_missing(with_cookies, "Sec-Fetch-Site", "same-origin");
  const auto path = path_of(last.target);
  if (auto line = impl_->jar.line_for(path); !line.empty())
    with_cookies.emplace_back("Cookie", std::move(line));
  auto response = impl_->client.request(last.method, last.target, with_cookies, last.body);
  for (const auto& field : response.fields()) {
    if (detail::same_name(field.name, "Set-Cookie")) impl_->jar.store(field.value, path);
  }
  return response;
}

Response TestVisitor::post_form(std::string_view target, const Fields& values,
                                const Fields& fields) {
  return request("POST", target, detail::form_fields(fields), detail::form_encoded(values));
}

Response TestVisitor::follow(Response response) {
  for (int i = 0; i < most_redirects; ++i) {
    if (!detail::redirects(response.status())) return response;
    const auto& last = impl_->last;
    const auto target = resolved(response.get("Location"), last.target);
    const bool again = response.status() == 307 || response.status() == 308;
    response = again ? request(last.method, target, last.fields, last.body) : get(target);
  }
  throw std::runtime_error("too many redirects");
}

std::optional<std::string> TestVisitor::cookie(std::string_view name, std::string_view path) const {
  return impl_->jar.find(name, path);
}

void TestVisitor::set_cookie(std::string_view set_cookie, std::string_view path) {
  impl_->jar.store(set_cookie, path);
}

}  // namespace flame::inline v0
