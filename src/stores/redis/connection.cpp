#include "connection.hpp"

#include <algorithm>
#include <charconv>
#include <random>

#include "owner_list.hpp"
#include "server_checks.hpp"

namespace flame::inline v0::session::redis {
namespace {

/// Each operation needs four at most, or some more where others move the same session's end.
constexpr int most_rounds = 16;

SessionKey random_key() {
  std::random_device random;
  SessionKey key;
  for (auto& byte : key.bytes) byte = static_cast<std::byte>(random());
  return key;
}

bool is_over(const Work& work) noexcept { return work.stage == Stage::over; }

}  // namespace

Connection::Connection(std::shared_ptr<const Settings> settings)
    : settings_(std::move(settings)), commands_(settings_->key_prefix) {}

void Connection::run(std::span<StoreOp> batch, const Call& call) {
  works_.clear();
  for (auto& op : batch) {
    if (op.verb == Verb::load || op.verb == Verb::erase || fits(op.record))
      works_.emplace_back(op);
    else
      op.outcome = Outcome::refused;
  }
  for (int rounds = 0; !std::ranges::all_of(works_, is_over); ++rounds) {
    if (rounds == most_rounds) {
      for (auto& work : works_)
        if (!is_over(work) && work.stage != Stage::unindex) work.op->outcome = Outcome::later;
      break;
    }
    send_round(call);
  }
  tell_failures();
}

void Connection::send_round(const Call& call) {
  round_.clear();
  sent_.clear();
  for (auto& work : works_)
    if (is_load(work)) round_.push_back(&work);
  append_loads();
  for (auto& work : works_) {
    if (is_over(work) || is_load(work)) continue;
    commands_.append(routing_.to(bucket_of(work.op->record.key)), work, call);
    sent_.push_back({round_.size(), 1});
    round_.push_back(&work);
  }
  routing_.exchange(
      [this, &call](std::size_t command, Reply& reply) { answered(sent_[command], reply, call); },
      call.deadline);
}

/// A server takes many keys of one command for a third of what as many commands cost it.
void Connection::append_loads() {
  if (round_.size() > 1 && routing_.takes_many_buckets()) {
    auto& to = routing_.to_any();
    to.begin(1 + round_.size());
    to.add("MGET");
    for (const auto* work : round_) commands_.append_session(to, work->op->record.key);
    sent_.push_back({0, round_.size()});
    return;
  }
  for (std::size_t i = 0; i < round_.size(); ++i) {
    commands_.append(routing_.to(bucket_of(round_[i]->op->record.key)), *round_[i], {});
    sent_.push_back({i, 1});
  }
}

void Connection::answered(const Sent& sent, Reply& reply, const Call& call) {
  const std::span works(round_.data() + sent.first, sent.count);
  const bool many = sent.count > 1;
  if (many && reply.type == Reply::Type::error) {
    if (failure_of(reply.text).meaning == Meaning::one_slot) return routing_.keep_buckets_apart();
    for (auto* work : works) answer(*work, reply, call);
  } else if (many) {
    if (reply.type != Reply::Type::array || reply.elements.size() != works.size())
      throw_strange_reply();
    for (std::size_t i = 0; i < works.size(); ++i) answer(*works[i], reply.elements[i], call);
  } else {
    answer(*works.front(), reply, call);
  }
}

/// All that failed stay unanswered, for each to be told its own reason; but where the server is the
/// wrong one, only those that it said so of, which are put off.
void Connection::tell_failures() {
  const Work* told = nullptr;
  const auto is_away = [](const Work& work) { return work.failure->meaning == Meaning::away; };
  for (const auto& work : works_)
    if (work.failure && (!told || is_away(work))) told = &work;
  if (!told) return;
  for (auto& work : works_)
    if (work.failure && is_away(*told) && !is_away(work)) work.op->outcome = Outcome::refused;
  throw_failure(*told->failure);
}

Reply Connection::ask(std::initializer_list<std::string_view> command, const Call& call) {
  routing_.to_any().add_command(command);
  Reply out;
  routing_.exchange([&](std::size_t, Reply& reply) { out = std::move(reply); }, call.deadline);
  if (out.type == Reply::Type::error) throw_failure(failure_of(out.text));
  return out;
}

std::optional<TimePoint> Connection::clock(const Call& call) {
  const auto reply = ask({"TIME"}, call);
  if (reply.type != Reply::Type::array || reply.elements.size() != 2) throw_strange_reply();
  std::int64_t seconds = 0, micros = 0;
  const auto read = [](const std::string& text, std::int64_t& number) {
    const auto* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) throw_strange_reply();
  };
  read(reply.elements[0].text, seconds);
  read(reply.elements[1].text, micros);
  return TimePoint{std::chrono::milliseconds(seconds * 1000 + micros / 1000)};
}

void Connection::ping(const Call& call) { static_cast<void>(ask({"PING"}, call)); }

std::vector<std::string> Connection::prepare(const Call& call) {
  auto told = check_server(routing_, commands_, call);
  if (auto full = try_a_session(call)) told.push_back(std::move(*full));
  return told;
}

/// Every command once: a right that is missing is seen at the start, not at the first login. A
/// server that is full has its rights in order, and what it holds can be read.
std::optional<std::string> Connection::try_a_session(const Call& call) {
  const auto key = random_key();
  const auto end = call.now + std::chrono::minutes(1);
  Record record{key, WriteToken{1}, "trial", call.now, call.now, end, {}};
  for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase}) {
    StoreOp op{verb, record, WriteToken{1}, {}};
    record.expires_at += std::chrono::minutes(1);
    try {
      run({&op, 1}, call);
    } catch (const StoreError& error) {
      const auto& failure = works_.front().failure;
      if (!failure || failure->meaning != Meaning::full) throw;
      return error.what();
    }
  }
  // An erase is done without it.
  Keys keys(settings_->key_prefix);
  static_cast<void>(ask({"ZREM", keys.owner(bucket_of(key), record.owner), member_of(key)}, call));
  static_cast<void>(list("trial", {}, 1, call));
  static_cast<void>(ask({"MGET", keys.session(key)}, call));
  ping(call);
  return std::nullopt;
}

/// A cursor is good for the process of a server that gave it: another one would skip keys by it.
/// Empty where the user may not ask.
std::string Connection::server_run(const Call& call) {
  routing_.to_any().add_command({"INFO", "server"});
  Reply reply;
  routing_.exchange([&](std::size_t, Reply& answer) { reply = std::move(answer); }, call.deadline);
  constexpr std::string_view name = "run_id:";
  const auto at = reply.text.find(name);
  if (reply.type != Reply::Type::text || at == std::string::npos) return {};
  const auto begin = at + name.size();
  return reply.text.substr(begin, reply.text.find('\r', begin) - begin);
}

/// A page is a step of SCAN; its `next` the server's run and cursor. A step looks at other keys of
/// the database, too: with a small one there would be too many. Of another run it begins anew.
KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call& call) {
  constexpr std::size_t least = 100, most = 10'000;
  const auto run = server_run(call);
  const auto colon = from.find(':');
  auto cursor_before = from.substr(colon == from.npos ? from.size() : colon + 1);
  const bool is_cursor = !cursor_before.empty() && std::ranges::all_of(cursor_before, [](char c) {
    return c >= '0' && c <= '9';
  });
  if (!from.empty() && !is_cursor)
    throw StoreError(StoreError::Kind::refused,
                     "a page begins where no page has ended: give its `next`");
  if (from.empty() || from.substr(0, colon) != run) cursor_before = "0";
  Keys keys(settings_->key_prefix);
  auto reply = ask({"SCAN", cursor_before, "MATCH", keys.any_session(), "COUNT",
                    std::to_string(std::clamp(limit, least, most))},
                   call);
  if (reply.type != Reply::Type::array || reply.elements.size() != 2) throw_strange_reply();
  KeyPage page;
  for (const auto& each : reply.elements[1].elements)
    if (const auto key = keys.read_session(each.text)) page.keys.push_back(*key);
  if (const auto& cursor = reply.elements[0].text; cursor != "0") page.next = run + ':' + cursor;
  return page;
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  return OwnerList(routing_, commands_, owner, call).page(from, limit);
}

}  // namespace flame::inline v0::session::redis
