#include <algorithm>
#include <set>

#include <flame/session/session.hpp>

#include "session_impl.hpp"

namespace flame::inline v0::session {

Session::Session() = default;
Session::Session(Session&& other) noexcept : spent_(other.spent_) {
  impl_ = SessionAccess::take(other);
}
Session& Session::operator=(Session&& other) noexcept {
  Session taken(std::move(other));
  std::swap(impl_, taken.impl_);
  std::swap(spent_, taken.spent_);
  return *this;
}
Session::~Session() = default;

Session::Impl& Session::impl() {
  if (!impl_) impl_ = std::make_unique<Impl>();
  return *impl_;
}

Flash Session::flash() const noexcept {
  return Flash(impl_ && impl_->flash ? &*impl_->flash : nullptr);
}

bool Session::exists() const noexcept { return impl_ && impl_->presence == Presence::live; }

std::string_view Session::owner() const noexcept {
  if (!impl_) return {};
  if (impl_->changes.owner) return *impl_->changes.owner;
  return impl_->base.record.owner;
}

std::optional<std::string_view> Session::find(std::string_view key) const noexcept {
  if (!impl_) return std::nullopt;
  const auto& changes = impl_->changes.values;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    if (change->kind == Change::Kind::clear) return std::nullopt;
    if (change->kind == Change::Kind::update || change->item.key() != key) continue;
    if (change->kind == Change::Kind::erase) return std::nullopt;
    return change->item.value();
  }
  const auto* entry = impl_->base.document.find(key);
  return entry ? std::optional(entry->value) : std::nullopt;
}

bool Session::contains(std::string_view key) const noexcept { return find(key).has_value(); }

std::vector<std::string> Session::keys() const {
  if (!impl_) return {};
  std::set<std::string_view> keys;
  for (const auto& entry : impl_->base.document.entries()) keys.insert(entry.key);
  for (const Change& change : impl_->changes.values) {
    if (change.kind == Change::Kind::clear) keys.clear();
    if (change.kind == Change::Kind::erase) keys.erase(change.item.key());
    if (change.kind == Change::Kind::set) keys.insert(change.item.key());
  }
  return {keys.begin(), keys.end()};
}

namespace {

void check_key(std::string_view key) {
  if (key.size() <= max_key_size) return;
  throw ValueError("a session key has at most " + std::to_string(max_key_size) +
                   " bytes, this one has " + std::to_string(key.size()) + ": shorten it");
}

void check_size(std::size_t size, std::size_t max_bytes, const char* what) {
  if (size <= max_bytes) return;
  throw ValueError(std::string(what) + " of " + std::to_string(size) +
                   " bytes is larger than max_bytes (" + std::to_string(max_bytes) +
                   "): store less, or raise Options::max_bytes");
}

}  // namespace

void Session::set_encoded(std::string_view key, std::string value) {
  check_key(key);
  Item item(key, value);
  auto& self = impl();
  check_size(item.bytes().size(), self.max_bytes, "a value");
  auto& changes = self.changes.values;
  // Setting a key in a loop leaves one change, not a thousand.
  if (!changes.empty() && changes.back().kind == Change::Kind::set &&
      changes.back().item.key() == key)
    changes.back().item = std::move(item);
  else
    changes.push_back({Change::Kind::set, std::move(item), {}});
}

void Session::set_encoded_flash(std::string message) {
  auto& self = impl();
  check_size(message.size(), self.max_bytes, "a flash message");
  self.changes.flash = std::move(message);
}

void Session::add_update(std::string_view key, detail::UpdateFunction update) {
  check_key(key);
  impl().changes.values.push_back({Change::Kind::update, Item(key, {}), std::move(update)});
}

bool Session::erase(std::string_view key) {
  const bool present = contains(key);
  // Also where it seems absent: another request may be setting it just now.
  if (impl_ && key.size() <= max_key_size)
    impl_->changes.values.push_back({Change::Kind::erase, Item(key, {}), {}});
  return present;
}

void Session::clear() {
  if (impl_) impl_->changes.values.push_back({Change::Kind::clear, {}, {}});
}

void Session::regenerate() { impl().changes.regenerate = true; }
void Session::destroy() { impl().changes.destroy = true; }

void Session::set_owner(std::string_view owner) {
  if (owner.size() > max_owner_size)
    throw ValueError("an owner has at most " + std::to_string(max_owner_size) +
                     " bytes, this one has " + std::to_string(owner.size()) +
                     ": use a shorter name for the user");
  impl().changes.owner = std::string(owner);
}

}  // namespace flame::inline v0::session
