#include "failure.hpp"

#include <new>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

Failure failure_of(Errc code, const char* text, bool maybe_applied) noexcept {
  Failure failure{.error = {code, {}}, .maybe_applied = maybe_applied};
  try {
    failure.error.text = text;
  } catch (const std::bad_alloc&) {
  }
  return failure;
}

Failure out_of_memory() noexcept {
  auto failure = failure_of(Errc::out_of_memory, "out of memory", true);
  failure.unconfirmed = true;  // it may have come in the place of the word that it is
  failure.lost = true;
  return failure;
}

void add_to(Error& error, const char* text) noexcept {
  try {
    error.text.append(error.text.empty() ? "" : "; ").append(text);
  } catch (const std::bad_alloc&) {
  }
}

Failure caught_failure() noexcept {
  try {
    throw;
  } catch (const StoreError& error) {
    using Kind = StoreError::Kind;
    const bool refused = error.kind() == Kind::refused;
    auto failure = failure_of(Errc::store_unavailable, error.what(), !refused);
    failure.refused = refused;
    failure.unconfirmed = error.kind() == Kind::unconfirmed;
    failure.lost = error.kind() == Kind::connection_lost;
    return failure;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (...) {
    auto failure =
        failure_of(Errc::store_unavailable, "the store threw no StoreError: a bug of its", true);
    failure.lost = true;
    return failure;
  }
}

}  // namespace flame::inline v0::session
