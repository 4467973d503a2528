#pragma once

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace flame::inline v0::detail {

/// How many connections there may be, by the descriptors that this process may have, of which
/// `others` are for other things: none is left where it is 0.
[[nodiscard]] std::size_t raise_descriptors(std::size_t wanted, std::size_t others) noexcept;
/// Of this process; 0 where the system does not tell.
[[nodiscard]] std::size_t open_descriptors() noexcept;

/// Counts the connections of a server, and of each address. Any thread.
class Places {
 public:
  Places(std::size_t most, std::size_t most_of_one) noexcept
      : most_(most), most_of_one_(most_of_one) {}

  /// Who counts as one. Empty text stands for those of whom there may be any number.
  [[nodiscard]] static std::string one(const boost::asio::ip::address& address);

  enum class Answer { taken, full, full_for_one };
  /// `force`: also where it is full.
  [[nodiscard]] Answer take(const std::string& one, bool force);
  void give_back(const std::string& one) noexcept;
  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

 private:
  [[nodiscard]] std::size_t most_of(const std::string& one) const noexcept;

  const std::size_t most_, most_of_one_;
  std::mutex mutex_{};
  std::map<std::string, std::size_t> ones_{};
  std::atomic<std::size_t> taken_{0};
};

}  // namespace flame::inline v0::detail
