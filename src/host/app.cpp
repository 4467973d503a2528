#include "app.hpp"

#include <algorithm>
#include <utility>

#include "access.hpp"

namespace flame::inline v0::detail {
namespace {

void add_links(std::vector<Used>& chain, const std::vector<Link>& links, std::string_view by) {
  for (const auto& link : links) chain.push_back({&link, by});
}

void add_groups(std::vector<Used>& chain, const Definition::Group* group, std::string_view by) {
  if (group == nullptr) return;
  add_groups(chain, group->outer.get(), by);
  add_links(chain, group->links, by);
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
  const auto& name = names_.emplace_back(
      std::string(method_names[static_cast<std::size_t>(line.method)]) + ' ' + line.path);
  auto pattern = parse_pattern(line.path);
  if (!pattern.error.empty()) {
    errors_.push_back(name + ": " + pattern.error);
    return;
  }
  auto chain = with_middleware();
  add_groups(chain, line.group.get(), name);
  add_links(chain, line.links, name);
  collect(chain);
  auto& route = routes_.emplace_back(compile(chain, definition_.services, errors_));
  if (!router_.add(line.method, pattern, route)) errors_.push_back(name + " is there twice");
  route.parameters = std::move(pattern.parameters);
  route.name = name;
}

std::vector<Used> App::with_middleware() const {
  std::vector<Used> chain;
  add_links(chain, definition_.middleware, "f.use(...)");
  return chain;
}

void App::compile_rest() {
  built_in_not_found_ = link_of([] { return std::string("Not Found\n"); });
  built_in_not_allowed_ = link_of([] { return std::string("Method Not Allowed\n"); });

  auto not_found = with_middleware();
  add_links(not_found, definition_.not_found, "f.not_found(...)");
  not_found.push_back({&built_in_not_found_, {}});
  collect(not_found);
  not_found_ = compile(not_found, definition_.services, errors_);
  not_found_.name = "f.not_found(...)";
  not_found_.is_page = !definition_.not_found.empty();

  auto not_allowed = with_middleware();
  not_allowed.push_back({&built_in_not_allowed_, {}});
  not_allowed_ = compile(not_allowed, definition_.services, errors_);
  not_allowed_.name = "f.use(...)";
  not_allowed_.is_page = false;

  built_in_options_ = link_of([] { return Response(204); });
  auto options = with_middleware();
  options.push_back({&built_in_options_, {}});
  options_ = compile(options, definition_.services, errors_);
  options_.name = "OPTIONS *";
  options_.is_page = false;
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
  if (errors.empty()) return {};
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

Task<> App::dispatch(Context& context) const {
  const auto& request = context.request();
  const auto match =
      router_.find(request.method(), request.path(), ContextAccess::captured(context));
  if (request.path() == "*") return run_chain(context, options_);
  if (match.route != nullptr) return run_chain(context, *match.route);
  if (match.allowed == 0) {
    context.status(404);
    return run_chain(context, not_found_);
  }
  context.status(405).header("Allow", allow(match.allowed));
  return run_chain(context, not_allowed_);
}

}  // namespace flame::inline v0::detail
