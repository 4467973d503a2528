#pragma once

#include <functional>
#include <string>
#include <vector>

#include <flame/session/waiter.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For store authors, whose connect() must end in time: the numeric addresses of a host, in the
/// order that the system gives, asked anew at each call, so that a server may move. Throws
/// StoreError connection_lost where the name is not known, or not known by `until`, and as the
/// Waiter does: also once it was interrupted.
///
/// The system's resolver cannot be interrupted: see look_up().
[[nodiscard]] std::vector<std::string> resolve(const std::string& host, Waiter& waiter,
                                               Deadline until);

/// Threads of a process that wait for the resolver; then a name fails at once until one is back.
inline constexpr int most_looking_up = 16;

/// The same for a driver that asks the resolver by itself: runs `ask` on a thread of its own, which
/// is left to it where it hangs, and returns once it has ended. `name` is what a StoreError of this
/// begins with, such as "the name of the store's host, `h`,". What `ask` refers to it must share,
/// for it may end at any time after this; what it throws is dropped.
void look_up(const std::string& name, std::function<void()> ask, Waiter& waiter, Deadline until);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
