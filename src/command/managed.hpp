#pragma once

#include <memory>
#include <string>

#include <flame/session/manager.hpp>

#include "arguments.hpp"

namespace flame::inline v0::session::command {

/// A Manager of that application, whose timeouts let live what any service's would. Throws Failure.
[[nodiscard]] std::unique_ptr<Manager> open_manager(const Arguments& arguments);

/// What an operation brought, or Failure with its text.
template <class T>
[[nodiscard]] T value_of(Result<T> result);

/// On stderr, where nothing was found: an application's name may be wanting.
void tell_whose(const Arguments& arguments);

[[noreturn]] void fail(const Error& error);

/// Runs it to its end, however long it takes; how many were ended.
[[nodiscard]] std::size_t end_with(Manager& manager, EndOperation& operation);

template <class T>
T value_of(Result<T> result) {
  if (!result) fail(result.error());
  return std::move(*result);
}

/// "1 session", "3 sessions".
[[nodiscard]] std::string sessions(std::size_t n);

}  // namespace flame::inline v0::session::command
