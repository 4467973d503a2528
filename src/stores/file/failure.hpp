#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::file {

/// What an error number of the system means here, and what helps.
[[nodiscard]] std::string explain(int error);

[[nodiscard]] bool is_unsupported(int error) noexcept;
[[nodiscard]] bool is_full(int error) noexcept;
[[nodiscard]] bool is_out_of_descriptors(int error) noexcept;

/// For what surely was not applied: a call of the system failed.
class CallRefused final : public StoreError {
 public:
  CallRefused(const std::string& text, int error)
      : StoreError(Kind::refused, text), error_(error) {}
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  int error_;
};

/// Throws CallRefused. `what`: "could not …".
[[noreturn]] void refuse(std::string_view what, int error);
/// The same, where no rights and no space would help. `cannot`: "lock …".
[[noreturn]] void refuse_file_system(std::string_view cannot, int error);

/// For what is applied, and would be seen by others, but may be lost with the power.
[[noreturn]] void leave_unconfirmed(std::string_view what, int error);

/// For what is applied or not, nobody knows; or where the root has to be opened anew.
[[noreturn]] void lose(std::string_view what, int error);

/// Of many items one that fails does not stop the others: the first failure is told at the end.
class FirstRefusal {
 public:
  template <class F>
  void catch_from(F f) {
    try {
      f();
    } catch (const StoreError& error) {
      if (error.kind() != StoreError::Kind::refused) throw;
      if (!first_) first_ = error;
    }
  }
  void tell() const {
    if (first_) throw StoreError(*first_);
  }

 private:
  std::optional<StoreError> first_;
};

}  // namespace flame::inline v0::session::file
