#pragma once

#include <vector>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For tools that copy records: the tokens of a record's last writes, up to eight, the newest
/// first, which is Record::token. So a copy whose token is among them is an older state of the same
/// session. Empty for a record that this release cannot read: it is damaged, or of a later one.
[[nodiscard]] std::vector<WriteToken> writes_of(const Record& record);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
