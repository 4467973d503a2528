#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runner/dispatch.hpp"

namespace flame::inline v0::session {

/// Walks through an owner's sessions, or everyone's, page by page.
class OwnerPages {
 public:
  static constexpr std::size_t page_size = 128;

  /// `owner`: as the store has it.
  void start(std::string owner) {
    request_ = {.owner = std::move(owner), .limit = page_size};
    is_at_end_ = request_.owner.empty();
  }
  void start_with_everyone() {
    request_ = {.everyone = true, .limit = page_size};
    is_at_end_ = false;
  }
  [[nodiscard]] bool is_at_end() const noexcept { return is_at_end_; }
  /// The call for the next page; it refers to *this.
  void next(std::vector<StoreCall>& calls) {
    calls.clear();
    calls.emplace_back().list = &request_;
  }
  /// What it brought.
  [[nodiscard]] std::vector<Record> take() {
    request_.from = std::move(request_.page.next);
    is_at_end_ = request_.from.empty();
    return std::exchange(request_.page.records, {});
  }

 private:
  ListRequest request_{};
  bool is_at_end_ = true;
};

}  // namespace flame::inline v0::session
