#include "owner_list.hpp"

#include <algorithm>
#include <cstring>

namespace flame::inline v0::session::redis {
namespace {

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

std::vector<SessionKey> OwnerList::indexed(std::string_view from) {
  const auto after = key_of(from);
  const std::size_t first = from.empty() ? 0 : bucket_of(after);
  for (auto bucket = first; bucket < 256; ++bucket) {
    const auto each = static_cast<std::uint8_t>(bucket);
    commands_.append_members(routing_.to(each), each, owner_);
  }
  std::vector<SessionKey> keys;
  std::vector<Reply> failed;
  routing_.exchange(
      [&](std::size_t, Reply& reply) {
        if (reply.type != Reply::Type::array) return failed.push_back(std::move(reply));
        for (const auto& member : reply.elements) {
          const auto key = key_of(member.text);
          if (member.text.size() == key.bytes.size() && (from.empty() || key > after))
            keys.push_back(key);
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

OwnerPage OwnerList::page(std::string_view from, std::size_t limit) {
  OwnerPage page;
  const auto keys = indexed(from);
  std::span<const SessionKey> left(keys);
  while (!left.empty() && page.records.size() < limit) {
    const auto part =
        left.first(std::min({left.size(), headers_at_once, limit - page.records.size()}));
    for (const auto& key : part) commands_.append_header(routing_.to(bucket_of(key)), key);
    std::vector<Reply> replies;
    routing_.exchange([&](std::size_t, Reply& reply) { replies.push_back(std::move(reply)); },
                      call_.deadline);
    for (std::size_t i = 0; i < part.size(); ++i) add_header(part[i], replies.at(i), page);
    left = left.subspan(part.size());
    if (!left.empty()) page.next = member_of(part.back());
  }
  if (left.empty()) page.next.clear();
  return page;
}

}  // namespace flame::inline v0::session::redis
