// What one client, or many, may take of a host: descriptors, memory, time.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/places.hpp"
#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::get;
using test::status_of;
using test::Wire;

TEST(Descriptors, ProgramsThatAHandlerStartsInheritNone) {
  Flame f(test::local());
  f.get("/", [] {
    std::string out;
    // what readlink says of each, but of the pipes and files that the test itself has
    FILE* program = ::popen("ls -l /proc/self/fd | grep -c -e socket: -e anon_inode", "r");
    std::array<char, 64> line{};
    if (std::fgets(line.data(), line.size(), program) != nullptr) out = line.data();
    ::pclose(program);
    return out;
  });
  const auto inherited = [] {  // without a host: by the test program itself
    FILE* program = ::popen("ls -l /proc/self/fd | grep -c -e socket: -e anon_inode", "r");
    std::array<char, 64> line{};
    if (std::fgets(line.data(), line.size(), program) == nullptr) line[0] = '?';
    ::pclose(program);
    return std::string(line.data());
  };
  const auto before = inherited();
  ASSERT_TRUE(f.start());
  const int mine = ::fcntl(0, F_GETFD);
  ASSERT_NE(mine, -1);
  Wire wire(f.address());  // its own descriptor is close-on-exec too
  wire.send(get("/"));
  EXPECT_EQ(body_of(wire.read_response()), before);
}

TEST(DescriptorsDeath, TheSoftLimitIsRaisedAndAReserveIsKept) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        rlimit limit{};
        limit.rlim_cur = 256;
        limit.rlim_max = 4'096;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(9);
        if (detail::raise_descriptors(10'000, 50) != 4'096 - 1'024 - 50) ::_exit(8);
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 4'096) ::_exit(7);
        if (detail::raise_descriptors(100, 50) != 100) ::_exit(6);
        limit.rlim_cur = limit.rlim_max = 64;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(5);
        if (detail::raise_descriptors(10'000, 30) != 64 - 16 - 30) ::_exit(4);
        if (detail::raise_descriptors(10'000, 48) != 0) ::_exit(3);
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

/// What the soft limit is while one lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t soft) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit lower{soft, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
  }
  ~DescriptorLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

HostOptions at_most(std::size_t connections) {
  HostOptions options;
  options.max_connections = connections;
  options.head_time = 40ms;  // and so the clock ticks often
  return test::local(options);
}

TEST(Bounds, AtTheBoundTheLongestIdleOneIsClosed) {
  Flame f(at_most(2));
  f.get("/", [] { return "x"; });
  ASSERT_TRUE(f.start());
  Wire first(f.address()), second(f.address());
  for (auto* wire : {&first, &second, &first}) {
    wire->send(get("/"));
    EXPECT_EQ(body_of(wire->read_response()), "x");
  }
  for (;;) {  // until both have been idle for a tick
    Wire third(f.address());
    third.send(get("/"));
    if (status_of(third.read_response()) == "200") break;
  }
  EXPECT_EQ(second.read_all(), "") << "the longest idle";
  first.send(get("/"));
  EXPECT_EQ(body_of(first.read_response()), "x");
}

TEST(Bounds, OneThatHasSentHalfALineEndIsIdle) {
  Flame f(at_most(1));
  f.get("/", [] { return "x"; });
  ASSERT_TRUE(f.start());
  Wire half(f.address());
  half.send(get("/") + "\r");
  EXPECT_EQ(body_of(half.read_response()), "x");
  std::string status;
  for (int tries = 0; tries < 200 && status != "200"; ++tries) {  // until it was idle for a tick
    Wire other(f.address());
    other.send(get("/"));
    status = status_of(other.read_response());
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(status, "200");
}

TEST(Bounds, OfOneAddress) {
  detail::Places places(8, 0);
  using Answer = detail::Places::Answer;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(places.take("203.0.113.7", false), Answer::taken);
  EXPECT_EQ(places.take("203.0.113.7", false), Answer::full_for_one);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(places.take("10.0.0.1", false), Answer::taken) << "a proxy, perhaps";
  EXPECT_EQ(places.take("203.0.113.8", false), Answer::full);
  places.give_back("203.0.113.7");
  EXPECT_EQ(places.take("203.0.113.8", false), Answer::taken);
  EXPECT_EQ(places.take("203.0.113.9", true), Answer::taken);
  EXPECT_EQ(places.taken(), 9U);
  const auto one = [](const char* text) {
    return detail::Places::one(boost::asio::ip::make_address(text));
  };
  EXPECT_EQ(one("2001:db8::1"), one("2001:db8::2:3"));
  EXPECT_NE(one("2001:db8::1"), one("2001:db8:0:1::1"));

  HostOptions options;
  options.max_per_address = 1;
  Flame f(test::local(options));
  std::atomic<bool> go{false}, under_way{false};
  f.get("/", [&](Context& c) -> Task<> {
    under_way = true;
    while (!go) co_await sleep_for(c, 1ms);
  });
  ASSERT_TRUE(f.start());
  Wire busy(f.address());
  busy.send(get("/"));
  while (!under_way) std::this_thread::yield();
  EXPECT_EQ(status_of(Wire(f.address()).read_all()), "503");
  go = true;
}

TEST(Bounds, AFileThatNoDescriptorIsLeftForIs503) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "bounds_files";
  std::filesystem::create_directories(folder / "public");
  std::ofstream(folder / "public" / "x.txt") << "file";
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  Flame f = classic(test::local());
  std::filesystem::current_path(before);
  f.get("/plain", [] { return "plain"; });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/x.txt"));
  EXPECT_EQ(body_of(wire.read_response()), "file");
  {
    const DescriptorLimit none(1);
    wire.send(get("/x.txt"));
    EXPECT_EQ(status_of(wire.read_response()), "503");
    wire.send(get("/no.txt"));
  }
  wire.read_response();
  wire.send(get("/no.txt"));
  EXPECT_EQ(status_of(wire.read_response()), "404");
  std::filesystem::remove_all(folder);
}

TEST(Bounds, WhoCameWhenNoDescriptorWasLeftIsServedOnceAnIdleOneMadeRoom) {
  HostOptions options;
  options.threads = 1;
  Flame f(test::local(options));
  f.get("/", [] { return "plain"; });
  ASSERT_TRUE(f.start());
  Wire idle(f.address());
  idle.send(get("/"));
  ASSERT_EQ(body_of(idle.read_response()), "plain");
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  const DescriptorLimit one(static_cast<rlim_t>(next) + 1);  // for the client, not the host
  Wire late(f.address());
  late.send(get("/"));
  EXPECT_EQ(body_of(late.read_response()), "plain");
  EXPECT_EQ(idle.read_all(), "") << "it made room";
}

TEST(Bounds, OfAllBodiesTogether) {
  HostOptions options;
  options.max_bodies = 1'000;
  options.max_body = options.max_bodies;
  Flame f(test::local(options));
  f.post("/", [](Context& c) { return std::to_string(c.body().size()); });
  ASSERT_TRUE(f.start());
  const auto post = [](std::size_t size) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  Wire half(f.address()), other(f.address());
  half.send(post(601) + std::string(600, 'a'));
  const auto answer = [&](std::size_t size) {
    Wire wire(f.address());
    wire.send(post(size) + std::string(size, 'b'));
    return wire.read_response();
  };
  while (status_of(answer(401)) != "503") std::this_thread::yield();  // until `half` is read
  EXPECT_EQ(body_of(answer(400)), "400");
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n191\r\n";
  other.send(chunked + std::string(401, 'c') + "\r\n0\r\n\r\n");
  EXPECT_EQ(status_of(other.read_all()), "503");
  half.send("a");
  EXPECT_EQ(body_of(half.read_response()), "601");
  EXPECT_EQ(body_of(answer(1'000)), "1000") << "all were given back";
}

TEST(Progress, ABodyMayTakeLongerThanItsTime) {
  HostOptions options;
  options.body_time = 400ms;
  options.min_rate = 5;  // two bytes in that time
  Flame f(test::local(options));
  f.post("/", [](Context& c) { return std::to_string(c.body().size()); });
  ASSERT_TRUE(f.start());
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n";
  Wire steady(f.address()), slow(f.address());
  steady.send(head);
  slow.send(head + "a");
  for (int i = 0; i < 20; ++i) {
    steady.send("12345");
    std::this_thread::sleep_for(40ms);
  }
  EXPECT_EQ(body_of(steady.read_response()), "100");
  EXPECT_EQ(status_of(slow.read_all()), "408");
}

TEST(Progress, AnAnswerMayTakeLongerThanItsTimeAndLeavesALineWhenItIsCut) {
  HostOptions options;
  options.write_time = 100ms;
  options.min_rate = 1;
  Flame f = classic(test::local(options));
  const std::string large(30'000'000, 'x');
  f.get("/large", [&] { return large; });
  testing::internal::CaptureStdout();
  ASSERT_TRUE(f.start());
  std::size_t got = 0, cut = 0;
  {
    Wire steady(f.address()), stuck(f.address());
    steady.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stuck.send(get("/large"));
    for (auto piece = steady.read(1'000'000); !piece.empty(); piece = steady.read(1'000'000)) {
      got += piece.size();
      std::this_thread::sleep_for(10ms);
    }
    cut = stuck.read_all().size();
  }
  f.stop();
  const auto log = testing::internal::GetCapturedStdout();
  EXPECT_GT(got, large.size());
  EXPECT_LT(cut, large.size());
  const auto at = log.find("answer cut: read too slowly");
  EXPECT_NE(at, std::string::npos) << log;
  EXPECT_EQ(log.find("answer cut", at + 1), std::string::npos) << log;
}

}  // namespace
}  // namespace flame
