#pragma once

#include <string_view>

#include <flame/request.hpp>

namespace flame::inline v0::detail {

/// Whether this is the address of one client, and not of this host or a private network, where a
/// proxy may stand that all visitors come through.
[[nodiscard]] bool is_public(std::string_view address) noexcept;

/// The address to count a request by; empty where it may be that of many visitors.
[[nodiscard]] std::string_view client_of(const Request& request) noexcept;

}  // namespace flame::inline v0::detail
