// Nanoseconds per operation of the memory store on one thread: bench_memory_store [sessions,
// default 100000]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <flame/session/memory.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t rounds = 11;
constexpr std::size_t operations = 200'000;

session::SessionKey random_key(std::mt19937_64& random) {
  session::SessionKey key;
  for (auto& byte : key.bytes) byte = static_cast<std::byte>(random());
  return key;
}

// The median of the rounds, and the fastest and slowest.
template <class F>
void measure(const char* name, F&& operation) {
  std::vector<double> times;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto begin = Steady::now();
    for (std::size_t i = 0; i < operations; ++i) operation(i);
    times.push_back(std::chrono::duration<double, std::nano>(Steady::now() - begin).count() /
                    operations);
  }
  std::ranges::sort(times);
  std::printf("%-34s %7.1f ns  (%.1f to %.1f)\n", name, times[rounds / 2], times.front(),
              times.back());
}

void check(const session::StoreOp& op) {
  if (op.outcome == session::Outcome::done) return;
  std::fprintf(stderr, "bench_memory_store: an operation was not done\n");
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t sessions = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  std::mt19937_64 random(1);
  const auto store = session::memory::store();
  const auto connection = session::open_connection(*store, {});
  session::Call call{session::TimePoint{1'800'000'000s}, {}};

  std::vector<session::StoreOp> all(sessions);
  for (auto& op : all) {
    op.verb = session::Verb::create;
    op.record = {random_key(random), session::WriteToken{1}, {}, call.now, call.now,
                 call.now + 30min,   std::string(200, 'x')};
    connection->run({&op, 1}, call);
    check(op);
  }
  const auto one = [&](std::size_t i) -> session::StoreOp& { return all[i * 7919 % all.size()]; };

  measure("load, 200 bytes, fresh string", [&](std::size_t i) {
    session::StoreOp op{session::Verb::load, {.key = one(i).record.key}, {}, {}};
    connection->run({&op, 1}, call);
    check(op);
  });
  std::uint64_t token = 1;
  measure("replace, 200 bytes, same expiry", [&](std::size_t i) {
    auto& op = one(i);
    op.verb = session::Verb::replace;
    op.expected = op.record.token;
    op.record.token = session::WriteToken{++token};
    connection->run({&op, 1}, call);
    check(op);
  });
  measure("replace, 200 bytes, later expiry", [&](std::size_t i) {
    auto& op = one(i);
    op.expected = op.record.token;
    op.record.token = session::WriteToken{++token};
    if (i % 100 == 0) call.now += 1ms;
    op.record.last_seen = call.now;
    op.record.expires_at = call.now + 30min;
    connection->run({&op, 1}, call);
    check(op);
  });
  measure("touch, later expiry", [&](std::size_t i) {
    auto& op = one(i);
    op.verb = session::Verb::touch;
    if (i % 100 == 0) call.now += 1ms;
    op.record.last_seen = call.now;
    op.record.expires_at = call.now + 30min;
    connection->run({&op, 1}, call);
    check(op);
  });
  measure("create and erase, 200 bytes", [&](std::size_t) {
    session::StoreOp op{session::Verb::create, all.front().record, {}, {}};
    op.record.key = random_key(random);
    connection->run({&op, 1}, call);
    check(op);
    op.verb = session::Verb::erase;
    connection->run({&op, 1}, call);
  });

  const auto full = session::memory::store({.max_sessions = sessions});
  const auto flooded = session::open_connection(*full, {});
  session::StoreOp flood{session::Verb::create, all.front().record, {}, {}};
  measure("create, evicting once full", [&](std::size_t i) {
    flood.record.key = random_key(random);
    if (i % 100 == 0) call.now += 1ms;
    flood.record.last_seen = call.now;
    flood.record.expires_at = call.now + 30min;
    flooded->run({&flood, 1}, call);
    check(flood);
  });
}
