#include <coroutine>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/session/adapter.hpp>
#include <flame/session/file.hpp>

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

TEST_F(Adapter, WhatIsFetchedForMattersToAMessageAlone) {
  adapter::RequestFields reads(manager(), Need::read | Need::write);
  reads.add("Sec-Purpose", "prefetch");
  reads.add("Cookie", "a=1");
  EXPECT_TRUE(reads.view().purposes.empty());
  EXPECT_EQ(reads.view().cookie_lines.size(), 1U);
  EXPECT_FALSE(reads.wants_more_than_cookies());
  adapter::RequestFields claims(manager(), Need::read | Need::flash);
  claims.add("Sec-Purpose", "prefetch");
  EXPECT_EQ(claims.view().purposes.size(), 1U);
  EXPECT_TRUE(claims.wants_more_than_cookies());
}

TEST_F(Adapter, AnIdHeaderIsLookedForWhateverIsNeeded) {
  options.id_header = "X-Session";
  adapter::RequestFields fields(manager(), Need::read);
  EXPECT_TRUE(fields.wants_more_than_cookies());
  fields.add("x-session", "one");
  EXPECT_EQ(fields.view().id_headers.size(), 1U);
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
};

template <class Handle>
struct ToyExchange {
  const Toy::Fields& request;
  Toy& response;
  Handle handle;

  void gather(adapter::RequestFields& fields) const {
    for (const auto& [name, value] : request) fields.add(name, value);
  }
  void describe(RequestView& view) const {
    view.method = "GET";
    view.secure = true;
  }
  [[nodiscard]] int status() const { return response.status; }
  void set(std::string_view name, std::string_view value) {
    std::erase_if(response.fields, [&](const auto& each) { return each.first == name; });
    append(name, value);
  }
  void append(std::string_view name, std::string_view value) {
    response.fields.emplace_back(name, value);
  }
  void begin(int status, std::string_view text) { response = {status, {}, std::string(text)}; }
};

template <class F>
Toy run_toy(Manager& manager, const Toy::Fields& request, F function) {
  const adapter::Handler<F> handler(std::move(function));
  Toy response;
  const auto handle = [&](Session* session, const Flash* flash) {
    handler(session, flash, response);
  };
  ToyExchange<decltype(handle)> exchange{request, response, handle};
  adapter::serve(manager, handler.asked, exchange);
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
    response.fields.emplace_back("Vary", "Accept");
    response.fields.emplace_back("Cache-Control", "public");
  };
  const auto begun = run_toy(manager(), {}, begin);
  EXPECT_EQ(value_of(begun, "Vary"), "Accept|Cookie|");
  EXPECT_EQ(value_of(begun, "Cache-Control").find("public"), std::string::npos);
  const auto set = value_of(begun, "Set-Cookie");
  Toy::Fields visitor;
  visitor.emplace_back("cookie", set.substr(0, set.find(';')));

  const auto fail = [](Toy& response, const Flash& flash) {
    response.body = flash.get<std::string>().value_or("");
    response.status = 500;
  };
  const auto failed = run_toy(manager(), visitor, fail);
  EXPECT_EQ(failed.body, "hello");
  EXPECT_EQ(value_of(failed, "Cache-Control"), "no-store|");
  const auto show = [](Toy& response, const Flash& flash) {
    response.body = flash.get<std::string>().value_or("");
  };
  EXPECT_EQ(run_toy(manager(), visitor, show).body, "hello") << "it went back";
  EXPECT_EQ(run_toy(manager(), visitor, show).body, "");

  store->down();
  const auto down = run_toy(manager(), visitor, begin);
  EXPECT_EQ(down.status, 503);
  EXPECT_EQ(down.body, "Service Unavailable\n");
  EXPECT_EQ(value_of(down, "Retry-After"), "1|");
  EXPECT_EQ(value_of(down, "Vary"), "") << "nothing of the handler's answer";
}

TEST_F(Adapter, AMessageIsLeftWhereTheHandlerTakesNone) {
  const auto begun = run_toy(manager(), {}, [](Toy&, Session& s) { s.set_flash("hello"); });
  Toy::Fields visitor;
  for (const auto& [name, value] : begun.fields)
    if (name == "Set-Cookie") visitor.emplace_back("Cookie", value.substr(0, value.find(';')));
  const auto show = [](Toy& response, const Flash& flash) {
    response.body = flash.get<std::string>().value_or("");
  };
  run_toy(manager(), visitor, [&](Toy&, const Session&) {
    EXPECT_EQ(run_toy(manager(), visitor, show).body, "hello") << "at the same time";
  });
}

TEST_F(Adapter, WhatAHandlerThrowsPassesAndNothingIsSaved) {
  const auto cookie = visitor();
  const Toy::Fields request{{"Cookie", cookie}};
  EXPECT_THROW(run_toy(manager(), request,
                       [](Session& s) {
                         s.set("n", 2);
                         throw std::runtime_error("on purpose");
                       }),
               std::runtime_error);
  EXPECT_EQ(n_of(cookie), 1);
}

TEST_F(Adapter, AHandlerThatDoesWithoutIsCalledWhereTheStoreIsDown) {
  const Toy::Fields request{{"Cookie", visitor()}};
  store->down();
  const auto optional =
      run_toy(manager(), request, [](Toy& response, const Session* s, const Flash*) {
        response.body = s == nullptr ? "away" : "there";
      });
  EXPECT_EQ(optional.body, "away");
  ASSERT_EQ(optional.fields.size(), 1U);
  EXPECT_EQ(optional.fields[0].second, "no-store");
  const auto required =
      run_toy(manager(), request,
              [](Toy& response, const Session&, const Flash*) { response.body = "called"; });
  EXPECT_EQ(required.status, 503);
}

/// As ToyExchange, in a coroutine, whose own function throws.
struct FailingExchange {
  std::string& told;

  void gather(adapter::RequestFields&) const { throw std::runtime_error("no memory"); }
  void describe(RequestView&) const {}
  std::suspend_never handle(Session*, const Flash*) {
    told += "called ";
    return {};
  }
  [[nodiscard]] int status() const { return 200; }
  void set(std::string_view, std::string_view) {}
  void append(std::string_view, std::string_view) {}
  void begin(int, std::string_view) {}
  [[nodiscard]] Executor* executor() const { return nullptr; }
  void finish(const std::exception_ptr& thrown) const try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    told += e.what();
  }
};

TEST_F(Adapter, WhatAnExchangeThrowsEndsItsRequestAlone) {
  std::string told;
  adapter::serve_in<adapter::Detached>(manager(), nullptr, {Need::read, true},
                                       std::optional(FailingExchange{told}));
  EXPECT_EQ(told, "no memory");
}

TEST_F(Adapter, AStoreInMemoryKeepsNobodyWaiting) {
  EXPECT_FALSE(Manager({}).waits());
  EXPECT_TRUE(Manager({.store = file::store({.root_dir = "."})}).waits());
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
  EXPECT_EQ(count(event::failed), 0U);
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
  /// The last text of such an event.
  std::string reason(std::string_view name = event::failed) {
    std::string out;
    for (const auto& each : told())
      if (each.name == name) out = each.text;
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
  EXPECT_NE(reason(event::creation_refused).find("max_created_per_second"), std::string::npos);
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
