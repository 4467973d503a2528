#include "access.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include <flame/session/open_store.hpp>

namespace flame::inline v0::session::command {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 30s;  // of one call, and of what is put off
constexpr auto pause = 20ms;

TimePoint wall() {
  return std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now());
}

std::span<StoreOp> first_put_off(std::span<StoreOp> batch) {
  const auto first = std::ranges::find(batch, Outcome::later, &StoreOp::outcome);
  return {first, batch.end()};
}

void check(const StoreOp& op) {
  using Kind = StoreError::Kind;
  switch (op.outcome) {
    case Outcome::refused:
      if (op.verb == Verb::create) return;
      throw StoreError(Kind::full,
                       "the store refused a session: it is full, or takes none of "
                       "this size");
    case Outcome::later:
      throw StoreError(Kind::away, "the store puts a session off again and again: try later");
    case Outcome::unknown:
    case Outcome::unanswered:
      throw StoreError(Kind::connection_lost,
                       "the store does not say what became of a session: try again");
    default:
      return;
  }
}

/// Of a file store that names it in full; empty: of no such one.
std::string folder_of(std::string_view url) {
  constexpr std::string_view file = "file:";
  const auto path = url.substr(0, url.find('?'));
  return path.starts_with("file:/") ? std::string(path.substr(file.size())) : std::string();
}

/// Whether something is in it, and no folder of records, which have two hexadecimal digits.
bool is_strange(const std::string& path) {
  bool is_empty = true;
  std::error_code failed;
  for (const auto& each : std::filesystem::directory_iterator(path, failed)) {
    const auto name = each.path().filename().string();
    if (name.size() == 2 && name.find_first_not_of("0123456789abcdef") == name.npos) return false;
    is_empty = false;
  }
  return !is_empty;
}

}  // namespace

std::string without_making(std::string_view url) {
  const auto question = std::min(url.find('?'), url.size());
  std::string out(url.substr(0, question));
  char separator = '?';
  for (auto rest = url.substr(std::min(question + 1, url.size())); !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto each = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto name = each.substr(0, each.find('='));
    if (name == "init_table" || name == "init_collection") continue;
    out.append(1, std::exchange(separator, '&')).append(each);
  }
  return out;
}

StorePtr open_target(std::string_view url) {
  if (url.starts_with("memory:"))
    throw StoreError(StoreError::Kind::refused,
                     "the memory store lives and ends with its process: there is none to look at "
                     "from outside");
  const auto folder = folder_of(url);
  if (!folder.empty() && is_strange(folder))
    throw StoreError(StoreError::Kind::refused,
                     "file store: the folder that the URL names has files of others, and no "
                     "sessions: name that of a service's file store");
  return open_store(url);
}

StorePtr open_existing(std::string_view url) {
  const auto folder = folder_of(url);
  if (!folder.empty() && ::access(folder.c_str(), F_OK) != 0)
    throw StoreError(StoreError::Kind::refused,
                     "file store: the folder that the URL names is not there, or cannot be seen "
                     "by this user");
  return open_target(without_making(url));
}

Access::Access(StorePtr store) : store_(std::move(store)), traits_(store_->traits()) {
  connection_ = open_connection(*store_, {wall(), Clock::now() + patience});
  const auto asked_at = Clock::now();
  const auto told = connection_->clock({wall(), Clock::now() + patience});
  read_at_ = asked_at + (Clock::now() - asked_at) / 2;
  read_ = told.value_or(wall());
}

TimePoint Access::now() const {
  return read_ + std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - read_at_);
}

Call Access::call() const { return {now(), Clock::now() + patience}; }

std::size_t Access::count(std::string_view owner) {
  constexpr std::size_t page_size = 1000;
  std::size_t n = 0;
  for (std::string from;;) {
    auto page = connection_->list(owner, from, page_size, call());
    n += page.records.size();
    if (page.next.empty()) return n;
    from = std::move(page.next);
  }
}

KeyPage Access::scan(std::string_view from, std::size_t limit) {
  return connection_->scan(from, limit, call());
}

std::size_t Access::sweep(std::size_t limit) {
  auto careful = call();
  careful.now -= 5s;  // as the library's own
  return connection_->sweep(limit, careful);
}

std::span<StoreOp> Access::batch_of(std::span<StoreOp> ops) const {
  const auto& lane = ops.front().verb == Verb::load ? traits_.reads : traits_.writes;
  std::size_t bytes = 0, n = 0;
  for (; n < std::min(ops.size(), lane.max_batch); ++n) {
    bytes += ops[n].record.blob.size();
    if (n > 0 && bytes > lane.max_batch_bytes) break;
  }
  return ops.first(n);
}

void Access::run(std::vector<StoreOp>& ops) {
  std::ranges::sort(ops, {}, [](const StoreOp& op) { return op.record.key; });
  for (std::span<StoreOp> rest(ops); !rest.empty();) {
    const auto batch = batch_of(rest);
    rest = rest.subspan(batch.size());
    run_batch(batch);
  }
}

/// As the library does: what a store refuses as a whole is tried one by one.
void Access::run_or_split(std::span<StoreOp> batch) {
  try {
    return connection_->run(batch, call());
  } catch (const StoreError& error) {
    const bool is_one = batch.size() == 1;
    if (error.kind() != StoreError::Kind::refused || (is_one && batch[0].verb != Verb::create))
      throw;
    if (is_one) batch[0].outcome = Outcome::refused;
    if (is_one) return;
  }
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (batch[i].outcome == Outcome::unanswered) run_or_split(batch.subspan(i, 1));
}

void Access::run_batch(std::span<StoreOp> batch) {
  run_or_split(batch);
  const auto until = Clock::now() + patience;
  for (auto open = first_put_off(batch); !open.empty() && Clock::now() < until;
       open = first_put_off(open)) {
    std::this_thread::sleep_for(pause);
    open.front().outcome = Outcome::unanswered;
    connection_->run(open.first(1), call());
  }
  for (const auto& op : batch) check(op);
}

std::vector<StoreOp> Access::load(const std::vector<SessionKey>& keys) {
  std::vector<StoreOp> ops;
  ops.reserve(keys.size());
  for (const auto& key : keys) ops.push_back({Verb::load, {.key = key}, {}, {}});
  run(ops);
  return ops;
}

}  // namespace flame::inline v0::session::command
