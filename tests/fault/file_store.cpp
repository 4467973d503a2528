// A file store that takes its commands from stdin, a line each, and answers each with a line: for
// tests that take the disk away from it, or the process.
//
//   create N TEXT | replace N TEXT | load N | touch N | erase N | list OWNER | sweep | hammer KEYS
//
// Records are ann's, of as many bytes of TEXT as make 3000. `hammer` never ends: it counts up in
// sessions 0 to KEYS, one after another, and says `N COUNT` for each save that is confirmed.

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

constexpr std::size_t blob_size = 3000;
constexpr session::TimePoint now{2'000'000'000s};
constexpr const char* names[] = {"unanswered", "done",    "missing",   "exists",
                                 "conflict",   "refused", "unreadable"};

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
    if (command == "sweep") return std::to_string(connection_.sweep(1000, call()));
    const auto number = std::stoull(argument);
    if (command == "hammer") hammer(number);
    if (command == "create") return save(Verb::create, number, text);
    if (command == "replace") return save(Verb::replace, number, text);
    if (command == "load") return load(number);
    return apply({command == "erase" ? Verb::erase : Verb::touch, touched(number), {}, {}});
  } catch (const session::StoreError& error) {
    const bool lost = error.kind() == session::StoreError::Kind::connection_lost;
    return std::string(lost ? "lost: " : "refused: ") + error.what();
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
    }
  }

  session::StoreConnection& connection_;
};

}  // namespace

int main(int, char** arguments) try {
  const auto store = session::open_store(arguments[1]);
  store->prepare({now, {}});
  const auto connection = store->connect({});
  Commands commands(*connection);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << commands.answer(line) << std::endl;
} catch (const std::exception& error) {
  std::cout << error.what() << std::endl;
  return 1;
}
