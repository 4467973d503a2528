// A store's sweep alone, with the runner's rhythm: prints how much went, and how long the longest
// call took.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

#include <flame/session/open_store.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t limit = 100;
constexpr auto pause = 20ms;

void sweep(const char* url, std::chrono::seconds time) {
  const auto store = session::open_store(url);
  const auto connection = store->make_connection();
  const auto call = [] {
    return session::Call{std::chrono::time_point_cast<session::TimePoint::duration>(
                             std::chrono::system_clock::now()),
                         Steady::now() + 10s};
  };
  connection->connect(call());
  std::size_t gone = 0;
  Steady::duration longest{};
  for (const auto until = Steady::now() + time; Steady::now() < until;) {
    const auto began = Steady::now();
    const auto swept = connection->sweep(limit, call());
    longest = std::max(longest, Steady::now() - began);
    gone += swept;
    std::this_thread::sleep_for(swept < limit ? 200ms : pause);
  }
  std::printf("%zu gone, the longest call took %.1f ms\n", gone,
              std::chrono::duration<double, std::milli>(longest).count());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_sweep_store URL SECONDS\n");
    return 2;
  }
  try {
    sweep(argv[1], std::chrono::seconds(std::atoi(argv[2])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_sweep_store: %s\n", error.what());
    return 1;
  }
}
