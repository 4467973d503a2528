#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flame/session/adapter_handler.hpp>

namespace flame::session {
namespace {

template <class F>
auto handler(F function) {
  return adapter::Handler<F>(std::move(function));
}

struct Request {
  int number = 0;
};
struct Response {
  std::string body{};
};

TEST(AdapterHandler, ItsParametersTellWhatItAsksFor) {
  const auto asked = [](auto function) { return decltype(handler(function))::asked; };
  const auto none = asked([](int, Response&) {});
  EXPECT_EQ(none.need, std::nullopt);
  EXPECT_FALSE(none.required);
  const auto reads = asked([](int, const Session&) {});
  EXPECT_EQ(reads.need, Need::read);
  EXPECT_TRUE(reads.required);
  const auto writes = asked([](Session*) {});
  EXPECT_EQ(writes.need, Need::read | Need::write);
  EXPECT_FALSE(writes.required);
  EXPECT_TRUE(asked([](Flash) {}).required);
  EXPECT_TRUE(asked([](const Flash&) {}).required);
  const auto both = asked([](const Session&, const Flash*) {});
  EXPECT_EQ(both.need, Need::read | Need::flash);
  EXPECT_TRUE(both.required);
}

TEST(AdapterHandler, WhatIsNotOursIsTheFrameworksInOrder) {
  const auto handle = handler([](int, Session&, const Request&, const Flash*, std::string) {});
  static_assert(
      std::is_same_v<decltype(handle)::Others,
                     std::tuple<std::type_identity<int>, std::type_identity<const Request&>,
                                std::type_identity<std::string>>>);
}

TEST(AdapterHandler, EachParameterGetsWhatHasItsType) {
  Session session;
  session.set("n", 1);
  const Flash flash(std::string("hello"));
  const Request request{3};
  Response response;
  const auto handle =
      handler([](Response& out, const Flash* message, Session& s, const Request& in, Flash copy) {
        out.body = message->get<std::string>().value_or("") + std::to_string(*s.get<int>("n")) +
                   std::to_string(in.number) + copy.get<std::string>().value_or("");
        return 7;
      });
  EXPECT_EQ(handle(&session, &flash, request, response), 7);
  EXPECT_EQ(response.body, "hello13hello");
  handler([](Response& out) { out.body = "alone"; })(nullptr, nullptr, request, response);
  EXPECT_EQ(response.body, "alone");
}

TEST(AdapterHandler, EqualTypesComeInOrder) {
  Session session;
  const auto handle =
      handler([](int a, Session*, std::string text, int b, const std::string& more) {
        return std::to_string(a) + text + std::to_string(b) + more;
      });
  EXPECT_EQ(handle(&session, nullptr, 1, std::string("x"), 2, std::string("y")), "1x2y");
}

TEST(AdapterHandler, WhatIsMovedInIsMovedOn) {
  const auto handle = handler([](std::unique_ptr<int> given) { return *given; });
  EXPECT_EQ(handle(nullptr, nullptr, std::make_unique<int>(5)), 5);
}

int function(const Session* s) noexcept { return s == nullptr ? 1 : 2; }

TEST(AdapterHandler, AFunctionIsOneToo) {
  Session session;
  EXPECT_EQ(handler(&function)(nullptr, nullptr), 1);
  EXPECT_EQ(handler(&function)(&session, nullptr), 2);
  const std::function<int(Session&, int)> any = [](Session&, int n) { return n; };
  EXPECT_EQ(handler(any)(&session, nullptr, 4), 4);
}

}  // namespace
}  // namespace flame::session
