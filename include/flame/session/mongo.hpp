#pragma once

#include <string>

#include <flame/session/connections.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::mongo {

struct MongoOptions {
  /// `mongodb://user:password@host:port,host:port/database?replicaSet=…&tls=true&tlsCAFile=…`, or
  /// `mongodb+srv://…`. The parameters `collection`, `init_collection`, `readers` and `writers` go
  /// before the options below; those of MongoDB are in the README.
  std::string uri = "mongodb://127.0.0.1:27017";
  std::string database{};  ///< empty: the one in the URI
  std::string collection = "sessions";
  /// Makes the collection and its indexes where they are missing; any number of processes may do so
  /// at once. Otherwise start refuses, with the statements to run.
  bool init_collection = false;
  ConnectionOptions connections{};
};

/// Sessions in a collection of MongoDB (4.2 or later), or FerretDB 2, for any number of processes
/// on any machines. The first store of a process turns the log of libmongoc off, which else goes to
/// the standard streams: who wants it calls mongoc_log_set_handler() after that. The documents,
/// what it needs and what it promises: src/stores/mongo/README.md.
[[nodiscard]] StorePtr store(MongoOptions options);

}  // namespace flame::inline v0::session::mongo

#pragma GCC visibility pop
