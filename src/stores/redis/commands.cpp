#include <algorithm>

#include "scripts.hpp"
#include "work.hpp"

namespace flame::inline v0::session::redis {
namespace {

using std::chrono::milliseconds;

/// A key outlives its record by this much: a clock that was put right finds it again, and who
/// loads it learns when it ended.
constexpr milliseconds kept{60'000};

std::int64_t ttl(TimePoint expires_at, const Call& call) noexcept {
  return std::max<std::int64_t>((expires_at - call.now + kept).count(), 1);
}

std::int64_t number(TimePoint time) noexcept { return time.time_since_epoch().count(); }

Stage first_stage(const StoreOp& op) noexcept {
  const bool owned = !op.record.owner.empty();
  switch (op.verb) {
    case Verb::load:
      return Stage::load;
    case Verb::create:
      return owned ? Stage::index : Stage::create;
    case Verb::replace:
      // Most move neither owner nor end: the script says where one does.
      return Stage::replace;
    case Verb::touch:
      return owned ? Stage::index : Stage::touch;
    case Verb::erase:
      return Stage::erase;
  }
  return Stage::over;
}

}  // namespace

Work::Work(StoreOp& of) : op(&of), stage(first_stage(of)) {
  if (of.verb == Verb::touch) owner = of.record.owner;
}

void Commands::append(Pipeline& to, const Work& work, const Call& call) {
  const auto& record = work.op->record;
  switch (work.stage) {
    case Stage::load:
      return to.add_command({"GET", keys_.session(record.key)});
    case Stage::erase:
      return to.add_command({"UNLINK", keys_.session(record.key)});
    case Stage::unindex:
      return to.add_command(
          {"ZREM", keys_.owner(bucket_of(record.key), record.owner), member_of(record.key)});
    default:
      return append_script(to, work, call);
  }
}

void Commands::append_script(Pipeline& to, const Work& work, const Call& call) {
  const auto& record = work.op->record;
  const auto begin = [&](const Script& script, std::size_t more, std::string_view key,
                         TimePoint end) -> Pipeline& {
    to.begin(6 + more);
    to.add(work.with_text ? "EVAL" : "EVALSHA").add(work.with_text ? script.text : script.hash);
    return to.add("1").add(key).add(number(call.now)).add(ttl(end, call));
  };
  if (work.stage == Stage::index) {
    const auto end = work.covered == TimePoint{} ? record.expires_at : work.covered;
    const auto& owner = work.op->verb == Verb::touch ? work.owner : record.owner;
    begin(index_script(), 2, keys_.owner(bucket_of(record.key), owner), end)
        .add(number(end))
        .add(member_of(record.key));
    return;
  }
  const auto key = keys_.session(record.key);
  if (work.stage == Stage::create) {
    begin(create_script(), 1, key, record.expires_at).add(record);
  } else if (work.stage == Stage::replace) {
    begin(replace_script(), 3, key, record.expires_at)
        .add(record)
        .add(work.op->expected)
        .add(number(work.covered));
  } else {
    begin(touch_script(), 3, key, record.expires_at)
        .add(record.expires_at)
        .add(record.last_seen)
        .add(work.owner);
  }
}

void Commands::append_members(Pipeline& to, std::uint8_t bucket, std::string_view owner,
                              std::size_t most) {
  to.begin(4);
  to.add("ZRANGE")
      .add(keys_.owner(bucket, owner))
      .add("0")
      .add(static_cast<std::int64_t>(most) - 1);
}

void Commands::append_header(Pipeline& to, const SessionKey& key) {
  to.begin(4);
  to.add("GETRANGE")
      .add(keys_.session(key))
      .add("0")
      .add(static_cast<std::int64_t>(most_header - 1));
}

void Commands::ask_layout(Pipeline& to) { to.add_command({"GET", keys_.layout()}); }

void Commands::set_layout(Pipeline& to) { to.add_command({"SET", keys_.layout(), layout, "NX"}); }

}  // namespace flame::inline v0::session::redis
