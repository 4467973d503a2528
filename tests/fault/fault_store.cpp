// fault_store URL SIZE: a store on a disk that takes its commands from stdin, a line each, and
// answers each with a line: for tests that take the disk away from it, or the process.
//
//   create N TEXT | visit N TEXT | revisit N TEXT | replace N TEXT | load N | touch N | erase N |
//   list OWNER | sweep [later] | hammer KEYS | both N M
//
// Records are ann's, but for those that `visit` creates and `revisit` replaces, of as many bytes of
// TEXT as make SIZE. `both` erases N and replaces M in one batch. `hammer` never ends: it counts up
// in sessions 0 to KEYS, one after another, says `N COUNT` for each save that is confirmed, and
// sweeps after each round.

#include <unistd.h>

#include <iostream>
#include <sstream>
#include <string>

#include <flame/session/open_store.hpp>

namespace {

namespace session = flame::session;
using namespace std::chrono_literals;
using session::Outcome;
using session::Verb;

std::size_t blob_size = 0;
constexpr session::TimePoint now{2'000'000'000s};
constexpr const char* names[] = {"unanswered", "done",    "missing", "exists", "conflict",
                                 "unreadable", "refused", "later",   "unknown"};

std::string repeated(std::string_view text) {
  std::string blob;
  while (blob.size() < blob_size) blob.append(text).append(" ");
  return blob;
}

/// The text of a blob; empty where it is not of that text alone.
std::string text_of(const std::string& blob) {
  const auto text = blob.substr(0, blob.find(' '));
  return blob == repeated(text) ? text : std::string();
}

session::Record record(std::uint64_t number, std::string_view text) {
  session::Record r;
  for (std::size_t i = 0; i < sizeof(number); ++i)
    r.key.bytes[i] = static_cast<std::byte>((number * 0x9e3779b97f4a7c15U) >> (8 * i));
  r.owner = "ann";
  r.created_at = r.last_seen = now;
  r.expires_at = now + 1h;
  r.blob = repeated(text);
  return r;
}

class Commands {
 public:
  explicit Commands(session::StoreConnection& connection) : connection_(connection) {}

  std::string answer(const std::string& line) try {
    std::istringstream words(line);
    std::string command, argument, text;
    words >> command >> argument >> text;
    if (command == "list") return list(argument);
    if (command == "sweep") return sweep(argument == "later" ? now + 2h : now);
    const auto number = std::stoull(argument);
    if (command == "hammer") hammer(number);
    if (command == "create") return save(Verb::create, number, text);
    if (command == "visit") return visit(Verb::create, number, text);
    if (command == "revisit") return visit(Verb::replace, number, text);
    if (command == "both") return both(number, std::stoull(text));
    if (command == "replace") return save(Verb::replace, number, text);
    if (command == "load") return load(number);
    return apply({command == "erase" ? Verb::erase : Verb::touch, touched(number), {}, {}});
  } catch (const session::StoreError& error) {
    constexpr const char* kinds[] = {"lost: ", "refused: ", "unconfirmed: ", "away: ", "full: "};
    return kinds[static_cast<int>(error.kind())] + std::string(error.what());
  }

 private:
  static session::Call call() { return {now, std::chrono::steady_clock::now() + 30s}; }

  static session::Record touched(std::uint64_t number) {
    auto r = record(number, "");
    r.expires_at += 1h;
    return r;
  }

  std::string apply(session::StoreOp op) {
    connection_.run({&op, 1}, call());
    return names[static_cast<int>(op.outcome)];
  }

  session::StoreOp loaded(std::uint64_t number) {
    session::StoreOp op{Verb::load, record(number, ""), {}, {}};
    connection_.run({&op, 1}, call());
    return op;
  }

  std::string load(std::uint64_t number) {
    const auto op = loaded(number);
    if (op.outcome != Outcome::done) return names[static_cast<int>(op.outcome)];
    const auto text = text_of(op.record.blob);
    return text.empty() ? "torn" : text;
  }

  std::string save(Verb verb, std::uint64_t number, const std::string& text) {
    session::StoreOp op{verb, record(number, text), {}, {}};
    op.record.token = session::WriteToken{std::hash<std::string>()(text) | 1};
    if (verb == Verb::replace) op.expected = loaded(number).record.token;
    return apply(std::move(op));
  }

  std::string both(std::uint64_t erased, std::uint64_t replaced) {
    session::StoreOp ops[] = {{Verb::replace, record(replaced, "both"), {}, {}},
                              {Verb::erase, record(erased, ""), {}, {}}};
    ops[0].expected = loaded(replaced).record.token;
    connection_.run(ops, call());
    return std::string(names[static_cast<int>(ops[0].outcome)]) + " " +
           names[static_cast<int>(ops[1].outcome)];
  }

  std::string visit(Verb verb, std::uint64_t number, const std::string& text) {
    auto r = record(number, text);
    r.token = session::WriteToken{1};
    r.owner.clear();
    return apply({verb, std::move(r), session::WriteToken{1}, {}});
  }

  std::string sweep(session::TimePoint time) {
    return std::to_string(connection_.sweep(1000, {time, call().deadline}));
  }

  std::string list(const std::string& owner) {
    return std::to_string(connection_.list(owner, "", 1'000'000, call()).records.size());
  }

  [[noreturn]] void hammer(std::uint64_t keys) {
    while (true) {
      for (std::uint64_t number = 0; number < keys; ++number) {
        const auto found = loaded(number);
        const bool there = found.outcome == Outcome::done;
        const auto count = std::to_string(there ? std::stoull(text_of(found.record.blob)) + 1 : 1);
        const auto outcome = save(there ? Verb::replace : Verb::create, number, count);
        if (outcome != "done") throw std::runtime_error("hammer: " + outcome);
        std::cout << number << ' ' << count << std::endl;
      }
      connection_.sweep(1000, call());
    }
  }

  session::StoreConnection& connection_;
};

}  // namespace

int main(int, char** arguments) try {
  blob_size = std::stoull(arguments[2]);
  const auto store = session::open_store(arguments[1]);
  const auto connection = open_connection(*store, {now, {}});
  Commands commands(*connection);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << commands.answer(line) << std::endl;
} catch (const std::exception& error) {
  std::cout << error.what() << std::endl;
  return 1;
}
