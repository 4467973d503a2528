#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include <flame/session/store.hpp>

namespace demo {

/// Sessions in memory, in a store that blocks as those on servers do.
class ControlledStore final : public flame::session::Store {
 public:
  ControlledStore();

  void hold(bool reads, bool writes);
  void refuse(bool reads, bool writes);
  void free();
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t count() const;

  std::unique_ptr<flame::session::StoreConnection> make_connection() override;
  [[nodiscard]] flame::session::StoreTraits traits() const noexcept override;

 private:
  class Connection;
  struct Lane {
    bool held = false, refused = false;
  };
  struct State {
    std::mutex mutex{};
    std::condition_variable changed{};
    Lane reads{}, writes{};
    std::size_t waiting = 0, count = 0;
  };
  flame::session::StorePtr inner_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace demo
