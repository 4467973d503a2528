#include <flame/session/mongo.hpp>

int main() {
  const auto store = flame::session::mongo::store({.uri = ""});
  return store && store->traits().blocking ? 0 : 1;
}
