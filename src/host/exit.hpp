#pragma once

#include <mutex>

namespace flame::inline v0::detail {

class Server;

/// std::exit() on any thread destroys what loops and handlers use. So it ends this server first,
/// before anything is destroyed that is older than this call, and waits while the lock is held: a
/// start is not interrupted. Throws std::bad_alloc.
[[nodiscard]] std::unique_lock<std::mutex> end_at_exit(Server& server);
/// Waits while that is under way.
void end_no_more(Server& server) noexcept;

}  // namespace flame::inline v0::detail
