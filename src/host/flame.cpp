#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include <flame/flame.hpp>
#include <flame/static_files.hpp>

#include "app.hpp"
#include "flame_impl.hpp"
#include "server.hpp"
#include "text.hpp"

namespace flame::inline v0 {
namespace {

void add_all(std::vector<detail::Link>& to, std::vector<detail::Link> links) {
  for (auto& link : links) to.push_back(std::move(link));
}

/// Else what the host opens, or a client's connection, takes the place of a log that is closed.
void hold_standard_descriptors() noexcept {
  int taken = 0;
  do {
    taken = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (taken >= 0 && taken <= STDERR_FILENO);
  if (taken > STDERR_FILENO) ::close(taken);
}

void print_lines(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    detail::log_error(line);
  }
}

}  // namespace

detail::Definition& Flame::Impl::open_definition() {
  if (server && !server->is_ending())
    throw std::logic_error(
        "this Flame is running: routes, middleware, groups and services are added before run() or "
        "start()");
  ++additions;
  return definition;
}

session::Result<void> Flame::Impl::prepare() {
  if (server) {  // of a start before
    if (!server->is_ending()) {
      return tl::unexpected(
          session::Error{session::Errc::invalid_option,
                         "this Flame is running already: stop() it before it starts again"});
    }
    server->wait();
    if (server->holds_on()) leave_behind();
    server.reset();
  }
  auto definition_now = std::make_unique<detail::App>(definition);
  auto opened = definition_now->open();
  if (!opened) return opened;
  app = std::move(definition_now);
  taken_in = additions;
  return opened;
}

void Flame::Impl::leave_behind() noexcept {
  left_behind = true;
  detail::leave_behind(app.release());
}

session::Result<void> Flame::Impl::start(bool with_signals) noexcept try {
  hold_standard_descriptors();
  std::string wrong;
  for (const auto& line : detail::check(options))
    wrong.append(wrong.empty() ? "" : "\n").append(line);
  if (!wrong.empty()) return tl::unexpected(session::Error{session::Errc::invalid_option, wrong});
  if (auto prepared = prepare(); !prepared) return prepared;
  return serve(with_signals);
} catch (...) {
  return tl::unexpected(detail::caught_error());
}

/// prepare() came before, and is undone where this fails.
session::Result<void> Flame::Impl::serve(bool with_signals) {
  const auto undo = [this] {
    server.reset();
    app->close();
  };
  try {
    server = std::make_unique<detail::Server>(*app, options, logs);
    auto started = server->start(with_signals);
    if (!started) undo();
    return started;
  } catch (...) {
    undo();
    throw;
  }
}

Flame::Flame(HostOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
}
Flame::Flame(Flame&&) noexcept = default;
Flame::~Flame() {
  if (!impl_) return;
  stop();
  if (impl_->server && impl_->server->holds_on()) impl_->leave_behind();
  impl_->server.reset();
  if (impl_->left_behind) detail::leave_behind(impl_.release());
}

void Flame::add_route(Method method, std::string_view path, std::vector<detail::Link> links) {
  auto& definition = impl_->open_definition();
  definition.routes.push_back({method, std::string(path), std::move(links), definition.group});
}

void Flame::add_middleware(std::vector<detail::Link> links) {
  add_all(impl_->open_definition().group->links, std::move(links));
}

void Flame::set_not_found(std::vector<detail::Link> links) {
  impl_->open_definition().not_found = std::move(links);
}

void Flame::on_error(ErrorPage page) { impl_->open_definition().error_page = std::move(page); }

void Flame::begin_group(std::string_view prefix, std::vector<detail::Link> links) {
  auto& current = impl_->open_definition().group;
  detail::Definition::Group group{std::string(prefix), std::move(links), current};
  current = std::make_shared<detail::Definition::Group>(std::move(group));
}

void Flame::end_group() noexcept { impl_->definition.group = impl_->definition.group->outer; }

void Flame::add_service(Offer offer, void* object, std::shared_ptr<const void> owner) {
  impl_->open_definition().services.push_back({offer, object, std::move(owner)});
}

void Flame::run() {
  if (auto started = impl_->start(true); !started) {
    print_lines(started.error().text);
    std::exit(EXIT_FAILURE);
  }
  try {
    static_cast<void>(detail::write_now(STDOUT_FILENO, "Listening on http://" + address() + "\n" +
                                                           impl_->app->lines() + impl_->note));
  } catch (const std::bad_alloc&) {
    detail::log_error("out of memory");  // it serves all the same
  }
  impl_->server->wait();
  if (impl_->server->was_cut()) {
    if (impl_->server->holds_on()) ::_exit(EXIT_FAILURE);  // what handlers use must stay
    std::exit(EXIT_FAILURE);
  }
}

session::Result<void> Flame::start() { return impl_->start(false); }

void Flame::stop() noexcept {
  if (!impl_->server) return;
  impl_->server->stop();
  impl_->server->wait();
}

std::string Flame::address() const {
  return impl_->server ? impl_->server->address() : std::string();
}

Flame classic(HostOptions options) {
  Flame host(std::move(options));
  host.impl_->logs = true;
  const StaticFilesOptions files;
  std::error_code ec;
  if (std::filesystem::is_directory(files.folder, ec)) {
    host.use(static_files(files));
  } else {
    host.impl_->note = "Serving no files: there is no folder " +
                       std::filesystem::absolute(files.folder, ec).string() + '\n';
  }
  return host;
}

}  // namespace flame::inline v0
