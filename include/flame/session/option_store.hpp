#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// A store among options: a StorePtr, that a URL does not become of itself.
struct OptionStore : StorePtr {
  OptionStore() noexcept = default;
  template <class Pointer>
  requires std::is_convertible_v<Pointer, StorePtr> OptionStore(
      Pointer&& store)  // NOLINT: implicit is its purpose
      : StorePtr(std::forward<Pointer>(store)) {}
  template <class Url>
  requires(!std::is_convertible_v<Url, StorePtr> && std::is_convertible_v<Url, std::string_view>)
      OptionStore(const Url&) {  // NOLINT: to say what is wrong
    static_assert(!std::is_convertible_v<Url, std::string_view>,
                  "an option of a store is no URL: write session::open_store(url), of "
                  "<flame/session/open_store.hpp>");
  }
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
