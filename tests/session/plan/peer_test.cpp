#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <flame/session/peer.hpp>

namespace flame::session {
namespace {

TEST(Peer, APublicAddressIsOneClients) {
  for (const auto* address : {"203.0.113.7",
                              "1.1.1.1",
                              "9.255.255.255",
                              "11.0.0.0",
                              "172.15.255.255",
                              "172.32.0.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "100.63.255.255",
                              "100.128.0.0",
                              "126.255.255.255",
                              "128.0.0.0",
                              "169.253.0.1",
                              "169.255.0.1",
                              "2001:db8::1",
                              "fe00::1",
                              "fec0::1",
                              "fbff::1",
                              "::2",
                              "::ffff:203.0.113.7"})
    EXPECT_TRUE(Peer(address).is_one_client()) << address;
}

TEST(Peer, BehindAPrivateOneMayBeAProxyOfMany) {
  for (const auto* address : {"127.0.0.1",
                              "127.255.0.1",
                              "10.0.0.1",
                              "10.255.255.255",
                              "172.16.0.0",
                              "172.31.255.255",
                              "192.168.0.1",
                              "100.64.0.0",
                              "100.127.255.255",
                              "169.254.1.1",
                              "0.0.0.0",
                              "::1",
                              "::",
                              "fc00::1",
                              "fdff::1",
                              "fe80::1",
                              "febf::1",
                              "fe80::1%eth0",
                              "::ffff:10.0.0.1",
                              "::ffff:127.0.0.1",
                              "",
                              "localhost",
                              "/run/socket",
                              "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"})
    EXPECT_FALSE(Peer(address).is_one_client()) << address;
}

TEST(Peer, ALoopbackAddressIsThisHosts) {
  for (const auto* address : {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(Peer(address).is_this_host()) << address;
  for (const auto* address : {"203.0.113.7", "2001:db8::1", "10.0.0.1", "::", "", "localhost",
                              "127.0.0.1, 203.0.113.7", "0.0.0.0"})
    EXPECT_FALSE(Peer(address).is_this_host()) << address;
  EXPECT_FALSE(Peer().is_this_host());
  EXPECT_FALSE(Peer().is_one_client());
}

TEST(Peer, OfWhatIsLongerThanAnyAddressNoPartIsOne) {
  const std::string longest = "2001:0db8:0000:0000:0000:0000:203.100.113.107";
  EXPECT_TRUE(Peer(longest).is_one_client());
  EXPECT_FALSE(Peer(longest + "0").is_one_client());
  EXPECT_FALSE(Peer("203.0.113.7" + std::string(500, ' ')).is_one_client());
  EXPECT_FALSE(Peer(std::string_view("127.0.0.1\0", 10)).is_this_host());
}

TEST(Peer, BytesAreAnAddressAsTextIs) {
  using Bytes = std::vector<std::uint8_t>;
  const Bytes v4{203, 0, 113, 7}, here{127, 0, 0, 1},
      here6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const Bytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1};
  EXPECT_TRUE(Peer::of_bytes(v4).is_one_client());
  EXPECT_TRUE(Peer::of_bytes(here).is_this_host());
  EXPECT_TRUE(Peer::of_bytes(here6).is_this_host());
  EXPECT_TRUE(Peer::of_bytes(mapped).is_this_host());
  for (const std::size_t size : {0U, 3U, 5U, 15U, 17U, 60U}) {
    EXPECT_FALSE(Peer::of_bytes(Bytes(size, 127)).is_this_host()) << size;
    EXPECT_FALSE(Peer::of_bytes(Bytes(size, 99)).is_one_client()) << size;
  }
}

}  // namespace
}  // namespace flame::session
