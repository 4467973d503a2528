#pragma once

#include <cstdint>

#include "root.hpp"

namespace flame::inline v0::session::file {

/// Does what a save does, with the calls that saves make, and takes it away again: throws
/// StoreError(refused) where the file system cannot. On a full disk it stays silent, for reading
/// goes on there. Any number of processes at once. `number` as in Temporary.
void try_a_save(Root& root, std::uint64_t& number);

}  // namespace flame::inline v0::session::file
