#include "node.hpp"

#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session::redis {
namespace {

[[noreturn]] void lose(const std::string& text) {
  throw StoreError(StoreError::Kind::connection_lost, text);
}

std::string address_of(const Settings& settings) {
  if (!settings.socket.empty()) return settings.socket;
  return settings.host + ":" + std::to_string(settings.port);
}

enum class Greeting : std::uint8_t { password, database, name, role };

/// Who we are, and what we ask of the server.
std::vector<Greeting> greet(const Settings& settings, Pipeline& out) {
  std::vector<Greeting> sent;
  const auto add = [&](Greeting greeting, std::initializer_list<std::string_view> arguments) {
    sent.push_back(greeting);
    out.add_command(arguments);
  };
  const auto password = password_of(settings.connections, settings.password);
  if (!settings.username.empty())
    add(Greeting::password, {"AUTH", settings.username, password});
  else if (!password.empty())
    add(Greeting::password, {"AUTH", password});
  if (settings.db > 0) add(Greeting::database, {"SELECT", std::to_string(settings.db)});
  add(Greeting::name, {"CLIENT", "SETNAME", settings.connections.application_name});
  add(Greeting::role, {"ROLE"});
  return sent;
}

[[nodiscard]] bool is_role(const Reply& reply) noexcept {
  return reply.type == Reply::Type::array && !reply.elements.empty();
}

/// It would answer loads, and scripts that come to nothing, with what it was told by then.
[[nodiscard]] bool is_replica(const Reply& reply) noexcept {
  return is_role(reply) && reply.elements.front().text != "master";
}

void check_role(const Reply& reply) {
  if (is_replica(reply)) throw_failure(failure_of("READONLY"));
}

void check(Greeting greeting, const Reply& reply) {
  if (reply.type != Reply::Type::error) {
    if (greeting == Greeting::role) check_role(reply);
    return;
  }
  const auto failure = failure_of(reply.text);
  // Neither a name nor its role is something that the server must tell everybody.
  const bool needless = greeting == Greeting::name || greeting == Greeting::role;
  if (needless && failure.meaning == Meaning::refused) return;
  // To a connection that lived it means "connect anew": now that is what the operator has to mend.
  if (reply.text.starts_with("NOAUTH")) throw StoreError(StoreError::Kind::refused, failure.text);
  throw_failure(failure);
}

}  // namespace

void Node::connect(const Settings& settings, Deadline until) {
  usable_ = false;
  pipeline_.clear();  // a try before may have left its own
  reader_.clear();
  transport_.connect(settings, until);
  const auto sent = greet(settings, pipeline_);
  bool answered = false;
  // One by one: a server that has no place for us says so once, and closes.
  const OnReply on_reply = [&](std::size_t command, Reply& reply) {
    answered = true;
    check(sent.at(command), reply);
    if (sent.at(command) == Greeting::role) tells_role_ = is_role(reply);
  };
  try {
    transfer(on_reply, until);
  } catch (const StoreError&) {
    waiter_.check({});
    // With TLS it has said something by now, and what it may say is why it trusts us not.
    if (answered || settings.tls.enabled) throw;
    const bool is_late = until != Deadline{} && std::chrono::steady_clock::now() >= until;
    lose(no_answer(address_of(settings), "Redis", is_late) + ", and whether it wants TLS");
  }
  begin();
}

/// Servers are made replicas while connections live on. In front of what is asked anyway, ROLE
/// costs no round trip.
void Node::begin() {
  pipeline_.clear();
  if (tells_role_) pipeline_.add_command({"ROLE"});
}

/// What the server has closed, or says unasked, is seen before a write is sent that nobody would
/// know the fate of; and no reply can reach another request.
void Node::check_usable(Deadline until) {
  waiter_.check(until);
  if (!usable_) lose("redis store: the connection broke before");
  if (transport_.is_quiet()) return;
  usable_ = false;
  throw StoreError(StoreError::Kind::later, "redis store: the server closed the connection");
}

void Node::exchange(const OnReply& on_reply, Deadline until) {
  check_usable(until);
  bool counts = true;
  transfer(
      [&](std::size_t command, Reply& reply) {
        if (tells_role_ && command == 0)
          counts = !is_replica(reply);
        else if (counts)
          on_reply(command - tells_role_, reply);
      },
      until);
  if (!counts) give_up(until);
  begin();
}

/// It was a replica before the first command, which applies nothing, as long as it is one.
void Node::give_up(Deadline until) {
  pipeline_.clear();
  pipeline_.add_command({"ROLE"});
  transfer([](std::size_t, Reply& reply) { check_role(reply); }, until);
  usable_ = false;
  lose("redis store: the server was made a master meanwhile");
}

void Node::transfer(const OnReply& on_reply, Deadline until) {
  usable_ = false;
  auto unsent = pipeline_.bytes();
  std::size_t replied = 0;
  while (replied < pipeline_.commands()) {
    for (std::size_t sent = 1; sent > 0 && !unsent.empty(); unsent.remove_prefix(sent))
      sent = transport_.send(unsent);
    transport_.wait(!unsent.empty(), until);
    for (;;) {
      const auto size = transport_.receive(buffer_);
      if (size == 0) break;
      read_replies(replied, on_reply, size);
      if (replied == pipeline_.commands()) break;
      if (size < buffer_.size() && !transport_.reads_ahead()) break;
      waiter_.check(until);
    }
  }
  if (!unsent.empty() || !reader_.is_empty())
    lose("redis store: the server sent a reply to no command");
  usable_ = true;
}

void Node::read_replies(std::size_t& replied, const OnReply& on_reply, std::size_t size) {
  reader_.feed({buffer_.data(), size});
  while (replied < pipeline_.commands()) {
    Reply* const reply = reader_.next();
    if (!reply) return;
    on_reply(replied++, *reply);
  }
}

}  // namespace flame::inline v0::session::redis
