#pragma once

#include <array>
#include <atomic>
#include <mutex>

#include "descriptor.hpp"
#include "failure.hpp"

namespace flame::inline v0::session::file {

/// Descriptors that all connections of a store keep for reading, and for connecting: where the
/// process has no other left, one of these is given up, and taken back once it is free again. Any
/// thread.
class Reserve {
 public:
  /// What `open` gives; tried again with each that is given up. Without one errno says why.
  template <class F>
  [[nodiscard]] Descriptor open(F open) noexcept {
    Descriptor file = open();
    while (!file && is_out_of_descriptors(errno) && give_one_up()) file = open();
    return file;
  }

  /// Takes back what is missing, first of all what `read` has: otherwise another thread may be
  /// faster. What cannot be had now is taken the next time.
  void refill(Descriptor read = {}) noexcept;

 private:
  /// False: nothing is left.
  [[nodiscard]] bool give_one_up() noexcept;

  std::atomic<bool> is_full_{false};  // asked by each load
  std::mutex mutex_;
  Descriptor source_;  // all others are duplicates of it; it is never given up
  std::array<Descriptor, 8> kept_;
};

}  // namespace flame::inline v0::session::file
