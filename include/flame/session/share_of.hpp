#pragma once

#include <cstddef>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For store authors, who try a server's addresses in turn: of the time until a deadline the part
/// for the first of `parts`, so that one that is silent leaves the others theirs. Unset stays
/// unset.
[[nodiscard]] Deadline share_of(Deadline until, std::size_t parts) noexcept;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
