#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include <flame/session/connections.hpp>

/// The store of docs/writing-a-store.md.
namespace eighth {

namespace session = flame::session;
using session::Call, session::Outcome, session::Record, session::StoreError, session::StoreOp;

/// The backend: it has a lock and an order of keys, and knows nothing of sessions.
struct Backend {
  std::mutex mutex{};
  std::map<session::SessionKey, Record> table{};
};

class Connection final : public session::StoreConnection {
 public:
  explicit Connection(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}

  void connect(const Call&) override { check(); }  // a real one takes up to Call::deadline here

  void run(std::span<StoreOp> batch, const Call& call) override {
    check();
    const std::scoped_lock lock(backend_->mutex);  // a real one sends the batch as one message
    for (StoreOp& op : batch) op.outcome = apply(op, call.now);
  }

  std::size_t sweep(std::size_t limit, const Call& call) override {
    check();
    const std::scoped_lock lock(backend_->mutex);
    return std::erase_if(backend_->table, [&](const auto& each) {
      return each.second.expires_at <= call.now && limit > 0 && limit-- > 0;
    });
  }

  session::OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                          const Call& call) override {
    check();
    const std::scoped_lock lock(backend_->mutex);  // a real one asks an index of owners
    session::OwnerPage page;
    for (auto at = begin(from); at != backend_->table.end(); ++at) {
      const Record& found = at->second;
      if (owner.empty() || found.owner != owner || found.expires_at <= call.now) continue;
      if (page.records.size() == limit) {
        page.next = session::page_end(page.records.back().key);
        break;
      }
      page.records.push_back(found);
      page.records.back().blob.clear();
    }
    return page;
  }

  session::KeyPage scan(std::string_view from, std::size_t limit, const Call&) override {
    check();
    const std::scoped_lock lock(backend_->mutex);
    session::KeyPage page;
    auto at = begin(from);
    for (; at != backend_->table.end() && page.keys.size() < limit; ++at)
      page.keys.push_back(at->first);
    if (at != backend_->table.end()) page.next = session::page_end(page.keys.back());
    return page;
  }

  void abort() noexcept override { aborted_ = true; }  // a real one shuts its socket down

 private:
  using Table = std::map<session::SessionKey, Record>;

  void check() const {
    if (aborted_)
      throw StoreError(StoreError::Kind::connection_lost, "eighth store: the call was given up");
  }

  Table::iterator begin(std::string_view from) {
    const auto before = session::page_before(from);
    return before ? backend_->table.upper_bound(*before) : backend_->table.begin();
  }

  Outcome apply(StoreOp& op, session::TimePoint now) {
    const auto at = backend_->table.find(op.record.key);
    const bool there = at != backend_->table.end();
    const bool live = there && at->second.expires_at > now;
    switch (op.verb) {
      case session::Verb::load:
        if (there) op.record = at->second;  // an expired one is told of
        return live ? Outcome::done : Outcome::missing;
      case session::Verb::create:
        if (live) return Outcome::exists;
        backend_->table.insert_or_assign(op.record.key, op.record);
        return Outcome::done;
      case session::Verb::replace:
        if (!live) return Outcome::missing;
        if (at->second.token != op.expected) {
          op.record = at->second;
          return Outcome::conflict;
        }
        return write(at->second, op.record, now);
      case session::Verb::touch: {
        if (!live) return Outcome::missing;
        Record touched = at->second;
        touched.last_seen = op.record.last_seen;
        touched.expires_at = op.record.expires_at;
        return write(at->second, touched, now);
      }
      case session::Verb::erase:
        if (there) backend_->table.erase(at);
        return Outcome::done;
    }
    return Outcome::refused;
  }

  /// Neither shortens, but where a wrong clock wrote what is there.
  static Outcome write(Record& old, const Record& given, session::TimePoint now) {
    Record written = given;
    if (old.last_seen <= now) {
      written.last_seen = std::max(given.last_seen, old.last_seen);
      written.expires_at = std::max(given.expires_at, old.expires_at);
    }
    old = std::move(written);
    return Outcome::done;
  }

  std::shared_ptr<Backend> backend_;
  std::atomic<bool> aborted_{false};
};

inline session::StorePtr store() {
  return session::make_store(
      session::traits_of(session::ConnectionOptions{}),
      [backend = std::make_shared<Backend>()] { return std::make_unique<Connection>(backend); });
}

}  // namespace eighth
