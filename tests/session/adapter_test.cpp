#include <string>
#include <utility>

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
