#pragma once

#include <mongoc/mongoc.h>

#include <memory>

#include <flame/session/resolve.hpp>

namespace flame::inline v0::session::mongo {

struct FreeUri {
  void operator()(mongoc_uri_t* uri) const noexcept { mongoc_uri_destroy(uri); }
};
using Uri = std::unique_ptr<mongoc_uri_t, FreeUri>;

struct FreeClient {
  void operator()(mongoc_client_t* client) const noexcept { mongoc_client_destroy(client); }
};
using Client = std::unique_ptr<mongoc_client_t, FreeClient>;

/// What makes a client, and looks up the names of a mongodb+srv URI for that. May hang.
using Maker = mongoc_client_t* (*)(const mongoc_uri_t*);

/// What `maker` makes, if anything: by look_up(), for it cannot be interrupted.
[[nodiscard]] Client make_with(Maker maker, Uri uri, Waiter& waiter, Deadline until);

}  // namespace flame::inline v0::session::mongo
