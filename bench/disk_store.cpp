// What a store on a disk's operations cost, one at a time and 64 in a batch: bench_disk_store
// URL [SESSIONS, default 1000], as `file:/tmp/x?durability=none`.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/open_store.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t rounds = 11;
constexpr std::size_t blob_size = 600;

class Bench {
 public:
  Bench(const char* url, std::size_t sessions) : store_(session::open_store(url)), ops_(sessions) {
    connection_ = session::open_connection(*store_, {});
    std::mt19937_64 random(1);
    for (auto& op : ops_) {
      for (auto& byte : op.record.key.bytes) byte = static_cast<std::byte>(random());
      op.record.expires_at = now + 1h;
    }
    std::ranges::sort(ops_, {}, [](const auto& op) { return op.record.key; });
  }

  /// Once for each session, its microseconds.
  double run(session::Verb verb, std::size_t batch_size) {
    for (auto& op : ops_) {
      op.verb = verb;
      op.outcome = {};
      op.expected = op.record.token;
      // SQLite writes nothing that is as it was.
      if (verb == session::Verb::replace)
        op.record.token = session::WriteToken{static_cast<std::uint64_t>(op.expected) + 1};
      op.record.blob.assign(blob_size, static_cast<char>('a' + ++written_ % 26));
      if (verb == session::Verb::touch) op.record.expires_at += 1min;
    }
    const auto begin = Steady::now();
    for (std::size_t at = 0; at < ops_.size(); at += batch_size) {
      const auto size = std::min(batch_size, ops_.size() - at);
      connection_->run(std::span(ops_).subspan(at, size), {now, begin + 1h});
    }
    const auto took = std::chrono::duration<double, std::micro>(Steady::now() - begin).count();
    const bool done = std::ranges::all_of(
        ops_, [](const auto& op) { return op.outcome == session::Outcome::done; });
    if (!done) {
      std::fprintf(stderr, "bench_disk_store: an operation was not done\n");
      std::exit(1);
    }
    return took / static_cast<double>(ops_.size());
  }

  /// The median of the rounds, and the fastest and slowest.
  void measure(const char* name, session::Verb verb) {
    for (const std::size_t batch_size : {1, 64}) {
      std::vector<double> times;
      for (std::size_t round = 0; round < rounds; ++round) {
        times.push_back(run(verb, batch_size));
        connection_->sweep(1000, {now, Steady::now() + 1h});
      }
      std::ranges::sort(times);
      std::printf("  %-10s %2zu at once %8.1f us each  (%.1f to %.1f)\n", name, batch_size,
                  times[rounds / 2], times.front(), times.back());
    }
  }

 private:
  static constexpr session::TimePoint now{2'000'000'000s};
  session::StorePtr store_;
  std::unique_ptr<session::StoreConnection> connection_;
  std::vector<session::StoreOp> ops_;
  unsigned written_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_disk_store URL [SESSIONS]\n");
    return 1;
  }
  using session::Verb;
  Bench bench(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000);
  bench.run(Verb::create, 64);
  for (const auto& [name, verb] :
       {std::pair("load", Verb::load), std::pair("replace", Verb::replace),
        std::pair("touch", Verb::touch)})
    bench.measure(name, verb);
  bench.run(Verb::erase, 64);
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_disk_store: %s\n", error.what());
  return 1;
}
