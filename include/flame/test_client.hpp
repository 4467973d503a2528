#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/flame.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// Sends requests to a Flame without a socket, through the same routes, injection and middleware.
/// One thread; the Flame must outlive it, and must not be started meanwhile.
class TestClient {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// Throws std::runtime_error with what start() would report.
  explicit TestClient(Flame& host);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  /// Returns when the answer is complete, however long its handlers wait.
  Response request(std::string_view method, std::string_view target, const Fields& fields = {},
                   std::string_view body = {});
  Response get(std::string_view target, const Fields& fields = {}) {
    return request("GET", target, fields);
  }
  Response post(std::string_view target, std::string_view body, const Fields& fields = {}) {
    return request("POST", target, fields, body);
  }

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
