#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

/// What every adapter does besides load and commit. An adapter wraps a handler: it fills in a
/// RequestView, loads what the handler's parameters need, calls it, commits with the status of its
/// response, and adds the fields; where load or commit fails, error_response() takes the place of
/// whatever the handler answered.
namespace flame::inline v0::session::adapter {

/// Empty: nothing is asked of a session, and so none is loaded.
[[nodiscard]] constexpr std::optional<Need> need(bool reads, bool writes, bool flash) noexcept {
  if (!reads && !writes && !flash) return std::nullopt;
  auto out = Need::read;
  if (writes) out = out | Need::write;
  if (flash) out = out | Need::flash;
  return out;
}

template <class T, class... Parameters>
inline constexpr bool takes =
    (std::is_same_v<std::remove_pointer_t<std::remove_reference_t<Parameters>>, T> || ...);

/// The same, from the types of a handler's parameters: Session&, const Session&, const Flash& or
/// Flash, and pointers to them.
template <class... Parameters>
[[nodiscard]] constexpr std::optional<Need> need_of() noexcept {
  return need(takes<const Session, Parameters...>, takes<Session, Parameters...>,
              takes<const Flash, Parameters...> || takes<Flash, Parameters...>);
}

/// Request fields by which browsers tell that they fetch ahead: RequestView::purposes.
inline constexpr std::array<std::string_view, 3> purpose_fields{"Sec-Purpose", "Purpose", "X-Moz"};

/// Whether a field of ResponseFields takes the place of one that is there; others are appended.
[[nodiscard]] constexpr bool replaces(std::string_view name) noexcept {
  return name == "Cache-Control" || name == "Retry-After";
}

/// In place of whatever a handler answered: nothing of it was saved.
struct ErrorResponse {
  int status = 500;
  ResponseFields fields{};
  std::string_view body{};  ///< plain text, with no detail
};
[[nodiscard]] ErrorResponse error_response(const Error& error);

/// For a response that could not be saved, or whose session could not be loaded, and that is sent
/// all the same: it may not be what others should see.
[[nodiscard]] ResponseFields unsaved_fields();

}  // namespace flame::inline v0::session::adapter

#pragma GCC visibility pop
