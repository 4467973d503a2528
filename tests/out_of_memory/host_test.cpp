// Out of memory ends a connection, or a start; and nothing that others wait for.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include <flame/flame.hpp>

#include "../host/support.hpp"
#include "failing.hpp"
#include "host/app.hpp"
#include "host/file.hpp"
#include "host/worker.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::After, test::body_of, test::Failing, test::Wire;

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
}

/// Empty where the connection was closed instead.
std::string ask(const std::string& address, const std::string& path) {
  Wire wire(address);
  wire.send(get(path));
  return body_of(wire.read_all());
}

/// A host whose one loop is short of memory when told.
class Short {
 public:
  Short() : host_(test::local(options())) {
    host_.get("/fail/{n}", [this](Context& c) { failing_.emplace(std::stol(c.param("n"))); });
    host_.get("/failed", [this] {
      const bool failed = failing_ && failing_->failed();
      failing_.reset();
      return failed ? "yes" : "no";
    });
    host_.get("/", [] { return std::string(10'000, 'x'); });
    host_.get("/slow", [](Context& c) -> Task<std::string> {
      co_await sleep_for(c, 1ms);
      co_return "slow";
    });
    EXPECT_TRUE(host_.start());
  }
  std::string get(const std::string& path) { return ask(host_.address(), path); }
  /// Allocation n from now on fails while it serves. False: there are no more.
  bool fail(long n) {
    get("/fail/" + std::to_string(n));
    get("/");
    get("/slow");
    const auto once = get("/failed");
    return (once.empty() ? get("/failed") : once) != "no";  // it may have failed in this one
  }
  /// Whether it ended before the time that it gives to connections that stay.
  bool stops() {
    auto stopping = std::async(std::launch::async, [this] { host_.stop(); });
    return stopping.wait_for(30s) == std::future_status::ready;
  }

 private:
  static HostOptions options() {
    HostOptions options;
    options.drain_time = 60s;
    return options;
  }

  std::optional<Failing> failing_{};  // the loop's
  Flame host_;
};

TEST(Host, ServesOnWhicheverAllocationFailed) {
  bool more = true;
  for (long n = 0; more; ++n) {
    Short host;
    more = host.fail(n);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(host.get("/").size(), 10'000U) << "allocation " << n;
    ASSERT_EQ(host.get("/slow"), "slow") << "allocation " << n;
    ASSERT_TRUE(host.stops()) << "allocation " << n;
  }
}

TEST(Host, StartsOrSaysWhyNot) {
  HostOptions options;
  options.threads = 3;
  Flame f(test::local(options));
  f.get("/", [] { return "here"; });
  bool failed = true;
  for (long n = 0; failed; ++n) {
    session::Result<void> started;
    {
      const Failing failing(n);
      started = f.start();
      failed = failing.failed();
    }
    if (started) {
      EXPECT_EQ(ask(f.address(), "/"), "here") << "allocation " << n;
      f.stop();
    } else {
      EXPECT_EQ(started.error().code, session::Errc::out_of_memory) << "allocation " << n;
      EXPECT_EQ(started.error().text, "out of memory");
    }
  }
}

/// A worker that listens, on the thread of the test.
struct OneWorker {
  explicit OneWorker(HostOptions options = {})
      : shared{app, std::move(options), false, {10'000, 0}, {1, 1, [] {}}} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    detail::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(socket.get(), 8), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    worker.emplace(shared, boost::asio::ip::tcp::v4(), std::move(socket));
  }
  /// False: nothing came to do.
  bool run_one() { return worker->loop().io().run_one_for(30s) > 0; }
  /// Until there are so many connections.
  void run_until(std::size_t connections) {
    while (shared.places.taken() != connections) ASSERT_TRUE(run_one());
  }

  detail::Definition definition{};
  detail::App app{definition};
  detail::Shared shared;
  std::string address{};
  std::optional<detail::Worker> worker{};
};

TEST(Worker, AcceptsAgainOnceThereIsMemory) {
  OneWorker one;
  {
    Wire in_vain(one.address);
    const Failing failing(0, After::fails_too);
    ASSERT_TRUE(one.run_one());
    EXPECT_EQ(in_vain.read(1), "");
    EXPECT_EQ(one.shared.places.taken(), 0U);
  }
  const Wire wire(one.address);
  one.run_until(1);
}

TEST(Worker, ItsLimitsNeedNoMemory) {
  HostOptions options;
  options.idle_time = 1'100ms;  // and so the date changes meanwhile
  OneWorker one(options);
  Wire wire(one.address);
  one.run_until(1);
  {
    const Failing failing(0, After::fails_too);
    one.run_until(0);
  }
  EXPECT_EQ(wire.read_all(), "");
}

TEST(Worker, IsEndedWithoutMemory) {
  OneWorker one;
  Wire wire(one.address);
  one.run_until(1);
  std::thread running([&] { one.worker->run(); });
  {
    const Failing failing(0, After::fails_too);
    one.worker->drain();
    one.worker->finish();
  }
  running.join();
  EXPECT_EQ(one.shared.places.taken(), 0U);
  EXPECT_EQ(wire.read_all(), "");
  EXPECT_FALSE(Wire(one.address).connected());
}

}  // namespace
}  // namespace flame
