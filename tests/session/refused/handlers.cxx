// Each case must be refused with a text that says why: see CMakeLists.txt.
#include <string>

#include <flame/session/adapter_handler.hpp>

namespace session = flame::session;
using session::Flash;
using session::Session;

struct Request {};
struct Other {
  std::string body{};
};

template <class F>
void call(F function) {
  Request request;
  session::adapter::Handler<F> handler(function);
  handler(nullptr, nullptr, static_cast<const Request&>(request));
}

int main() {
#ifdef CASE_adapter_foreign
  call([](Session&, const Other&) {});
#endif
#ifdef CASE_adapter_by_value
  call([](Session) {});
#endif
#ifdef CASE_adapter_flash
  call([](Flash&) {});
#endif
#ifdef CASE_adapter_copy
  Other other;
  session::adapter::Handler copies([](Session&, Other) {});
  copies(nullptr, nullptr, other);
#endif
#ifdef CASE_adapter_const
  call([](Session&, Request&) {});
#endif
#ifdef CASE_adapter_template
  call([](auto&) {});
#endif
#ifdef CASE_adapter_mutable
  call([n = 0](Session&) mutable { ++n; });
#endif
}
