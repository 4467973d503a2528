#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/adapter.hpp>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

using Adapter = ManagerTest;

TEST_F(Adapter, AParameterTellsWhatItNeeds) {
  using adapter::need_of;
  EXPECT_EQ((need_of<>()), std::nullopt);
  EXPECT_EQ((need_of<int, std::string&>()), std::nullopt);
  EXPECT_EQ((need_of<const Session&>()), Need::read);
  EXPECT_EQ((need_of<const Session*>()), Need::read);
  EXPECT_EQ((need_of<int, Session&>()), Need::read | Need::write);
  EXPECT_EQ((need_of<Session*>()), Need::read | Need::write);
  EXPECT_EQ((need_of<const Flash&>()), Need::read | Need::flash);
  EXPECT_EQ((need_of<const Flash*, Session&>()), Need::read | Need::write | Need::flash);
  EXPECT_EQ((need_of<Flash>()), Need::read | Need::flash);
  EXPECT_EQ((need_of<Session&, Flash>()), Need::read | Need::write | Need::flash);
}

TEST_F(Adapter, AnErrorIsAStatusFieldsAndATextWithoutDetail) {
  const auto fields_of = [](Errc code) {
    std::string out;
    for (const auto& [name, value] : adapter::error_response({code, "canary"}).fields.fields)
      out += std::string(name) + "=" + value + " ";
    return out;
  };
  const auto down = adapter::error_response({Errc::store_unavailable, "canary"});
  EXPECT_EQ(down.status, 503);
  EXPECT_EQ(down.body, "Service Unavailable\n");
  EXPECT_EQ(fields_of(Errc::store_unavailable), "Cache-Control=no-store Retry-After=1 ");
  EXPECT_EQ(adapter::error_response({Errc::misuse, {}}).status, 500);
  EXPECT_EQ(fields_of(Errc::misuse), "Cache-Control=no-store ");
  EXPECT_EQ(adapter::error_response({Errc::too_many_sessions, {}}).status, 403);
  EXPECT_TRUE(adapter::replaces("Cache-Control"));
  EXPECT_FALSE(adapter::replaces("Vary"));
  EXPECT_FALSE(adapter::replaces("Set-Cookie"));
}

TEST_F(Adapter, FieldsAreGatheredInOneWalk) {
  options.id_header = "X-Session";
  adapter::RequestFields fields(manager());
  for (const auto& [name, value] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"cookie", "a=1"},
                                                                  {"Host", "x"},
                                                                  {"X-SESSION", "one"},
                                                                  {"COOKIE", "b=2"},
                                                                  {"x-session", "two"},
                                                                  {"sec-purpose", "prefetch"},
                                                                  {"x-moz", "prefetch"},
                                                                  {"Cookies", "c=3"}})
    fields.add(name, value);
  const auto view = fields.view();
  const auto all = [](std::span<const std::string_view> values) {
    return std::vector<std::string_view>(values.begin(), values.end());
  };
  EXPECT_EQ(all(view.cookie_lines), (std::vector<std::string_view>{"a=1", "b=2"}));
  EXPECT_EQ(all(view.id_headers), (std::vector<std::string_view>{"one", "two"}));
  EXPECT_EQ(all(view.purposes), (std::vector<std::string_view>{"prefetch", "prefetch"}));
}

TEST_F(Adapter, WithoutAnIdHeaderNoFieldIsOne) {
  adapter::RequestFields fields(manager());
  fields.add("", "x");
  EXPECT_TRUE(fields.view().id_headers.empty());
}

/// A framework that is nobody's, and the whole of an adapter for it.
struct Toy {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  int status = 200;
  Fields fields{};
  std::string body{};

  void set(std::string_view name, std::string_view value) {
    std::erase_if(fields, [&](const auto& each) { return each.first == name; });
    append(name, value);
  }
  void append(std::string_view name, std::string_view value) { fields.emplace_back(name, value); }
  void begin(int new_status, std::string_view text) { *this = {new_status, {}, std::string(text)}; }
};

template <class... Parameters>
Toy run_toy(Manager& manager, const Toy::Fields& request,
            std::type_identity_t<void (*)(Toy&, Parameters...)> handler) {
  Toy response;
  adapter::RequestFields fields(manager);
  for (const auto& [name, value] : request) fields.add(name, value);
  auto view = fields.view();
  view.method = "GET";
  view.secure = true;
  Flash flash;
  auto session = manager.load(view, *adapter::need_of<Parameters...>(), flash);
  if (!session) {
    adapter::settle_failed_load(response, session.error(), true);
    return response;
  }
  const auto give = [&]<class T>(std::type_identity<T>) -> auto& {
    if constexpr (std::is_same_v<T, Session&>)
      return *session;
    else
      return std::as_const(flash);
  };
  handler(response, give(std::type_identity<Parameters>{})...);
  const auto committed =
      response.status < 500 ? manager.commit(*session) : manager.abandon(*session);
  adapter::settle_commit(response, committed, response.status);
  return response;
}

TEST_F(Adapter, AnotherFrameworksIsAPage) {
  const auto value_of = [](const Toy& response, std::string_view name) {
    std::string out;
    for (const auto& [field, value] : response.fields)
      if (field == name) out += value + "|";
    return out;
  };
  const auto begin = [](Toy& response, Session& s) {
    s.set_flash("hello");
    response.append("Vary", "Accept");
    response.set("Cache-Control", "public");
  };
  const auto begun = run_toy<Session&>(manager(), {}, begin);
  EXPECT_EQ(value_of(begun, "Vary"), "Accept|Cookie|");
  EXPECT_EQ(value_of(begun, "Cache-Control").find("public"), std::string::npos);
  const auto set = value_of(begun, "Set-Cookie");
  Toy::Fields visitor;
  visitor.emplace_back("cookie", set.substr(0, set.find(';')));

  const auto fail = [](Toy& response, const Flash& flash) {
    response.body = flash.get<std::string>().value_or("");
    response.status = 500;
  };
  const auto failed = run_toy<const Flash&>(manager(), visitor, fail);
  EXPECT_EQ(failed.body, "hello");
  EXPECT_EQ(value_of(failed, "Cache-Control"), "no-store|");
  const auto show = [](Toy& response, const Flash& flash) {
    response.body = flash.get<std::string>().value_or("");
  };
  EXPECT_EQ(run_toy<const Flash&>(manager(), visitor, show).body, "hello") << "it went back";
  EXPECT_EQ(run_toy<const Flash&>(manager(), visitor, show).body, "");

  store->down();
  const auto down = run_toy<Session&>(manager(), visitor, begin);
  EXPECT_EQ(down.status, 503);
  EXPECT_EQ(down.body, "Service Unavailable\n");
  EXPECT_EQ(value_of(down, "Retry-After"), "1|");
  EXPECT_EQ(value_of(down, "Vary"), "") << "nothing of the handler's answer";
}

TEST_F(Adapter, NothingStartsOnceItsLoopsEnd) {
  adapter::UnderWay under_way;
  EXPECT_FALSE(under_way.enter());
  under_way.leave();
  under_way.open();
  EXPECT_TRUE(under_way.enter());
  EXPECT_FALSE(under_way.close(0ms)) << "one is under way";
  under_way.open();
  std::thread closes([&] { EXPECT_TRUE(under_way.close(1h)); });
  bool refused = false;
  while (!refused) {
    refused = !under_way.enter();
    under_way.leave();
  }
  under_way.leave();
  closes.join();
}

TEST_F(Adapter, TheCookiesNameHasItsPrefix) {
  EXPECT_EQ(manager().cookie_name(), "__Host-session");
}

TEST_F(Adapter, AStatusFrom500OnSavesNothing) {
  const auto cookie = visitor();
  for (const auto& [status, n] : {std::pair(500, 1), std::pair(599, 1), std::pair(499, 2)}) {
    auto session = load(cookie);
    session.set("n", 2);
    CommitOperation operation;
    operation.session = &session;
    operation.status = status;
    operation.executor = reinterpret_cast<Executor*>(&operation);  // a memory store never posts
    ASSERT_TRUE(manager().start(operation));
    EXPECT_EQ(n_of(cookie), n) << status;
  }
}

TEST_F(Adapter, ReadyTellsWhetherTheStoreAnswers) {
  EXPECT_TRUE(manager().ready());
  store->down();
  EXPECT_FALSE(manager().ready());
  store->down(false);
  EXPECT_TRUE(manager().ready());
  EXPECT_TRUE(manager().stop());
  EXPECT_FALSE(manager().ready());
  EXPECT_EQ(count(event::id_rejected), 0U) << "a probe is nobody's request";
  Manager unopened(options, {&clock, &random});
  EXPECT_FALSE(unopened.ready());
}

TEST_F(Adapter, AnAnswerToARequestMakesItReadyToo) {
  const auto cookie = visitor();
  store->down();
  EXPECT_FALSE(try_load(cookie));
  store->down(false);
  EXPECT_TRUE(try_load(cookie));
  EXPECT_TRUE(manager().ready());
}

class Reasons : public ManagerTest {
 protected:
  std::string reason() {
    std::string out;
    for (const auto& each : told())
      if (each.name == event::failed) out = each.text;
    return out;
  }
};

TEST_F(Reasons, EveryFailedLoadOrCommitSaysWhy) {
  options.max_bytes = 64;
  options.max_created_per_second = 1;
  const auto cookie = visitor();
  const auto failing = [&](auto edit) {
    EXPECT_FALSE(request(cookie, edit).result);
    return reason();
  };
  EXPECT_NE(failing([](Session& s) {
              s.set("a", std::string(50, 'x')), s.set("b", std::string(50, 'x'));
            }).find("max_bytes"),
            std::string::npos);
  EXPECT_NE(
      failing([](Session& s) { s.update("n", 0, [](int) -> int { throw 1; }); }).find("update()"),
      std::string::npos);
  random.fail(100);
  EXPECT_NE(failing([](Session& s) { s.regenerate(); }).find("random"), std::string::npos);
  random.fail(0);
  for (int i = 0; i < 10; ++i) request({}, [](Session& s) { s.set("n", 1); });
  EXPECT_NE(reason().find("max_created_per_second"), std::string::npos);
  store->down();
  EXPECT_FALSE(try_load(cookie));
  const auto down = reason();
  EXPECT_FALSE(down.empty());
  EXPECT_EQ(down.find("max_created"), std::string::npos);
  store->down(false);
  auto session = load(cookie);
  commit(session);
  EXPECT_FALSE(commit(session).result);
  EXPECT_NE(reason().find("committed already"), std::string::npos);
}

}  // namespace
}  // namespace flame::session
