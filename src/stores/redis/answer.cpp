#include "work.hpp"

namespace flame::inline v0::session::redis {
namespace {

void end(Work& work, Outcome outcome) noexcept {
  work.op->outcome = outcome;
  work.stage = Stage::over;
}

/// It stays as it is: to a load it is unreadable, to a create in the way, to the rest missing.
void meet_foreign(Work& work) noexcept {
  end(work, work.stage == Stage::load     ? Outcome::unreadable
            : work.stage == Stage::create ? Outcome::exists
                                          : Outcome::missing);
}

void fail(Work& work, std::string_view error) {
  if (work.stage == Stage::unindex) {
    work.stage = Stage::over;  // the session is gone: list() drops what is left of it
    return;
  }
  const auto failure = failure_of(error);
  if (failure.meaning == Meaning::lost)
    throw StoreError(StoreError::Kind::connection_lost, failure.text);
  if (failure.meaning == Meaning::no_script && !work.with_text) {
    work.with_text = true;
  } else if (failure.meaning == Meaning::later || failure.meaning == Meaning::no_script) {
    end(work, Outcome::later);
  } else if (failure.meaning == Meaning::foreign && work.stage != Stage::index) {
    meet_foreign(work);
  } else if (failure.meaning != Meaning::one_slot) {
    work.failure = failure;
    work.stage = Stage::over;
  }
}

void loaded(Work& work, Reply& reply, const Call& call) {
  if (reply.type == Reply::Type::nil) return end(work, Outcome::missing);
  if (reply.type != Reply::Type::text) throw_strange_reply();
  auto& record = work.op->record;
  Record found;
  if (!read_value(reply.text, found)) return end(work, Outcome::unreadable);
  found.key = record.key;
  record = std::move(found);
  end(work, record.expires_at > call.now ? Outcome::done : Outcome::missing);
}

void conflicted(Work& work, Reply& reply) {
  Record newest;
  if (!read_value(reply.text, newest)) return end(work, Outcome::missing);
  newest.key = work.op->record.key;
  work.op->record = std::move(newest);
  end(work, Outcome::conflict);
}

void indexed(Work& work) noexcept {
  const auto verb = work.op->verb;
  work.stage = verb == Verb::create    ? Stage::create
               : verb == Verb::replace ? Stage::replace
                                       : Stage::touch;
}

/// 0 and 1 are outcomes; true: it was one.
bool settled(Work& work, const Reply& reply, Outcome zero) {
  if (reply.type != Reply::Type::integer) return false;
  if (reply.integer == 0) end(work, zero);
  if (reply.integer == 1) end(work, Outcome::done);
  return reply.integer == 0 || reply.integer == 1;
}

void written(Work& work, Reply& reply) {
  if (settled(work, reply, Outcome::missing)) return;
  if (reply.type == Reply::Type::text) return conflicted(work, reply);
  if (reply.type != Reply::Type::integer || reply.integer < 0) throw_strange_reply();
  work.covered = TimePoint{std::chrono::milliseconds(reply.integer)};
  work.stage = Stage::index;
}

void touched(Work& work, Reply& reply) {
  if (settled(work, reply, Outcome::missing)) return;
  if (reply.type != Reply::Type::text || reply.text.size() > max_owner) throw_strange_reply();
  work.owner = std::move(reply.text);
  work.stage = Stage::index;
}

void erased(Work& work, const Reply& reply) {
  if (reply.type != Reply::Type::integer) throw_strange_reply();
  end(work, Outcome::done);
  if (!work.op->record.owner.empty()) work.stage = Stage::unindex;
}

}  // namespace

void answer(Work& work, Reply& reply, const Call& call) {
  if (reply.type == Reply::Type::error) return fail(work, reply.text);
  switch (work.stage) {
    case Stage::load:
      return loaded(work, reply, call);
    case Stage::index:
      if (reply.type != Reply::Type::integer) throw_strange_reply();
      return indexed(work);
    case Stage::create:
      if (!settled(work, reply, Outcome::exists)) throw_strange_reply();
      return;
    case Stage::replace:
      return written(work, reply);
    case Stage::touch:
      return touched(work, reply);
    case Stage::erase:
      return erased(work, reply);
    case Stage::unindex:
    case Stage::over:
      work.stage = Stage::over;
  }
}

}  // namespace flame::inline v0::session::redis
