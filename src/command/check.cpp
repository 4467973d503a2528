#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <random>

#include "access.hpp"
#include "commands.hpp"
#include "text.hpp"

namespace flame::inline v0::session::command {
namespace {

using namespace std::chrono_literals;
using Grade = Finding::Grade;
using Steady = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int loads = 200;
constexpr auto patience = 10s;        // of one call
constexpr auto likely_the_trip = 1s;  // clocks may differ by less, and nobody minds

TimePoint wall() {
  return std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now());
}

Call soon() { return {wall(), Steady::now() + patience}; }

std::string in_milliseconds(microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(time.count()) / 1000);
  return text;
}

SessionKey random_key() {
  std::random_device random;
  SessionKey key;
  for (auto& byte : key.bytes) byte = static_cast<std::byte>(random());
  return key;
}

/// A look at one store, finding by finding.
class Look {
 public:
  explicit Look(Store& store) : store_(store) {}

  std::vector<Finding> all() {
    const bool usable =
        find("reachable", [this] { connect(); }) && find("rights, schema", [this] { prepare(); });
    if (!usable) return std::move(findings_);
    find("clock", [this] { look_at_clock(); });
    find("latency", [this] { measure(); });
    find("a session", [this] { try_a_session(); });
    if (!find("all sessions", [this] { scan(); })) {
      findings_.back().grade = Grade::warning;
      findings_.back().text += "; without it nobody can end or copy everyone's, and all else works";
    }
    return std::move(findings_);
  }

 private:
  void add(const char* what, Grade grade, std::string text) {
    findings_.push_back({what, grade, std::move(text)});
  }
  /// False: it is wrong, for the store threw.
  template <class F>
  bool find(const char* what, F f) {
    try {
      f();
      return true;
    } catch (const StoreError& error) {
      add(what, Grade::wrong, error.what());
      return false;
    }
  }

  void connect() {
    connection_ = store_.make_connection();
    const auto began = Steady::now();
    connection_->connect(soon());
    add("reachable", Grade::good,
        "connected in " +
            in_milliseconds(std::chrono::duration_cast<microseconds>(Steady::now() - began)));
  }

  void prepare() {
    const auto warnings = connection_->prepare(soon());
    add("rights, schema", Grade::good, "as they should be");
    for (const auto& each : warnings) add("settings", Grade::warning, each);
    if (warnings.empty()) add("settings", Grade::good, "keep what the store promises");
  }

  void look_at_clock() {
    const auto before = wall();
    const auto told = connection_->clock(soon());
    const auto after = wall();
    if (!told) return add("clock", Grade::good, "this machine's: the store has none of its own");
    now_ahead_ = *told - (before + (after - before) / 2);
    findings_.push_back(of_clock(now_ahead_));
  }

  void measure() {
    std::vector<microseconds> times;
    for (int i = 0; i < loads; ++i) {
      StoreOp op{Verb::load, {.key = random_key()}, {}, {}};
      const auto began = Steady::now();
      run(op);
      times.push_back(std::chrono::duration_cast<microseconds>(Steady::now() - began));
    }
    findings_.push_back(of_loads(std::move(times)));
  }

  Outcome run(StoreOp& op) {
    auto call = soon();
    call.now += now_ahead_;
    op.outcome = Outcome::unanswered;
    connection_->run({&op, 1}, call);
    return op.outcome;
  }

  Outcome apply(Verb verb, const Record& record, WriteToken expected = {}) {
    StoreOp op{verb, record, expected, {}};
    const auto outcome = run(op);
    loaded_ = std::move(op.record);
    return outcome;
  }

  /// Of an owner of its own, so that nobody sees it.
  void try_a_session() {
    const auto now = wall() + now_ahead_;
    Record record{random_key(), WriteToken{1}, "flame-session check", now,
                  now,          now + 1min,    std::string(200, 'x')};
    record.owner += to_string(record.key);
    const char* failed = nullptr;
    try {
      failed = what_fails(record);
    } catch (const StoreError&) {
      clean_up(record);
      throw;
    }
    if (failed) {
      clean_up(record);
      return add("a session", Grade::wrong,
                 std::string("of writing, reading, listing and ending one this failed: ") + failed);
    }
    add("a session", Grade::good, "written, read, listed and ended");
  }

  const char* what_fails(Record record) {
    if (apply(Verb::create, record) != Outcome::done) return "create";
    if (apply(Verb::load, record) != Outcome::done || loaded_.blob != record.blob) return "load";
    record.token = WriteToken{2};
    record.blob.assign(300, 'y');
    if (apply(Verb::replace, record, WriteToken{1}) != Outcome::done) return "replace";
    if (apply(Verb::load, record) != Outcome::done || loaded_.blob != record.blob) return "load";
    auto call = soon();
    call.now += now_ahead_;
    if (connection_->list(record.owner, {}, 10, call).records.size() != 1) return "list";
    if (apply(Verb::erase, record) != Outcome::done) return "erase";
    return apply(Verb::load, record) == Outcome::missing ? nullptr : "a load after erase";
  }

  void clean_up(const Record& record) noexcept try {
    static_cast<void>(apply(Verb::erase, record));
  } catch (const std::exception&) {
    // It expires in a minute.
  }

  void scan() {
    static_cast<void>(connection_->scan({}, 1, soon()));
    add("all sessions", Grade::good, "can be gone through, to end or copy everyone's");
  }

  Store& store_;
  std::unique_ptr<StoreConnection> connection_{};
  milliseconds now_ahead_{0};
  Record loaded_{};
  std::vector<Finding> findings_{};
};

}  // namespace

Finding of_clock(milliseconds ahead) {
  const auto size = milliseconds(std::abs(ahead.count()));
  if (size < likely_the_trip) return {"clock", Grade::good, "differs by less than a second"};
  const auto seconds = std::to_string((size.count() + 500) / 1000);
  return {"clock", Grade::warning,
          "the store's is " + seconds + " s " + (ahead < 0ms ? "behind" : "ahead of") +
              " this machine's: see to both; sessions go by the store's"};
}

Finding of_loads(std::vector<microseconds> times) {
  std::ranges::sort(times);
  const auto at = [&](std::size_t percent) {
    return in_milliseconds(times[std::min(times.size() - 1, times.size() * percent / 100)]);
  };
  return {"latency", Grade::good,
          "of a load, one after another: p50 " + at(50) + ", p99 " + at(99)};
}

std::vector<Finding> look_at(Store& store) { return Look(store).all(); }

std::string table_of(const std::vector<Finding>& findings) {
  Table table;
  constexpr const char* grades[] = {"ok", "warning", "WRONG"};
  for (const auto& [what, grade, text] : findings)
    table.add({grades[static_cast<std::size_t>(grade)], what, printable(text)});
  return table.text();
}

ExitStatus status_of(const std::vector<Finding>& findings) {
  Grade worst = Grade::good;
  for (const auto& each : findings) worst = std::max(worst, each.grade);
  constexpr ExitStatus all[] = {ExitStatus::done, ExitStatus::warned, ExitStatus::failed};
  return all[static_cast<std::size_t>(worst)];
}

ExitStatus check(const Arguments& arguments) {
  std::vector<Finding> findings;
  try {
    findings = look_at(*open_existing(arguments.url));
  } catch (const StoreError& error) {
    findings = {{"reachable", Grade::wrong, error.what()}};
  }
  if (arguments.url != without_making(arguments.url))
    findings.push_back({"note", Grade::good,
                        "check makes no table and no collection, whatever the URL says; a copy to "
                        "it, and a service, do"});
  std::cout << table_of(findings);
  return status_of(findings);
}

}  // namespace flame::inline v0::session::command
