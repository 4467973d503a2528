// Microseconds per operation of the file store at each durability, on one thread: bench_file_store
// DIR [sessions, default 1000]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <flame/session/file.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
using session::file::Durability;
constexpr std::size_t rounds = 11;
constexpr std::size_t blob_size = 600;

class Bench {
 public:
  Bench(std::filesystem::path root, Durability durability, std::size_t sessions)
      : store_(session::file::store({.root_dir = std::move(root), .durability = durability})),
        ops_(sessions) {
    connection_ = session::open_connection(*store_, {});
    std::mt19937_64 random(1);
    for (auto& op : ops_) {
      for (auto& byte : op.record.key.bytes) byte = static_cast<std::byte>(random());
      op.record.blob.assign(blob_size, 'x');
      op.record.expires_at = now + 1h;
    }
  }

  /// Once for each session.
  double run(session::Verb verb) {
    const auto begin = Steady::now();
    for (auto& op : ops_) {
      op.verb = verb;
      op.expected = op.record.token;
      if (verb == session::Verb::touch) op.record.expires_at += 1min;
      connection_->run({&op, 1}, {now, begin + 1h});
      if (op.outcome != session::Outcome::done) {
        std::fprintf(stderr, "bench_file_store: an operation was not done\n");
        std::exit(1);
      }
    }
    return std::chrono::duration<double, std::micro>(Steady::now() - begin).count() /
           static_cast<double>(ops_.size());
  }

  /// The median of the rounds, and the fastest and slowest.
  void measure(const char* name, session::Verb verb) {
    std::vector<double> times;
    for (std::size_t round = 0; round < rounds; ++round) times.push_back(run(verb));
    std::ranges::sort(times);
    std::printf("  %-10s %8.1f us  (%.1f to %.1f)\n", name, times[rounds / 2], times.front(),
                times.back());
  }

 private:
  static constexpr session::TimePoint now{2'000'000'000s};
  session::StorePtr store_;
  std::unique_ptr<session::StoreConnection> connection_;
  std::vector<session::StoreOp> ops_;
};

void measure(const std::filesystem::path& root, const char* name, Durability durability,
             std::size_t sessions) {
  std::printf("%s, %zu sessions\n", name, sessions);
  Bench bench(root / name, durability, sessions);
  std::printf("  %-10s %8.1f us\n", "create", bench.run(session::Verb::create));
  bench.measure("load", session::Verb::load);
  bench.measure("replace", session::Verb::replace);
  bench.measure("touch", session::Verb::touch);
  std::printf("  %-10s %8.1f us\n", "erase", bench.run(session::Verb::erase));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_file_store DIR [SESSIONS]\n");
    return 1;
  }
  const std::size_t sessions = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  const std::filesystem::path root = argv[1];
  measure(root, "none", Durability::none, sessions);
  measure(root, "process_crash", Durability::process_crash, sessions);
  measure(root, "power_cut", Durability::power_cut, std::max<std::size_t>(sessions / 100, 1));
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_file_store: %s\n", error.what());
  return 1;
}
