#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include <flame/session/csrf_field.hpp>
#include <flame/session/session.hpp>

#include "record/base64url.hpp"
#include "session_impl.hpp"

namespace flame::inline v0::session {

Session::Session() = default;
Session::Session(Session&& other) noexcept
    : impl_(std::move(other.impl_)), state_(std::exchange(other.state_, State::moved_from)) {}
Session& Session::operator=(Session&& other) noexcept {
  Session taken(std::move(other));
  std::swap(impl_, taken.impl_);
  std::swap(state_, taken.state_);
  return *this;
}
Session::~Session() = default;

Session::Impl& Session::changing() {
  auto& self = unfinished();
  if (self.changes.destroy)
    throw std::logic_error(
        "this Session is destroyed, and a change would be lost: only a flash message goes on. To "
        "begin anew for another user, clear() and set_owner()");
  return self;
}

Session::Impl& Session::unfinished() {
  if (state_ == State::committed)
    throw std::logic_error(
        "this Session was committed already, and a change would be lost: make all changes before "
        "the commit, or load it anew");
  if (state_ == State::moved_from)
    throw std::logic_error(
        "this Session was moved from, and a change would be lost: change the one it was moved to");
  if (!impl_) impl_ = std::make_shared<Impl>();
  return *impl_;
}

bool Session::exists() const noexcept {
  return impl_ && impl_->presence == Presence::live && !impl_->changes.destroy;
}

std::optional<SessionKey> Session::key() const noexcept {
  return exists() ? std::optional(impl_->base.record.key) : std::nullopt;
}

std::string_view Session::owner() const noexcept {
  if (!impl_ || impl_->changes.destroy) return {};
  if (impl_->changes.owner) return *impl_->changes.owner;
  return impl_->base.owner();
}

namespace {

/// Whether the changes before it say nothing of the key.
bool decides(const Change& change, std::string_view key) noexcept {
  if (change.kind == Change::Kind::clear) return true;
  return change.item.key() == key && (change.kind != Change::Kind::update || change.guess.known);
}

/// A function that throws leaves the value as it is: the commit will fail.
void guess(const Change& update, std::optional<std::string_view> before) noexcept {
  auto& value = update.guess.value;
  update.guess.known = true;
  try {
    value = update.update.run(update.update.arguments.get(), before ? &*before : nullptr);
    return;
  } catch (...) {
  }
  try {
    if (before) value = std::string(*before);
  } catch (...) {
  }
}

}  // namespace

const Document* Session::Impl::loaded() const noexcept {
  return changes_hands(changes, base.owner()) ? nullptr : &base.document;
}

void Session::Impl::set_owner(std::string_view owner, std::unique_ptr<const Login> login) {
  changes.owner = std::string(owner);
  changes.login = std::move(login);
  for (auto& each : changes.values) each.guess = {};  // what was loaded may not count any more
}

std::optional<std::string_view> Session::Impl::find(std::string_view key,
                                                    std::size_t end) const noexcept {
  std::size_t at = end;
  while (at > 0 && !decides(changes.values[at - 1], key)) --at;
  std::optional<std::string_view> value;
  if (at > 0) {
    const Change& decided = changes.values[at - 1];
    if (decided.kind == Change::Kind::set)
      value = decided.item.value();
    else if (decided.kind == Change::Kind::update)
      value = decided.guess.value;
  } else if (const auto* document = loaded()) {
    if (const auto* entry = document->find(key)) value = entry->value();
  }
  for (; at < end; ++at) {  // updates: with each of them the next has what it needs
    const Change& update = changes.values[at];
    if (update.item.key() != key) continue;
    guess(update, value);
    value = update.guess.value;
  }
  return value;
}

std::optional<std::string_view> Session::find(std::string_view key) const noexcept {
  if (!impl_ || impl_->changes.destroy) return std::nullopt;
  return impl_->find(key, impl_->changes.values.size());
}

bool Session::contains(std::string_view key) const noexcept { return find(key).has_value(); }

std::vector<std::string> Session::keys() const {
  if (!impl_ || impl_->changes.destroy) return {};
  std::set<std::string_view> keys;
  if (const auto* document = impl_->loaded())
    for (const auto& entry : document->entries()) keys.insert(entry.key());
  const auto& changes = impl_->changes.values;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto key = changes[i].item.key();
    if (changes[i].kind == Change::Kind::clear)
      keys.clear();
    else if (impl_->find(key, i + 1))
      keys.insert(key);
    else
      keys.erase(key);
  }
  return {keys.begin(), keys.end()};
}

namespace {

std::string draw_token(RandomSource& random) {
  std::array<std::byte, 16> bytes{};
  if (!random.fill(bytes))
    throw std::runtime_error("the system gave no random bytes: no CSRF token could be made");
  std::string out(22, '\0');
  base64url_encode(bytes, out.data());
  return out;
}

void check_key(std::string_view key) {
  if (key.size() <= max_key_size) return;
  throw ValueError("a session key has at most " + std::to_string(max_key_size) +
                   " bytes, this one has " + std::to_string(key.size()) + ": shorten it");
}

void check_owner(std::string_view owner) {
  if (owner.size() <= max_owner_size) return;
  throw ValueError("an owner has at most " + std::to_string(max_owner_size) +
                   " bytes, this one has " + std::to_string(owner.size()) +
                   ": use a shorter name for the user");
}

std::string in_seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).count()) + " s";
}

void check_lifetime(std::optional<OptionSeconds> wish, std::chrono::milliseconds longest,
                    const char* which) {
  if (!wish || (*wish >= std::chrono::seconds(1) && *wish <= longest)) return;
  throw ValueError(std::string("Login::") + which + " must be between 1 s and " +
                   in_seconds(longest) + ", this one is " + in_seconds(*wish) +
                   ": change it, or Options::longest_login");
}

void check_lifetimes(const Login& login, std::chrono::milliseconds longest,
                     std::chrono::milliseconds usual_end) {
  check_lifetime(login.idle, longest, "idle");
  check_lifetime(login.absolute, longest, "absolute");
  auto end = usual_end;
  if (login.absolute) end = *login.absolute;
  if (login.idle && *login.idle > end)
    throw ValueError("Login::idle of " + in_seconds(*login.idle) + " has no effect after " +
                     in_seconds(end) +
                     ", when this login ends whatever comes: set Login::absolute, too");
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
  auto& self = changing();
  check_size(item.bytes().size(), self.max_bytes, "a value");
  auto& changes = self.changes.values;
  // Setting a key in a loop leaves one change, not a thousand.
  if (!changes.empty() && changes.back().kind == Change::Kind::set &&
      changes.back().item.key() == key)
    changes.back().item = std::move(item);
  else
    changes.push_back({.kind = Change::Kind::set, .item = std::move(item)});
}

void Session::set_encoded_flash(std::string message) {
  auto& self = unfinished();
  check_size(message.size(), self.max_bytes, "a flash message");
  self.changes.flash = std::move(message);
}

void Session::add_update(std::string_view key, detail::UpdateFunction update) {
  check_key(key);
  changing().changes.values.push_back(
      {.kind = Change::Kind::update, .item = Item(key, {}), .update = std::move(update)});
}

std::string Session::csrf_token() {
  auto& self = changing();
  auto& changes = self.changes;
  const bool logs_in = is_login(changes, self.base.owner(), self.base.header.terms);
  const auto stored = self.base.document.csrf();
  if (!changes.csrf && stored && !changes.regenerate && !logs_in)
    return decode<std::string>(*stored).value();  // "" would equal a form without the field
  if (!changes.csrf) changes.csrf = encode(draw_token(*self.random));
  return *decode<std::string>(*changes.csrf);
}

std::string csrf_field(Session& session) {
  const bool begins = !session.keys().empty() || !session.owner().empty();
  if (!session.exists() && !begins) return {};
  return R"(<input type="hidden" name="csrf_token" value=")" + session.csrf_token() + R"(">)";
}

bool Session::erase(std::string_view key) {
  auto& self = changing();
  const bool present = contains(key);
  // Also where it seems absent: another request may be setting it just now.
  if (key.size() <= max_key_size)
    self.changes.values.push_back({.kind = Change::Kind::erase, .item = Item(key, {})});
  return present;
}

void Session::clear() { changing().changes.values.push_back({.kind = Change::Kind::clear}); }
void Session::regenerate() { changing().changes.regenerate = true; }
void Session::destroy() { unfinished().changes.destroy = true; }

void Session::set_owner(std::string_view owner) {
  check_owner(owner);
  changing().set_owner(owner, nullptr);
}

void Session::set_owner(std::string_view owner, Login login) {
  check_owner(owner);
  auto& self = changing();
  check_lifetimes(login, self.longest_login, self.absolute_timeout);
  if (login.label.size() > max_label_size)
    throw ValueError("a label has at most " + std::to_string(max_label_size) +
                     " bytes, this one has " + std::to_string(login.label.size()) + ": shorten it");
  self.set_owner(owner, std::make_unique<const Login>(std::move(login)));
}

}  // namespace flame::inline v0::session
