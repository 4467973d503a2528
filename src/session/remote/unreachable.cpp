#include <errno.h>

#include <algorithm>
#include <array>
#include <system_error>

#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session {
namespace {

struct Remedy {
  int error;
  std::string_view text;
};

constexpr std::string_view no_way =
    "is the address right, and does this machine's network lead there?";
constexpr std::string_view forbidden =
    "may this user write to the socket, and does a firewall of this machine let it connect?";
constexpr std::string_view otherwise = "is it running, and are host and port right?";

constexpr std::array remedies{
    Remedy{ECONNREFUSED,
           "is it running, does it listen at just that address, and does no firewall refuse it?"},
    Remedy{
        ETIMEDOUT,
        "is that machine up, is the address right, and does no firewall drop what is sent there?"},
    Remedy{EHOSTUNREACH, no_way},
    Remedy{ENETUNREACH, no_way},
    Remedy{EADDRNOTAVAIL, no_way},
    Remedy{ENOENT, "is it running, and is that the path of its socket?"},
    Remedy{EACCES, forbidden},
    Remedy{EPERM, forbidden},
};

std::string words_of(int error) { return std::generic_category().message(error); }

}  // namespace

std::string unreachable(std::string_view address, int error) {
  const auto* const at = std::ranges::find(remedies, error, &Remedy::error);
  auto text = std::string("the store's server, `").append(address).append("`, cannot be reached: ");
  if (error != 0) text.append(words_of(error)).append(": ");
  return text.append(at == remedies.end() ? otherwise : at->text);
}

int connect_error_in(std::string_view message) {
  const auto* const at = std::ranges::find_if(remedies, [&](const Remedy& each) {
    return message.find(words_of(each.error)) != message.npos;
  });
  return at == remedies.end() ? 0 : at->error;
}

std::string no_answer(std::string_view address, std::string_view kind, bool is_late) {
  return std::string(address)
      .append(" took the connection and did not answer")
      .append(is_late ? " in time" : "")
      .append(" as a ")
      .append(kind)
      .append(" server does: check host and port, and that server");
}

}  // namespace flame::inline v0::session
