#include <boost/asio/use_future.hpp>

#include <flame/session/asio.hpp>

namespace session = flame::session;

int main() {
  session::Manager manager(session::Options{});
  if (!manager.open()) return 1;
  auto loaded =
      session::asio::async_load(manager, {}, session::Need::write, boost::asio::use_future).get();
  if (!loaded) return 1;
  loaded->session.set("n", 1);
  const auto committed =
      session::asio::async_commit(manager, loaded->session, 200, boost::asio::use_future).get();
  return committed && !committed->fields.empty() ? 0 : 1;
}
