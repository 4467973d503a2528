#pragma once

#include <memory>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// What the store's make_connection() returns. Throws StoreError where that is null.
[[nodiscard]] std::unique_ptr<StoreConnection> new_connection(Store& store);

}  // namespace flame::inline v0::session
