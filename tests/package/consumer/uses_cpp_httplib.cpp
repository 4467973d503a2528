#include <string>

#include <flame/session/cpp_httplib.hpp>

namespace session = flame::session;

int main() {
  session::Manager manager(session::Options{});
  if (!manager.open()) return 1;
  const session::cpp_httplib::Sessions sessions(manager);
  const auto set = sessions([](session::Session& s) { s.set("n", 1); });
  const httplib::Request request;
  httplib::Response response;
  set(request, response);
  return response.has_header("Set-Cookie") ? 0 : 1;
}
