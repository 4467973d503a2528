#pragma once

#include <functional>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

/// What every store must do, as checks that any test framework can run. With gtest:
/// conformance.hpp.
namespace flame::inline v0::session::test_support {

/// Makes the store under test: an empty one on each call. The checks connect to it. Null: its
/// backend is not to be had here.
using MakeStore = std::function<StorePtr()>;

class [[gnu::visibility("hidden")]] StoreChecker;

struct StoreCheck {
  const char* name;
  void (*run)(StoreChecker&);
};

/// All checks; each needs a store of its own.
[[nodiscard]] std::vector<StoreCheck> store_checks();

/// Runs one. Answers what the store did wrong, a line each; what it throws is a line, too.
[[nodiscard]] std::vector<std::string> failures(const StoreCheck& check, const MakeStore& make);

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
