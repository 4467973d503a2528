#pragma once

#include <string_view>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// The store that a URL names: `memory:`, `memory:?max_sessions=N&max_bytes=N`, `file:/path`,
/// `file:/path?durability=none|process_crash|power_cut`, `sqlite:/path?table=…&init_table=true`,
/// the durability as there, and what a server's store takes as its DSN or address. Never throws:
/// what is wrong with the URL is said by Store::prepare(), and so by Manager::open() and
/// Flame::run().
[[nodiscard]] StorePtr open_store(std::string_view url);
/// The same; null, as std::getenv() has it where a variable is not set, is one that is wrong.
[[nodiscard]] StorePtr open_store(const char* url);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
