#pragma once

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
/// The system's resolver cannot be interrupted: a thread of its own asks it, and is left to it
/// where it hangs. At most 16 are; then a name fails at once until one has come back.
[[nodiscard]] std::vector<std::string> resolve(const std::string& host, Waiter& waiter,
                                               Deadline until);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
