#include "owner.hpp"

namespace flame::inline v0::session {
namespace {

constexpr char separator = '\0';

}  // namespace

bool needs_application(std::string_view application, std::string_view owner) noexcept {
  return !application.empty() || owner.find(separator) != std::string_view::npos;
}

std::string stored_owner(std::string_view application, std::string_view owner) {
  if (owner.empty() || !needs_application(application, owner)) return std::string(owner);
  std::string out;
  out.reserve(application.size() + 1 + owner.size());
  return out.append(application).append(1, separator).append(owner);
}

std::optional<std::string_view> given_owner(const Header& header,
                                            std::string_view stored) noexcept {
  if (stored.empty() || !header.application) return stored;
  const auto end = stored.find(separator);
  if (end == std::string_view::npos)
    return header.application->empty() ? std::optional(stored) : std::nullopt;
  if (stored.substr(0, end) != *header.application) return std::nullopt;
  return stored.substr(end + 1);
}

}  // namespace flame::inline v0::session
