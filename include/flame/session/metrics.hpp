#pragma once

#include <string>

#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// Manager::counters() and event_counts() as Prometheus reads them: text exposition format 0.0.4,
/// of the type `text/plain; version=0.0.4`. Names no session and no owner. Any thread; nothing is
/// asked of the store. docs/grafana.json is a dashboard of it.
[[nodiscard]] std::string prometheus_text(const Manager& manager);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
