#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/handler.hpp>
#include <flame/middleware.hpp>

namespace flame::inline v0::detail {

/// One handler of a compiled chain; without any of the three: its end.
struct Step {
  void (*direct)(const void* object, Context&, const Binding*) = nullptr;
  Task<> (*around)(const void* object, Context&, const Binding*, Next) = nullptr;
  Provider* provider = nullptr;
  bool blocks = false;  // a direct one, that runs on a thread of the pool
  const void* object = nullptr;
  std::vector<Binding> bindings{};
  std::vector<Wanted> wanted{};

  /// Of the chain: nobody follows.
  [[nodiscard]] bool is_end() const noexcept {
    return direct == nullptr && around == nullptr && provider == nullptr;
  }
};

/// The chain of one route, ready to run: what its handlers ask for is found already.
struct Route {
  std::string_view name{};  // "GET /x", for the log
  std::vector<Step> steps{};
  std::size_t slots = 1;
  bool is_page = true;  // false: the host's own answer, which shows no flash message
  std::vector<std::string> parameters{};  // names, in the order of the path
};

struct Service {
  Offer offer{};
  void* object = nullptr;
  std::shared_ptr<const void> owner{};
};

/// A handler with who asked for it: "GET /x", or "f.use(...)".
struct Used {
  const Link* link = nullptr;
  std::string_view by{};
};

/// Of a chain that is done: throws where it ended too early, with nothing to send.
void check_end(Context& context);

/// Adds a line to `errors` for each thing that a handler asks for in vain. The links outlive the
/// route.
[[nodiscard]] Route compile(const std::vector<Used>& chain, const std::vector<Service>& services,
                            std::vector<std::string>& errors);

}  // namespace flame::inline v0::detail
