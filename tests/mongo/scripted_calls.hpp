#pragma once

#include "mongo_support.hpp"
#include "scripted_server.hpp"

/// What tests on a scripted server have in common.
namespace flame::session::tests {

/// Answers hello as a primary does, and all else as `talk` says.
inline ScriptedServer::Talk primary(ScriptedServer::Talk talk) {
  return [talk = std::move(talk)](const std::string& name, const std::string& command) {
    return ScriptedServer::is_hello(name) ? ScriptedServer::hello() : talk(name, command);
  };
}

inline ScriptedServer::Talk always(const std::string& reply) {
  return primary([=](const std::string&, const std::string&) { return reply; });
}

inline std::unique_ptr<StoreConnection> connected(const std::string& uri,
                                                  const Call& call = soon()) {
  auto connection = mongo::store({.uri = uri})->make_connection();
  connection->connect(call);
  return connection;
}

struct Ran {
  std::vector<StoreOp> ops;
  Thrown thrown;
  [[nodiscard]] std::vector<Outcome> outcomes() const {
    std::vector<Outcome> all;
    for (const auto& each : ops) all.push_back(each.outcome);
    return all;
  }
};
inline Ran run(ScriptedServer::Talk talk, std::vector<StoreOp> ops,
               const std::string& parameters = {}) {
  const ScriptedServer server(std::move(talk));
  const auto connection = connected(server.uri(parameters));
  sort(ops);
  Ran out{std::move(ops), {}};
  out.thrown = thrown_by([&] { connection->run(out.ops, soon()); });
  return out;
}

inline std::vector<StoreOp> some(Verb verb, std::uint64_t count = 1) {
  std::vector<StoreOp> all;
  for (std::uint64_t i = 1; i <= count; ++i) all.push_back(op(verb, record(i), WriteToken{99}));
  return all;
}

/// A session as a server shows it.
inline std::string document(const Record& record, std::int64_t token) {
  const auto base64 = [&] {
    constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < 12; i += 3) {
      const auto three = std::to_integer<unsigned>(record.key.bytes[i]) << 16 |
                         std::to_integer<unsigned>(record.key.bytes[i + 1]) << 8 |
                         std::to_integer<unsigned>(record.key.bytes[i + 2]);
      for (int shift = 18; shift >= 0; shift -= 6) out += letters[three >> shift & 63];
    }
    return out;
  }();
  const auto date = [](TimePoint at) {
    return R"({"$date": {"$numberLong": ")" + std::to_string(at.time_since_epoch().count()) +
           R"("}})";
  };
  return R"({"_id": {"$binary": {"base64": ")" + base64 + R"(", "subType": "00"}},
    "token": {"$numberLong": ")" +
         std::to_string(token) + R"("}, "created_at": )" + date(record.created_at) +
         R"(, "last_seen": )" + date(record.last_seen) + R"(, "expires_at": )" +
         date(record.expires_at) + R"(, "blob": {"$binary": {"base64": "bmV3", "subType": "00"}}})";
}

inline std::string found(const std::string& documents, int cursor = 0) {
  return R"({"cursor": {"id": {"$numberLong": ")" + std::to_string(cursor) +
         R"("}, "ns": "flame.sessions", "firstBatch": [)" + documents + R"(]}, "ok": 1})";
}

inline constexpr auto not_primary =
    R"({"ok": 0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "no"})";
inline constexpr auto stepped_down =
    R"({"ok": 0, "code": 11602, "codeName": "InterruptedDueToReplStateChange", "errmsg": "no"})";

inline std::string heard_of(const ScriptedServer& server, const std::string& name) {
  for (const auto& each : server.heard())
    if (each.starts_with(name + " ")) return each;
  return {};
}

}  // namespace flame::session::tests
