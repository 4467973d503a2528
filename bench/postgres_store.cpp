// Of the PostgreSQL store, for batches of 1 and of 64 on one connection: microseconds a batch, and
// how much of it is this process's CPU: bench_postgres_store DSN [sessions, default 10000]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <flame/session/postgres.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t blob_size = 600;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class Bench {
 public:
  Bench(const std::string& dsn, std::size_t sessions)
      : store_(session::postgres::store({.dsn = dsn, .table = "flame_bench", .init_table = true})),
        connection_(session::open_connection(*store_, {})),
        ops_(sessions) {
    std::mt19937_64 random(1);
    for (auto& op : ops_) {
      for (auto& byte : op.record.key.bytes) byte = static_cast<std::byte>(random());
      op.record.blob.assign(blob_size, 'x');
      op.record.expires_at = now + 1h;
    }
  }

  void measure(const char* name, session::Verb verb, std::size_t size, std::size_t batches) {
    std::vector<double> times;
    const auto cpu = cpu_seconds();
    for (std::size_t i = 0; i < batches; ++i) times.push_back(run(verb, size));
    const auto used = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(batches);
    std::ranges::sort(times);
    std::printf("  %-8s of %2zu: %8.1f us (%.1f to %.1f), %7.1f us of CPU, %5.2f an operation\n",
                name, size, times[batches / 2], times[batches / 20],
                times[batches - 1 - batches / 20], used, used / static_cast<double>(size));
  }

 private:
  double run(session::Verb verb, std::size_t size) {
    if (at_ + size > ops_.size()) at_ = 0;
    const std::span batch(ops_.data() + at_, size);
    at_ += size;
    for (auto& op : batch) {
      op.verb = verb;
      op.expected = op.record.token;
      if (verb == session::Verb::replace)
        op.record.token = session::WriteToken{static_cast<std::uint64_t>(op.record.token) + 1};
      op.record.expires_at += 1ms;
      op.outcome = {};
    }
    std::ranges::sort(batch, {}, [](const auto& op) { return op.record.key; });
    const auto begin = Steady::now();
    connection_->run(batch, {now, begin + 10s});
    const std::chrono::duration<double, std::micro> took = Steady::now() - begin;
    for (const auto& op : batch)
      if (op.outcome != session::Outcome::done)
        std::puts("an operation was not done"), std::exit(1);
    return took.count();
  }

  static constexpr session::TimePoint now{1'800'000'000s};
  session::StorePtr store_;
  std::unique_ptr<session::StoreConnection> connection_;
  std::vector<session::StoreOp> ops_;
  std::size_t at_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::puts("usage: bench_postgres_store DSN [sessions]"), 2;
  const auto wanted = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000;
  const auto sessions = std::max(wanted / 64, 1ULL) * 64;  // whole batches
  Bench bench(argv[1], sessions);
  using session::Verb;
  bench.measure("create", Verb::create, 64, sessions / 64);
  for (const std::size_t size : {1, 64}) {
    bench.measure("load", Verb::load, size, 2000);
    bench.measure("replace", Verb::replace, size, 1000);
    bench.measure("touch", Verb::touch, size, 1000);
  }
  bench.measure("erase", Verb::erase, 64, sessions / 64);
}
