#include "owner_list.hpp"

#include <algorithm>
#include <cstring>

namespace flame::inline v0::session::redis {
namespace {

constexpr std::size_t all_buckets = 256;
constexpr std::size_t few_buckets = 4;
constexpr std::size_t few_entries = 16;
constexpr std::size_t headers_at_once = 256;

SessionKey key_of(std::string_view member) noexcept {
  SessionKey key;
  if (member.size() == key.bytes.size())
    std::memcpy(key.bytes.data(), member.data(), member.size());
  return key;
}

void expect(const Reply& reply, Reply::Type type) {
  if (reply.type == Reply::Type::error) throw_failure(failure_of(reply.text));
  if (reply.type != type) throw_strange_reply();
}

}  // namespace

std::vector<SessionKey> OwnerList::read_on(const std::optional<SessionKey>& after, Reach reach,
                                           std::size_t enough) {
  const auto end = std::min(bucket_ + reach.buckets, all_buckets);
  for (auto bucket = bucket_; bucket < end; ++bucket) {
    const auto each = static_cast<std::uint8_t>(bucket);
    commands_.append_members(routing_.to(each), each, owner_, reach.entries);
  }
  std::vector<SessionKey> keys;
  std::vector<Reply> failed;
  bool goes_on = true;
  routing_.exchange(
      [&](std::size_t, Reply& reply) {
        if (reply.type != Reply::Type::array) return failed.push_back(std::move(reply));
        const bool whole = reach.entries == 0 || reply.elements.size() < reach.entries;
        goes_on = goes_on && whole && keys.size() < enough;
        if (!goes_on) return;
        ++bucket_;
        for (const auto& member : reply.elements) {
          const auto key = key_of(member.text);
          if (member.text.size() == key.bytes.size() && key > after) keys.push_back(key);
        }
      },
      call_.deadline);
  if (!failed.empty()) expect(failed.front(), Reply::Type::array);
  std::ranges::sort(keys);
  return keys;
}

void OwnerList::add_header(const SessionKey& key, Reply& reply, OwnerPage& page) const {
  // What no session store wrote is missing, as to the other verbs.
  if (reply.type == Reply::Type::error && failure_of(reply.text).meaning == Meaning::foreign)
    return;
  expect(reply, Reply::Type::text);
  Record record;
  if (!read_value(reply.text, record) || record.owner != owner_ || record.expires_at <= call_.now)
    return;
  record.key = key;
  record.blob.clear();
  page.records.push_back(std::move(record));
}

bool OwnerList::add_sessions(std::span<const SessionKey> keys, std::size_t limit, OwnerPage& page) {
  while (!keys.empty() && page.records.size() < limit) {
    const auto part =
        keys.first(std::min({keys.size(), headers_at_once, limit - page.records.size()}));
    for (const auto& key : part) commands_.append_header(routing_.to(bucket_of(key)), key);
    std::vector<Reply> replies;
    routing_.exchange([&](std::size_t, Reply& reply) { replies.push_back(std::move(reply)); },
                      call_.deadline);
    for (std::size_t i = 0; i < part.size(); ++i) add_header(part[i], replies.at(i), page);
    keys = keys.subspan(part.size());
    page.next = page_end(part.back());
  }
  return keys.empty();
}

/// The first page asks all buckets at once, for owners have few sessions as a rule; of one who has
/// many, a part that says so. A later one begins where the page before has ended.
OwnerPage OwnerList::page(std::string_view from, std::size_t limit) {
  OwnerPage page;
  const auto after = page_before(from);
  Reach reach{all_buckets, few_entries};
  if (after) {
    bucket_ = bucket_of(*after);
    reach = {few_buckets, 0};
  }
  bool has_seen_all = true;
  while (has_seen_all && page.records.size() < limit && bucket_ < all_buckets) {
    const auto keys = read_on(after, reach, limit - page.records.size());
    has_seen_all = add_sessions(keys, limit, page);
    reach = {reach.entries > 0 ? few_buckets : reach.buckets * 2, 0};
  }
  if (has_seen_all && bucket_ == all_buckets) page.next.clear();
  return page;
}

}  // namespace flame::inline v0::session::redis
