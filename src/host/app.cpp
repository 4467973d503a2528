#include "app.hpp"

#include <algorithm>
#include <utility>

#include "access.hpp"
#include "own_cookie.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0::detail {
namespace {

void add_links(std::vector<Used>& chain, const std::vector<Link>& links, std::string_view by) {
  for (const auto& link : links) chain.push_back({&link, by});
}

void add_groups(std::vector<Used>& chain, const Definition::Group& group, std::string_view by) {
  if (group.outer != nullptr) add_groups(chain, *group.outer, by);
  add_links(chain, group.links, group.outer != nullptr ? by : "f.use(...)");
}

/// A group's own path has no slash at its end.
std::string_view without_lone_slash(std::string_view part) noexcept {
  return part == "/" ? std::string_view() : part;
}

std::string prefix_of(const Definition::Group& group) {
  if (group.outer == nullptr) return {};
  return prefix_of(*group.outer).append(without_lone_slash(group.prefix));
}

/// One that does not start with / would go on with the segment before it.
bool has_loose_part(std::string_view path, const Definition::Group& group) {
  const auto is_loose = [](std::string_view part) { return !part.empty() && part.front() != '/'; };
  return is_loose(path) || (group.outer != nullptr && has_loose_part(group.prefix, *group.outer));
}

template <class T>
void add_once(std::vector<T>& to, const T& pointer) {
  if (pointer && std::find(to.begin(), to.end(), pointer) == to.end()) to.push_back(pointer);
}

Task<> run_chain(Context& context, const Route& route) {
  ContextAccess::route(context) = &route;
  ContextAccess::slots(context).assign(route.slots, nullptr);
  return run_from(context, route.steps.data());
}

}  // namespace

App::App(const Definition& definition) : definition_(definition) {
  for (const auto& line : definition_.routes) add(line);
  compile_rest();
  for (auto service = definition_.services.begin(); service != definition_.services.end();
       ++service) {
    const bool twice = std::any_of(
        definition_.services.begin(), service,
        [&](const Service& other) { return *other.offer.type == *service->offer.type; });
    if (service->object == nullptr) errors_.emplace_back("f.map(...) got a null pointer");
    if (twice) errors_.emplace_back("f.map(...) got two services of one type");
  }
}

void App::add(const Definition::RouteLine& line) {
  auto path = prefix_of(*line.group);
  const bool with_slash_too = line.path == "/" && !path.empty();
  if (!with_slash_too) path += line.path;
  const auto& name = names_.emplace_back(
      std::string(method_names[static_cast<std::size_t>(line.method)]) + ' ' + path);
  auto pattern = parse_pattern(path);
  if (pattern.error.empty() && has_loose_part(line.path, *line.group)) {
    pattern.error = "a path in a group, and a group's prefix, is empty or starts with /";
  }
  if (!pattern.error.empty()) {
    std::string error;
    append_escaped(error, name);
    errors_.push_back(error + ": " + pattern.error);
    return;
  }
  std::vector<Used> chain;
  add_groups(chain, *line.group, name);
  add_links(chain, line.links, name);
  collect(chain);
  refuse_for_all(chain, name);
  refuse_unreached(line.links, name);
  if (line.links.back().may_pass)
    errors_.push_back(name +
                      ": its last handler returns a std::optional, which may be empty, and "
                      "then nobody answers: return flame::Response(404), or let another "
                      "handler follow");
  auto& route = routes_.emplace_back(compile(chain, definition_.services, errors_));
  route.parameters = std::move(pattern.parameters);
  route.name = name;
  const auto* rival = router_.add(line.method, pattern, route);
  if (rival == nullptr && with_slash_too) {
    pattern.segments.emplace_back();
    rival = router_.add(line.method, pattern, route);
  }
  if (rival != nullptr) refuse_rival(route, *rival);
}

void App::refuse_unreached(const std::vector<Link>& links, const std::string& name) {
  const auto last =
      std::find_if(links.begin(), links.end(), [](const Link& link) { return link.is_last; });
  if (last != links.end() && std::next(last) != links.end())
    errors_.push_back(name +
                      ": a handler that returns its answer is not the last, and what follows it "
                      "would never run: guards come first");
}

/// What is used for every request has another name.
void App::refuse_for_all(const std::vector<Used>& chain, std::string_view route) {
  for (const auto& used : chain) {
    if (!used.link->at_start || used.by != route) continue;
    const auto fault = used.link->at_start->fault_in_a_route();
    if (!fault.empty()) errors_.push_back(std::string(route) + ": " + fault);
  }
}

void App::refuse_rival(const Route& route, const Route& other) {
  std::string text(route.name);
  if (route.name == other.name) {
    text += " is there twice";
  } else {
    text.append(" matches the same paths as ").append(other.name);
    text += ", which is there already: leave one of them out";
  }
  errors_.push_back(std::move(text));
}

std::vector<Used> App::with_middleware() const {
  std::vector<Used> chain;
  add_groups(chain, *definition_.outermost, {});
  return chain;
}

void App::compile_rest() {
  built_in_error_ = link_of([](Context& context) {
    const int status = context.response().status();
    context.answer(ResponseAccess::error(status, reason(status)));
  });
  built_in_options_ = link_of([] { return Response(204); });

  auto not_found = with_middleware();
  add_links(not_found, definition_.not_found, "f.not_found(...)");
  collect(not_found);
  refuse_unreached(definition_.not_found, "f.not_found(...)");
  not_found_ = compile_own(std::move(not_found), built_in_error_, "f.not_found(...)");
  not_found_.is_page = !definition_.not_found.empty();
  not_allowed_ = compile_own(with_middleware(), built_in_error_, "f.use(...)");
  options_ = compile_own(with_middleware(), built_in_options_, "OPTIONS");
}

/// Of an answer that is the host's own.
Route App::compile_own(std::vector<Used> chain, const Link& answer, const char* name) {
  chain.push_back({&answer, {}});
  auto route = compile(chain, definition_.services, errors_);
  route.name = name;
  route.is_page = false;
  return route;
}

void App::collect(const std::vector<Used>& chain) {
  for (const auto& used : chain) {
    add_once(providers_, used.link->provider);
    add_once(at_start_, used.link->at_start);
  }
}

session::Result<void> App::open() {
  auto errors = errors_;
  try {
    for (const auto& each : at_start_)
      for (auto& error : each->check()) errors.push_back(std::move(error));
    for (; errors.empty() && opened_ < providers_.size(); ++opened_) {
      if (auto opened = providers_[opened_]->open(); !opened) {
        errors.push_back(std::move(opened.error().text));
        break;
      }
    }
    if (errors.empty()) add_rivals(errors);
  } catch (...) {
    close();
    throw;
  }
  if (errors.empty()) {
    for (const auto& provider : providers_)
      if (const auto* owner = dynamic_cast<const CookieOwner*>(provider.get()))
        cookies_.emplace_back(owner->cookie_name());
    return {};
  }
  close();
  std::string text;
  for (const auto& error : errors) text.append(text.empty() ? "" : "\n").append(error);
  return tl::unexpected(session::Error{session::Errc::invalid_option, std::move(text)});
}

/// Once they are open: only then they know what they are given.
void App::add_rivals(std::vector<std::string>& errors) const {
  for (auto later = providers_.begin(); later != providers_.end(); ++later) {
    const auto claim = (*later)->claim();
    const bool twice = !claim.empty() && std::any_of(providers_.begin(), later, [&](auto& other) {
      return other->claim() == claim;
    });
    if (twice) errors.push_back("two middlewares of one host have " + claim);
  }
}

std::string App::lines() const {
  std::string out;
  for (const auto& each : at_start_) {
    const auto line = each->line();
    if (!line.empty()) out.append(line).append("\n");
  }
  return out;
}

void App::close() noexcept {
  while (opened_ > 0) providers_[--opened_]->close();
}

void App::check_answer(Context& context) const {
  check_end(context);
  check_cookies(context, context.response());
}

void App::check_cookies(const Context& context, const Response& response) const {
  for (const auto& name : cookies_) detail::check_cookies(context, response, name);
}

void App::make_error_page(Context& context) const noexcept try {
  auto& response = context.response();
  if (!definition_.error_page || !ResponseAccess::is_of_host(response)) return;
  const int status = response.status();
  const std::string text = response.body().substr(0, response.body().find_last_not_of('\n') + 1);
  Response page = definition_.error_page(context, status, text);
  if (ResponseAccess::stream(page) != nullptr)
    return log_error("f.on_error(...): a page is no stream");
  check_cookies(context, page);
  page.status(status);
  context.answer(std::move(page));
} catch (...) {
  log_error("f.on_error(...) threw: its page is left out");
}

Task<> App::dispatch(Context& context) const {
  const auto& request = context.request();
  const bool all = request.path() == "*";  // of `OPTIONS *` alone
  const auto match =
      router_.find(request.method(), request.path(), ContextAccess::captured(context));
  if (match.route != nullptr) return run_chain(context, *match.route);
  if (match.allowed == 0 && !all) {
    context.status(404);
    return run_chain(context, not_found_);
  }
  const bool options = request.method() == Method::options;
  context.status(options ? 204 : 405);
  context.header("Allow", allow(all ? router_.allowed_anywhere() : match.allowed));
  return run_chain(context, options ? options_ : not_allowed_);
}

}  // namespace flame::inline v0::detail
