#pragma once

namespace flame::inline v0::session {

/// First in, first out, of objects that carry a `next` of their own: allocates nothing, owns
/// nothing.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return !first_; }
  [[nodiscard]] T* front() const noexcept { return first_; }

  void push(T& item) noexcept {
    item.next = nullptr;
    *(first_ ? &last_->next : &first_) = &item;
    last_ = &item;
  }
  /// Null: there is none. What is taken out may be gone before the next is.
  T* pop() noexcept {
    T* const item = first_;
    if (item) first_ = item->next;
    return item;
  }
  [[nodiscard]] Fifo take_all() noexcept {
    Fifo out = *this;
    first_ = nullptr;
    return out;
  }
  /// All of `first`, which is not empty, before what is there.
  void put_before(Fifo first) noexcept {
    first.last_->next = first_;
    if (!first_) last_ = first.last_;
    first_ = first.first_;
  }
  /// Takes out those for which `wanted` holds.
  template <class Predicate>
  [[nodiscard]] Fifo take_if(Predicate wanted) noexcept {
    Fifo out;
    Fifo all = take_all();
    while (T* const item = all.pop()) (wanted(*item) ? out : *this).push(*item);
    return out;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;  // while there is a first
};

}  // namespace flame::inline v0::session
