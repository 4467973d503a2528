#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/flame.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// Sends requests to a Flame without a socket, through the same routes, injection and middleware.
/// One thread; the Flame must outlive it, and must not be started meanwhile. What is added to the
/// Flame later is there for the next TestClient, and until then request() throws std::logic_error.
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
  /// As a browser sends a form: encoded, and with its Content-Type.
  Response post_form(std::string_view target, const Fields& values, const Fields& fields = {});

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

/// One visitor's browser, at https://localhost: it keeps cookies and sends them back, and says that
/// its requests come from this site's own pages (Sec-Fetch-Site), unless a test says otherwise. A
/// client may have several. Time does not pass for it: of what would end a cookie, removal alone
/// does.
class TestVisitor {
 public:
  using Fields = TestClient::Fields;

  /// The client must outlive it.
  explicit TestVisitor(TestClient& client);
  ~TestVisitor();
  TestVisitor(const TestVisitor&) = delete;
  TestVisitor& operator=(const TestVisitor&) = delete;

  Response request(std::string_view method, std::string_view target, const Fields& fields = {},
                   std::string_view body = {});
  Response get(std::string_view target, const Fields& fields = {}) {
    return request("GET", target, fields);
  }
  Response post(std::string_view target, std::string_view body, const Fields& fields = {}) {
    return request("POST", target, fields, body);
  }
  Response post_form(std::string_view target, const Fields& values, const Fields& fields = {});
  /// Where this answer, to the last request, sends it: the first answer that does not redirect. By
  /// GET, but after 307 and 308 by the same request. Throws std::runtime_error after 20 redirects,
  /// and for one to another site.
  Response follow(Response response);

  /// The value of the cookie of this name that it would send to this path.
  [[nodiscard]] std::optional<std::string> cookie(std::string_view name,
                                                  std::string_view path = "/") const;
  /// As if the browser had it from before.
  void set_cookie(std::string_view set_cookie, std::string_view path = "/");

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
