#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using session::Session;
using test::body_of;
using test::get;
using test::Wire;

/// Resumes who awaits it on a thread of its own.
struct OnAnotherThread {
  std::vector<std::thread>& threads;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    threads.emplace_back([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}
};

/// What a function of a stream tells its test.
struct Told {
  std::promise<std::string> ended{};
  std::atomic<bool> told{false};
  void tell(const std::string& text) {
    if (!told.exchange(true)) ended.set_value(text);
  }
};

/// Writes for as long as somebody reads.
Response endless(const std::shared_ptr<Told>& told) {
  return streamed(
      [](Context&, Stream& out, std::shared_ptr<Told> to) -> Task<> {
        const std::string piece(64 * 1024, 'x');
        try {
          for (;;) co_await out.write(piece);
        } catch (const std::exception& error) {
          to->tell(error.what());
          throw;
        }
      },
      told);
}

void add_count(Flame& f) {
  f.get("/count", [](Context& c) {
    auto response = streamed(
        [](Context& context, Stream& out, int to) -> Task<> {
          for (int i = 1; i <= to; ++i) {
            co_await out.write(std::to_string(i) + "\n");
            co_await out.write({});
            if (context.query("sleep")) co_await sleep_for(context, 1ms);
          }
        },
        std::stoi(c.query("to").value_or("3")));
    response.set("Content-Type", "text/csv");
    return response;
  });
}

TEST(Stream, IsChunked) {
  Flame f(test::local());
  add_count(f);
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  for (const char* path : {"/count", "/count?sleep"}) {
    wire.send(get(path));
    const std::string expected =
        "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\n1\n\r\n2\r\n2\n\r\n2\r\n3\n\r\n0\r\n\r\n";
    const auto head =
        wire.read(std::string("HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:20:22 GMT\r\n").size());
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << head;
    EXPECT_EQ(wire.read(expected.size()), expected) << path;
  }
  wire.send(get("/count?to=0"));
  wire.send("GET /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto rest = wire.read_all();
  EXPECT_NE(rest.find("chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"), std::string::npos) << rest;
  EXPECT_TRUE(rest.ends_with("2\r\n3\n\r\n0\r\n\r\n")) << rest;
}

TEST(Stream, EndsWithTheConnectionForHttp10) {
  Flame f(test::local());
  add_count(f);
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send("GET /count HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  const auto answer = wire.read_all();
  EXPECT_EQ(body_of(answer), "1\n2\n3\n");
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST(Stream, DoesNotRunForHead) {
  Flame f(test::local());
  std::atomic<int> runs{0};
  f.get("/", [&] {
    return streamed(
        [](Context&, Stream& out, std::atomic<int>& count) -> Task<> {
          ++count;
          co_await out.write("x");
        },
        std::ref(runs));
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/none"));
  wire.finish_sending();
  const auto answers = wire.read_all();
  EXPECT_NE(answers.find("chunked\r\n\r\nHTTP/1.1 404"), std::string::npos) << answers;
  EXPECT_EQ(runs, 0);
}

TEST(Stream, WaitsForAClientThatIsSlower) {
  Flame f(test::local());
  f.get("/", [] {
    return streamed([](Context&, Stream& out) -> Task<> {
      for (int i = 0; i < 4; ++i)
        co_await out.write(std::string(5'000'000, static_cast<char>('a' + i)));
    });
  });
  f.get("/other", [] { return "other"; });
  ASSERT_TRUE(f.start());
  Wire slow(f.address()), other(f.address());
  slow.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  slow.read(10);
  other.send(get("/other"));
  EXPECT_EQ(body_of(other.read_response()), "other");
  const auto body = body_of("HTTP/1.1 " + slow.read_all());
  ASSERT_EQ(body.size(), 20'000'000U);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto piece = std::string_view(body).substr(i * 5'000'000, 5'000'000);
    EXPECT_EQ(piece.find_first_not_of(static_cast<char>('a' + i)), std::string_view::npos) << i;
  }
}

struct Turns {
  std::promise<void> begun{}, go{};
  std::atomic<bool> other{false}, other_was_served{false};
};

/// 100 KB, which no client holds up.
TEST(Stream, LetsOthersHaveTheLoop) {
  Flame f(test::local());
  Turns turns;
  f.get("/many", [&] {
    return streamed(
        [](Context&, Stream& out, Turns& its) -> Task<> {
          its.begun.set_value();
          its.go.get_future().wait();
          for (int i = 0; i < 1'000; ++i) co_await out.write(std::string(100, 'x'));
          its.other_was_served = its.other.load();
        },
        std::ref(turns));
  });
  f.get("/ready", [] { return "ready"; });
  f.get("/other", [&] {
    turns.other = true;
    return "other";
  });
  ASSERT_TRUE(f.start());
  Wire many(f.address()), other(f.address());
  other.send(get("/ready"));
  EXPECT_EQ(body_of(other.read_response()), "ready");
  many.send("GET /many HTTP/1.0\r\nHost: h\r\n\r\n");
  turns.begun.get_future().wait();
  other.send(get("/other"));
  turns.go.set_value();
  EXPECT_EQ(body_of(other.read_response()), "other");
  EXPECT_EQ(body_of(many.read_all()).size(), 100'000U);
  EXPECT_TRUE(turns.other_was_served);
}

TEST(Stream, TellsThatTheClientHasGone) {
  Flame f(test::local());
  const auto told = std::make_shared<Told>();
  f.get("/", [&] { return endless(told); });
  ASSERT_TRUE(f.start());
  {
    Wire wire(f.address());
    wire.send(get("/"));
    wire.read(1'000'000);
    wire.reset_on_close();
  }
  EXPECT_NE(told->ended.get_future().get(), "");
}

TEST(Stream, IsCutWhereItIsReadTooSlowly) {
  HostOptions options;
  options.write_time = 100ms;
  Flame f(test::local(options));
  const auto told = std::make_shared<Told>();
  f.get("/", [&] { return endless(told); });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/"));
  EXPECT_NE(told->ended.get_future().get(), "");
  EXPECT_FALSE(wire.read_all().ends_with("0\r\n\r\n"));
}

TEST(Stream, ThatSleepsLongerThanAnAnswerMayTakeIsNotCut) {
  HostOptions options;
  options.write_time = 40ms;
  Flame f(test::local(options));
  f.get("/", [] {
    return streamed([](Context& c, Stream& out) -> Task<> {
      co_await out.write("a");
      co_await sleep_for(c, 200ms);
      co_await out.write("b");
    });
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(wire.read_all()), "ab");
}

TEST(Stream, ThatThrowsDoesNotLookWhole) {
  Flame f(test::local());
  f.get("/now", [] {
    return streamed([](Context&, Stream& out) -> Task<> {
      co_await out.write("part");
      throw HttpError(404, "too late");
    });
  });
  f.get("/later", [] {
    return streamed([](Context& c, Stream& out) -> Task<> {
      co_await out.write("part");
      co_await sleep_for(c, 1ms);
      throw std::runtime_error("broken");
    });
  });
  testing::internal::CaptureStderr();
  ASSERT_TRUE(f.start());
  for (const char* path : {"/now", "/later"}) {
    Wire wire(f.address());
    wire.send(get(path));
    const auto answer = wire.read_all();
    EXPECT_TRUE(answer.ends_with("chunked\r\n\r\n4\r\npart\r\n")) << answer;
  }
  f.stop();
  const auto lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("GET /now: too late\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("GET /later: broken\n"), std::string::npos) << lines;
}

TEST(Stream, IsCutWhenTheHostStops) {
  HostOptions options;
  options.drain_time = 50ms;
  Flame f(test::local(options));
  const auto writing = std::make_shared<Told>(), sleeping = std::make_shared<Told>();
  f.get("/write", [&] { return endless(writing); });
  f.get("/sleep", [&] {
    return streamed(
        [](Context& c, Stream& out, std::shared_ptr<Told> to) -> Task<> {
          co_await out.write("a");
          try {
            co_await sleep_for(c, 1h);
          } catch (const std::exception& error) {
            to->tell(error.what());
          }
          co_await out.write("b");
        },
        sleeping);
  });
  testing::internal::CaptureStderr();
  ASSERT_TRUE(f.start());
  Wire stuck(f.address()), asleep(f.address());
  stuck.send(get("/write"));
  asleep.send(get("/sleep"));
  stuck.read(1000);
  asleep.read(10);
  f.stop();
  EXPECT_NE(writing->ended.get_future().get(), "");
  EXPECT_NE(sleeping->ended.get_future().get(), "");
  const auto lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("GET /write: cut"), std::string::npos) << lines;
  EXPECT_NE(lines.find("GET /sleep: cut"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("GET /sleep: ", lines.find("GET /sleep: cut") + 1), std::string::npos)
      << lines;
}

TEST(Stream, MayBeResumedByOtherThreads) {
  Flame f(test::local());
  std::vector<std::thread> threads;
  f.get("/", [&] {
    return streamed(
        [](Context&, Stream& out, std::vector<std::thread>& own) -> Task<> {
          const std::string large(500'000, 'x');
          for (int i = 0; i < 5; ++i) {
            OnAnotherThread other{own};
            co_await other;
            co_await out.write(large);
          }
          OnAnotherThread last{own};
          co_await last;
        },
        std::ref(threads));
  });
  ASSERT_TRUE(f.start());
  {
    Wire wire(f.address());
    wire.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    EXPECT_EQ(body_of(wire.read_all()).size(), 2'500'000U);
  }
  f.stop();
  for (auto& thread : threads) thread.join();
}

/// Asks, as soon as the first byte of a stream is there, whether its session is.
TEST(Stream, BeginsWhenItsSessionIsSaved) {
  HostOptions brief;
  brief.drain_time = 50ms;  // its function sleeps on
  Flame f(test::local(brief));
  session::Options options;
  options.on_event = [](const session::Event&) {};
  f.use(session::sessioner(options));
  f.get("/set", [](Session& s) {
    s.set("a", 5);
    return streamed([](Context& c, Stream& out) -> Task<> {
      co_await out.write("begun");
      co_await sleep_for(c, 1h);
    });
  });
  f.get("/get", [](const Session& s) { return std::to_string(s.get_or<int>("a", 0)); });
  ASSERT_TRUE(f.start());
  Wire stays(f.address()), asks(f.address());
  stays.send(get("/set"));
  std::string head;
  while (!head.ends_with("begun")) head += stays.read(1);
  const auto at = head.find("Set-Cookie: ") + 12;
  const auto cookie = head.substr(at, head.find(';', at) - at);
  asks.send("GET /get HTTP/1.1\r\nHost: h\r\nCookie: " + cookie + "\r\n\r\n");
  EXPECT_EQ(body_of(asks.read_response()), "5");
}

TEST(Stream, RefusesAChangeOfTheAnswerOnceItsHeadIsSent) {
  using Change = void (*)(Context&);
  static constexpr std::array<Change, 6> changes{
      [](Context& c) { c.status(404); },     [](Context& c) { c.header("X", "y"); },
      [](Context& c) { c.answer("other"); }, [](Context& c) { c.answer(Response(404)); },
      [](Context& c) { c.redirect("/"); },   [](Context& c) { c.response().body("other"); },
  };
  Flame f(test::local());
  f.get("/{n}", [](Context& c) {
    return streamed(
        [](Context& context, Stream& out, const std::string& text, int n) -> Task<> {
          bool refused = false;
          try {
            changes[static_cast<std::size_t>(n)](context);
          } catch (const std::logic_error&) {
            refused = true;
          }
          context.response() = Response();  // even this leaves the arguments alone
          if (refused) co_await out.write(text);
        },
        std::string(1000, 'x'), std::stoi(c.param("n")));
  });
  ASSERT_TRUE(f.start());
  for (std::size_t n = 0; n < changes.size(); ++n) {
    Wire wire(f.address());
    wire.send("GET /" + std::to_string(n) + " HTTP/1.0\r\nHost: h\r\n\r\n");
    EXPECT_EQ(body_of(wire.read_all()), std::string(1000, 'x')) << n;
  }
}

TEST(Stream, IsReadByATestClient) {
  Flame f;
  add_count(f);
  f.get("/throws", [] {
    return streamed([](Context&, Stream& out) -> Task<> {
      co_await out.write("part");
      throw std::runtime_error("broken");
    });
  });
  f.use([](Context& c, Next next) -> Task<> {
    co_await next();
    c.header("X-After", "1");
  });
  TestClient client(f);
  EXPECT_EQ(client.get("/count?to=2").body(), "1\n2\n");
  EXPECT_EQ(client.get("/count?to=2&sleep").body(), "1\n2\n");
  EXPECT_EQ(client.get("/count").get("Content-Type"), "text/csv");
  EXPECT_EQ(client.get("/count").get("X-After"), "1");
  EXPECT_EQ(client.request("HEAD", "/count").body(), "");
  EXPECT_THROW(client.get("/throws"), std::runtime_error);
}

}  // namespace
}  // namespace flame
