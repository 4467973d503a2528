#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace flame::inline v0::session::mysql {

/// Stands between a store and its server, and does on command what networks and servers do in bad
/// hours.
class Proxy {
 public:
  Proxy(const std::string& host, std::uint16_t port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  /// Nothing passes any more, in either direction, until resume(). The kernel goes on taking bytes.
  void stall();
  void resume();
  /// So many requests from now it stalls, before it passes the last of them on.
  void stall_before(int request) { countdown_ = request; }
  [[nodiscard]] bool is_stalled() const noexcept { return stalled_; }
  /// The next statement runs; its connection ends in the place of its reply.
  void drop_next_reply() { drop_reply_ = true; }
  /// The next statement does not run; this is its reply.
  void answer_next(unsigned error, std::string text);
  /// How many requests came from clients, each a round trip, however many pieces it came in.
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }

 private:
  struct Pair {
    int client, server;
    std::string header{};  // of a packet, as far as it has come
    std::size_t body = 0;  // what is still to come of it
  };

  void run();
  void accept();
  /// False: the pair has ended.
  bool pass_up(Pair& pair);
  bool pass_down(const Pair& pair);
  void count(Pair& pair, std::string_view bytes);
  void wake() noexcept;

  std::string host_;
  std::uint16_t server_port_;
  int listener_, signal_, port_;
  std::atomic<bool> stop_{false}, stalled_{false}, drop_reply_{false};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<int> countdown_{0};
  std::mutex mutex_{};
  std::string answer_{};  // a packet
  std::vector<Pair> pairs_{};
  std::thread thread_{};
};

}  // namespace flame::inline v0::session::mysql
