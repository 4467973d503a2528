#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/store.hpp>

namespace flame::session::tests {

/// What a call threw: kind is empty where it threw nothing.
struct Thrown {
  std::optional<StoreError::Kind> kind{};
  std::string text{};
};
inline Thrown thrown_by(const auto& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return {error.kind(), error.what()};
  }
  return {};
}

/// As StoreConnection::run() wants them.
inline void sort(std::vector<StoreOp>& batch) {
  std::ranges::sort(batch, {}, [](const StoreOp& op) { return std::pair(op.verb, op.record.key); });
}

}  // namespace flame::session::tests
