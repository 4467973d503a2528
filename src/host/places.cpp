#include "places.hpp"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <memory>

#include <flame/session/peer.hpp>

namespace flame::inline v0::detail {

std::size_t raise_descriptors(std::size_t wanted, std::size_t others) noexcept {
  constexpr rlim_t most_reserve = 1'024, least_reserve = 16;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  wanted = static_cast<std::size_t>(std::min<rlim_t>(wanted, limit.rlim_max));
  const rlim_t needed =
      wanted + others + std::min<rlim_t>(most_reserve, wanted / 3 + least_reserve);
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{std::min(needed, limit.rlim_max), limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const auto reserve = others + std::clamp(limit.rlim_cur / 4, least_reserve, most_reserve);
  const rlim_t left = limit.rlim_cur > reserve ? limit.rlim_cur - reserve : 0;
  return static_cast<std::size_t>(std::min<rlim_t>(wanted, left));
}

std::size_t open_descriptors() noexcept {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  std::size_t count = 0;
  while (folder && ::readdir(folder.get()) != nullptr) ++count;
  return count;
}

std::string Places::one(const boost::asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string();
}

std::size_t Places::most_of(const std::string& one) const noexcept {
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  if (one.empty()) return any;
  if (most_of_one_ != 0) return most_of_one_;
  return session::Peer(one).is_one_client() ? std::max<std::size_t>(most_ / 4, 1) : any;
}

Places::Answer Places::take(const std::string& one, bool force) {
  const std::scoped_lock lock(mutex_);
  const auto counted = ones_.try_emplace(one, 0).first;
  if (!force && counted->second >= most_of(one)) return Answer::full_for_one;
  if (!force && taken_ >= most_) {
    if (counted->second == 0) ones_.erase(counted);
    return Answer::full;
  }
  ++counted->second;
  ++taken_;
  return Answer::taken;
}

void Places::give_back(const std::string& one) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto counted = ones_.find(one);
  if (--counted->second == 0) ones_.erase(counted);
  --taken_;
}

}  // namespace flame::inline v0::detail
