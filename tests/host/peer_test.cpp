#include "host/peer.hpp"

#include <gtest/gtest.h>

namespace flame {
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
    EXPECT_TRUE(detail::is_public(address)) << address;
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
    EXPECT_FALSE(detail::is_public(address)) << address;
}

}  // namespace
}  // namespace flame
