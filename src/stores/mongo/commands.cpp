#include "commands.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

#include "failure.hpp"

namespace flame::inline v0::session::mongo {
namespace {

using std::chrono::steady_clock;

void add_keys(Writer to, Ops ops) {
  to.document("_id", [&](Writer id) {
    id.array("$in", ops, [](Writer in, std::string_view element, const StoreOp* op) {
      in.key(element, op->record.key);
    });
  });
}

void add_live(Writer to, TimePoint now) {
  to.document("expires_at", [&](Writer at) { at.time("$gt", now); });
}

void add_expired(Writer to, TimePoint now) {
  to.document("expires_at", [&](Writer at) { at.time("$lte", now); });
}

/// What never shortens, unless the stored last_seen is ahead of `now`.
void add_later_of(Writer to, std::string_view field, TimePoint value, TimePoint now) {
  const auto stored = "$" + std::string(field);
  to.document(field, [&](Writer of) {
    of.document("$cond", [&](Writer cond) {
      cond.document("if", [&](Writer condition) {
        constexpr std::array<bool, 2> both{true, false};
        condition.array("$gt", both, [&](Writer in, std::string_view element, bool first) {
          if (first)
            in.text(element, "$last_seen");
          else
            in.time(element, now);
        });
      });
      cond.time("then", value);
      cond.document("else", [&](Writer otherwise) {
        constexpr std::array<bool, 2> both{true, false};
        otherwise.array("$max", both, [&](Writer in, std::string_view element, bool first) {
          if (first)
            in.text(element, stored);
          else
            in.time(element, value);
        });
      });
    });
  });
}

void add_times(Writer to, const Record& record, TimePoint now) {
  add_later_of(to, "last_seen", record.last_seen, now);
  add_later_of(to, "expires_at", record.expires_at, now);
}

/// The stages of an update: $set, and what takes the owner away.
template <class Set>
void add_stages(Writer to, bool without_owner, Set set) {
  constexpr std::array<bool, 2> stages{true, false};
  to.array("u", std::span(stages).first(without_owner ? 2 : 1),
           [&](Writer in, std::string_view element, bool first) {
             in.document(element, [&](Writer stage) {
               if (first)
                 stage.document("$set", set);
               else
                 stage.text("$unset", "owner");
             });
           });
}

}  // namespace

Document Commands::find(Ops ops, const std::string& concern) const {
  Document out;
  out.writer()
      .text("find", collection_)
      .document("filter", [&](Writer filter) { add_keys(filter, ops); })
      // One more than there can be: the server has nothing left to keep a cursor for.
      .number("batchSize", static_cast<std::int32_t>(ops.size() + 1))
      .document("readConcern", [&](Writer to) { to.text("level", concern); });
  return out;
}

Document Commands::load(Ops ops) const { return find(ops, concerns_.read); }
Document Commands::look(Ops ops) const { return find(ops, "local"); }

Document Commands::more(std::int64_t cursor) const {
  Document out;
  out.writer().number("getMore", cursor).text("collection", collection_);
  return out;
}

void Commands::add_concern(Writer to, Deadline until) const {
  to.document("writeConcern", [&](Writer concern) {
    std::int32_t members = 0;
    const auto* const last = concerns_.write.data() + concerns_.write.size();
    if (std::from_chars(concerns_.write.data(), last, members).ptr == last)
      concern.number("w", members);
    else
      concern.text("w", concerns_.write);
    concern.flag("j", concerns_.journal);
    // So that the server says what became of it, before nobody waits any more.
    auto wait = concerns_.wait.value_or(std::numeric_limits<std::int32_t>::max());
    if (until != Deadline{}) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(until - steady_clock::now());
      wait = std::min<std::int64_t>(wait, std::max<std::int64_t>(left.count() * 9 / 10, 1));
    }
    if (until != Deadline{} || concerns_.wait)
      concern.number("wtimeout", static_cast<std::int32_t>(wait));
  });
}

Document Commands::create(Ops ops, Deadline until) const {
  Document out;
  out.writer().text("insert", collection_).flag("ordered", false);
  add_concern(out.writer(), until);
  out.writer().array("documents", ops, [](Writer in, std::string_view element, const StoreOp* op) {
    in.document(element, [&](Writer to) { write_record(to, op->record); });
  });
  return out;
}

Document Commands::create_over(const StoreOp& op, const Call& call) const {
  Document out;
  out.writer().text("update", collection_);
  add_concern(out.writer(), call.deadline);
  constexpr std::array<int, 1> one{};
  out.writer().array("updates", one, [&](Writer in, std::string_view element, int) {
    in.document(element, [&](Writer statement) {
      statement.document("q", [&](Writer query) {
        query.key("_id", op.record.key);
        add_expired(query, call.now);
      });
      statement.document("u", [&](Writer to) { write_record(to, op.record); });
    });
  });
  return out;
}

Document Commands::replace(Ops ops, const Call& call) const {
  Document out;
  out.writer().text("update", collection_).flag("ordered", false);
  add_concern(out.writer(), call.deadline);
  out.writer().array("updates", ops, [&](Writer in, std::string_view element, const StoreOp* op) {
    const auto& record = op->record;
    in.document(element, [&](Writer statement) {
      statement.document("q", [&](Writer query) {
        query.key("_id", record.key).token("token", op->expected);
        add_live(query, call.now);
      });
      add_stages(statement, record.owner.empty(), [&](Writer set) {
        set.token("token", record.token);
        if (!record.owner.empty()) set.bytes("owner", record.owner);
        set.time("created_at", record.created_at).bytes("blob", record.blob);
        add_times(set, record, call.now);
      });
    });
  });
  return out;
}

/// One that is lost ends a session a little early, and no more: so nothing is waited for.
Document Commands::touch(Ops ops, const Call& call) const {
  Document out;
  out.writer().text("update", collection_).flag("ordered", false);
  out.writer().document("writeConcern", [](Writer concern) { concern.number("w", 1); });
  out.writer().array("updates", ops, [&](Writer in, std::string_view element, const StoreOp* op) {
    in.document(element, [&](Writer statement) {
      statement.document("q", [&](Writer query) {
        query.key("_id", op->record.key);
        add_live(query, call.now);
      });
      add_stages(statement, false, [&](Writer set) { add_times(set, op->record, call.now); });
    });
  });
  return out;
}

Document Commands::erase(Ops ops, Deadline until) const {
  Document out;
  out.writer().text("delete", collection_);
  add_concern(out.writer(), until);
  constexpr std::array<int, 1> one{};
  out.writer().array("deletes", one, [&](Writer in, std::string_view element, int) {
    in.document(element, [&](Writer statement) {
      statement.document("q", [&](Writer query) { add_keys(query, ops); });
      statement.number("limit", std::int32_t{0});
    });
  });
  return out;
}

Document Commands::find_expired(std::size_t limit, TimePoint now) const {
  const auto most = static_cast<std::int32_t>(std::min<std::size_t>(limit, 1000));
  Document out;
  out.writer()
      .text("find", collection_)
      .document("filter", [&](Writer filter) { add_expired(filter, now); })
      .document("projection", [](Writer only) { only.number("_id", std::int32_t{1}); })
      .number("limit", most)
      .number("batchSize", most)
      .flag("singleBatch", true);
  return out;
}

Document Commands::remove_expired(std::span<const SessionKey> keys, TimePoint now) const {
  Document out;
  out.writer().text("delete", collection_);
  out.writer().document("writeConcern", [](Writer concern) { concern.number("w", 1); });
  constexpr std::array<int, 1> one{};
  out.writer().array("deletes", one, [&](Writer in, std::string_view element, int) {
    in.document(element, [&](Writer statement) {
      statement.document("q", [&](Writer query) {
        query.document("_id", [&](Writer id) {
          id.array("$in", keys, [](Writer to, std::string_view name, const SessionKey& key) {
            to.key(name, key);
          });
        });
        add_expired(query, now);
      });
      statement.number("limit", std::int32_t{0});
    });
  });
  return out;
}

/// What is linearizable is of one document.
const char* Commands::level_of_many() const {
  return concerns_.read == "linearizable" ? "majority" : concerns_.read.c_str();
}

Document Commands::list(std::string_view owner, std::string_view from, std::size_t limit,
                        TimePoint now, bool by_index) const {
  const auto most = static_cast<std::int32_t>(std::min(limit, most_listed));
  Document out;
  out.writer()
      .text("find", collection_)
      .document("filter",
                [&](Writer filter) {
                  filter.bytes("owner", owner);
                  add_live(filter, now);
                  if (from.empty()) return;
                  filter.document("_id", [&](Writer id) { id.bytes("$gt", from); });
                })
      .document("projection", [](Writer fields) { fields.number("blob", std::int32_t{0}); })
      .document("sort", [](Writer order) { order.number("_id", std::int32_t{1}); })
      .number("limit", most)
      .number("batchSize", most)
      .flag("singleBatch", true)
      .document("readConcern", [&](Writer to) { to.text("level", level_of_many()); });
  if (by_index)
    out.writer().document("hint", [](Writer index) {
      index.number("owner", std::int32_t{1}).number("_id", std::int32_t{1});
    });
  return out;
}

/// Of the same type and size as keys: what else there is as _id does not come between.
Document Commands::scan(std::string_view from, std::size_t limit) const {
  constexpr std::string_view least("\0\0\0\0\0\0\0\0\0\0\0\0", 12);
  constexpr std::string_view greatest("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
  const auto most = static_cast<std::int32_t>(limit);
  Document out;
  out.writer()
      .text("find", collection_)
      .document("filter",
                [&](Writer filter) {
                  filter.document("_id", [&](Writer id) {
                    id.bytes(from.empty() ? "$gte" : "$gt", from.empty() ? least : from);
                    id.bytes("$lte", greatest);
                  });
                })
      .document("projection", [](Writer fields) { fields.number("_id", std::int32_t{1}); })
      .document("sort", [](Writer order) { order.number("_id", std::int32_t{1}); })
      .number("limit", most)
      .number("batchSize", most)
      .flag("singleBatch", true)
      .document("readConcern", [&](Writer to) { to.text("level", level_of_many()); });
  return out;
}

Written read_written(const bson_t& reply) {
  Written out;
  const auto count = find_number(reply, "n");
  if (!count || *count < 0) lose("the server sent a reply that its command cannot have");
  out.count = *count;
  each_document(reply, "writeErrors", [&](const bson_t& each) {
    const auto index = find_number(each, "index");
    const auto code = find_number(each, "code");
    if (!index || *index < 0) lose("the server sent a reply that its command cannot have");
    out.errors.push_back({static_cast<std::size_t>(*index), code.value_or(0)});
  });
  if (has(reply, "writeConcernError"))
    out.unconfirmed = find_number(reply, "writeConcernError.code").value_or(0);
  return out;
}

}  // namespace flame::inline v0::session::mongo
