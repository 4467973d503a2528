#pragma once

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// A framework that nobody has an adapter for: HTTP/1.1 without bodies of requests, and a thread
/// for each connection.
namespace tiny {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method{}, path{}, query{}, peer{};
  Fields fields{};
};

struct Response {
  int status = 200;
  Fields fields{};
  std::string body{};
};

[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

class Server {
 public:
  using Handler = std::function<void(const Request&, Response&)>;

  /// Also for HEAD; a path that ends with `/` is for all that begins so. What it throws is a 500.
  void get(const std::string& path, Handler handler) { routes_[path] = std::move(handler); }
  /// The port; 0 where it cannot.
  [[nodiscard]] int bind(const std::string& host);
  void run();   // until stop()
  void stop();  // from another thread

 private:
  struct Connection {
    int socket = -1;
    std::thread thread{};
  };

  void serve(int socket, const std::string& peer);
  [[nodiscard]] Response answer(const Request& request) const;
  void close_all();

  std::map<std::string, Handler, std::less<>> routes_{};
  int listening_ = -1;
  std::mutex mutex_{};
  bool is_stopped_ = false;
  std::list<Connection> connections_{};
};

}  // namespace tiny
