// The token of forms, which lies outside the application's keys.
#include <string>

#include <flame/session/csrf_field.hpp>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerCsrf : public ManagerTest {
 protected:
  struct Issued {
    std::string cookie, token;
  };
  /// What a request that asks for it gets, after `edit`.
  template <class Edit>
  Issued ask(const std::string& cookie, Edit edit) {
    Issued out;
    const auto answer = request(cookie, [&](Session& s) { edit(s), out.token = s.csrf_token(); });
    EXPECT_TRUE(answer.result);
    out.cookie = answer.cookie().empty() ? cookie : answer.cookie();
    return out;
  }
  Issued ask(const std::string& cookie) {
    return ask(cookie, [](Session&) {});
  }
};

TEST_F(ManagerCsrf, TheFirstCallBeginsASessionAndLaterOnesGiveTheSame) {
  const auto first = ask({});
  EXPECT_EQ(first.token.size(), 22U);
  store->reset_counts();
  EXPECT_EQ(ask(first.cookie).token, first.token);
  EXPECT_EQ(store->count(), 1U) << "nothing to save";
  EXPECT_NE(ask({}).token, first.token);
}

TEST_F(ManagerCsrf, IsNoValueOfTheApplications) {
  const auto [cookie, token] = ask(visitor(), [](Session& s) { s.set_flash("hello"); });
  const auto again = ask(cookie, [](Session& s) { s.clear(); });
  EXPECT_EQ(again.token, token);
  Flash flash;
  EXPECT_EQ(load(cookie, Need::write, flash).keys(), Names{});
  EXPECT_EQ(flash.get<std::string>(), "hello");
}

TEST_F(ManagerCsrf, IsNewWithEachNewId) {
  const auto anonymous = ask(visitor());
  const auto alice = ask(anonymous.cookie, [](Session& s) { s.set_owner("alice"); });
  EXPECT_NE(alice.token, anonymous.token);
  EXPECT_EQ(ask(alice.cookie, [](Session& s) { s.set_owner("alice"); }).token, alice.token);
  const auto renewed = ask(alice.cookie, [](Session& s) { s.regenerate(); });
  EXPECT_NE(renewed.token, alice.token);
  EXPECT_EQ(ask(renewed.cookie).token, renewed.token);
  const auto quiet = request(renewed.cookie, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_NE(ask(quiet).token, renewed.token) << "whether or not it is asked for";
}

TEST_F(ManagerCsrf, OfTwoFirstCallsOneHolds) {
  const auto cookie = visitor();
  auto one = load(cookie), other = load(cookie);
  const auto first = one.csrf_token();
  EXPECT_NE(other.csrf_token(), first);
  commit(one), commit(other);
  EXPECT_EQ(ask(cookie).token, first);
}

TEST_F(ManagerCsrf, TakesNoPlaceOfTheValues) {
  options.max_bytes = 64;
  const auto full = ask({}, [](Session& s) { s.set("k", std::string(59, 'x')); });
  EXPECT_EQ(load(full.cookie).get<std::string>("k"), std::string(59, 'x'));
}

TEST_F(ManagerCsrf, ABareSessionHasOne) {
  Session session;
  const auto token = session.csrf_token();
  EXPECT_EQ(token.size(), 22U);
  EXPECT_EQ(session.csrf_token(), token);
}

TEST_F(ManagerCsrf, AFormHoldsItWhereThereIsASession) {
  std::string field;
  const auto show = [&](Session& s) { field = csrf_field(s); };
  EXPECT_EQ(request({}, show).cookie(), "") << "no form begins a session";
  EXPECT_EQ(field, "");
  const auto cookie = visitor();
  EXPECT_TRUE(request(cookie, show).result);
  EXPECT_EQ(field, R"(<input type="hidden" name="csrf_token" value=")" + ask(cookie).token + "\">");
  request({}, [&](Session& s) { s.set("n", 1), show(s); });
  EXPECT_NE(field, "");
  request({}, [&](Session& s) { s.set_owner("ann"), show(s); });
  EXPECT_NE(field, "");
}

TEST_F(ManagerCsrf, WithoutRandomBytesThereIsNone) {
  auto session = load(visitor());
  random.fail();
  EXPECT_THROW(static_cast<void>(session.csrf_token()), std::runtime_error);
}

}  // namespace
}  // namespace flame::session
