#include "look_up.hpp"

#include <memory>
#include <utility>

namespace flame::inline v0::session::mongo {

Client make_with(Maker maker, Uri uri, Waiter& waiter, Deadline until) {
  struct Making {
    Uri uri;
    Client made;
  };
  const auto making = std::make_shared<Making>(Making{std::move(uri), nullptr});
  look_up(
      "the name in uri", [maker, making] { making->made.reset(maker(making->uri.get())); }, waiter,
      until);
  return std::move(making->made);
}

}  // namespace flame::inline v0::session::mongo
