#pragma once

#include <flame/middleware.hpp>
#include <flame/response.hpp>
#include <flame/session/environment.hpp>
#include <flame/session/manager.hpp>
#include <flame/session/session.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// Gives handlers their Session, const Session, const Flash and Manager. Routes that ask for none
/// of them pay nothing. Session or Flash by reference: 503 while the store is down; by pointer:
/// null where it could not be loaded; what is set and cannot be saved is a 503 in either case. The
/// Manager is its own: opened by Flame::run() and start(), which report a wrong
/// option; stopped with the host. `environment`: a clock and a random source for tests.
[[nodiscard]] Middleware sessioner(Options options = {}, Environment environment = {});

/// The same on a Manager of the application's, who keeps it until the host has stopped, and stops
/// it. The host opens it where that was not done.
[[nodiscard]] Middleware sessioner_on(Manager& manager);

/// A handler that answers prometheus_text(): f.get("/metrics", session::metrics). It holds no
/// secret, but is not for visitors: serve it where they cannot come.
[[nodiscard]] Response metrics(Manager& manager);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
