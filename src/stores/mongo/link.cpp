#include "link.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <mutex>
#include <utility>

namespace flame::inline v0::session::mongo {
namespace {

constexpr std::int64_t oldest = 8;  // MongoDB 4.2: updates by stages

Uri uri_of(const Settings& settings, const std::string& password) {
  Uri uri(mongoc_uri_new(settings.uri.c_str()));
  if (!uri) refuse("mongo store: the driver cannot read the uri");
  if (!password.empty()) mongoc_uri_set_password(uri.get(), password.c_str());
  if (!mongoc_uri_get_appname(uri.get()))
    mongoc_uri_set_appname(uri.get(), settings.connections.application_name.c_str());
  return uri;
}

/// Before main() the driver names a file of its counters after the process, for others to watch,
/// which only an orderly end takes away: each other one leaves it, in memory, and the next process
/// of that number complains. It needs no name to count.
[[maybe_unused]] const bool has_unnamed_counters = [] {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/mongoc-%ld", static_cast<long>(::getpid()));
  return ::shm_unlink(name.data()) == 0;
}();

mongoc_client_t* make(const mongoc_uri_t* uri) {
  return mongoc_client_new_from_uri_with_error(uri, nullptr);
}

}  // namespace

void start_driver() {
  static std::once_flag once;
  std::call_once(once, [] {
    mongoc_init();
    mongoc_log_set_handler(nullptr, nullptr);
  });
}

/// Nothing is said to the server any more: the session that the driver has there ends by itself.
Link::~Link() {
  waiter_.interrupt();
  if (client_) mongoc_client_reset(client_.get());
}

Client Link::make_client(const std::string& password, Deadline until) {
  auto uri = uri_of(settings_, password);
  if (!settings_.srv) return Client(make(uri.get()));
  return make_with(make, std::move(uri), waiter_, until);
}

void Link::connect(const std::string& password, Deadline until) {
  waiter_.check(until);
  streams_.begin(until);
  client_ = make_client(password, until);
  if (!client_)
    lose(settings_.srv ? "the servers of the URI cannot be looked up: check its name in DNS"
                       : "the driver cannot make a client");
  mongoc_client_set_error_api(client_.get(), MONGOC_ERROR_API_VERSION_2);
  mongoc_client_set_stream_initiator(client_.get(), Streams::connect, &streams_);
  choose_server(until);
  const auto& said = hello(until);
  const auto primary = find_flag(said, "isWritablePrimary");
  if (!primary.value_or(find_flag(said, "ismaster").value_or(false)))
    throw error_of({judge(10107), 10107});
  if (find_number(said, "maxWireVersion").value_or(0) < oldest)
    refuse("mongo store: the server is too old: MongoDB 4.2 or later is needed, or FerretDB 2");
}

void Link::choose_server(Deadline until) {
  bson_error_t error{};
  auto* const server = mongoc_client_select_server(client_.get(), true, nullptr, &error);
  if (!server) {
    waiter_.check(streams_.problem().empty() ? until : Deadline{});
    if (streams_.unfit())
      refuse("mongo store: tlsCAFile or tlsCertificateKeyFile is no PEM file that OpenSSL takes");
    if (streams_.distrusts())
      refuse(
          "mongo store: TLS with the server failed: it must offer TLS, with a certificate of the "
          "host name in the URI that is signed by one in tlsCAFile, and in date");
    throw connect_error(error, streams_.broken(), streams_.problem());
  }
  options_.emplace().writer().number(
      "serverId", static_cast<std::int32_t>(mongoc_server_description_id(server)));
  mongoc_server_description_destroy(server);
}

Link::Answer Link::ask(const Document& command, Deadline until) {
  waiter_.check(until);
  streams_.begin(until);
  auto& reply = reply_.bson;
  bson_destroy(&reply);
  bson_error_t error{};
  // Also what reads: of a member of a set that was named alone the driver would read though it is
  // no primary any more. A write concern that was not met is not what it asks for here.
  mongoc_client_write_command_with_opts(client_.get(), settings_.database.c_str(), command.get(),
                                        options_->get(), &reply, &error);
  if (find_number(reply, "ok") == 1) return {reply, {}};
  if (!streams_.broken()) return {reply, failure_of(reply, error)};
  waiter_.check(until);
  return {reply, Failure{{Meaning::lost, "the connection broke"}, 0}};
}

const bson_t& Link::ask_surely(const Document& command, Deadline until) {
  const auto answer = ask(command, until);
  if (answer.failure) throw error_of(*answer.failure);
  return answer.reply;
}

const bson_t& Link::hello(Deadline until) {
  Document command;
  command.writer().number("hello", std::int32_t{1});
  return ask_surely(command, until);
}

}  // namespace flame::inline v0::session::mongo
