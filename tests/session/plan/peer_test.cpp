#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <flame/session/peer.hpp>

namespace flame::session {
namespace {

TEST(Peer, AnAddressTellsWhoseItIs) {
  struct Case {
    const char* text;
    bool is_this_host, is_one_client;
  };
  for (const auto& [text, is_this_host, is_one_client] :
       {Case{"203.0.113.7", false, true}, Case{"2001:db8::1", false, true},
        Case{"::ffff:203.0.113.7", false, true}, Case{"127.0.0.1", true, false},
        Case{"127.255.0.1", true, false}, Case{"::1", true, false},
        Case{"::ffff:127.0.0.1", true, false}, Case{"10.0.0.1", false, false},
        Case{"::ffff:10.0.0.1", false, false}, Case{"::", false, false}, Case{"", false, false},
        Case{"localhost", false, false}, Case{"fe80::1%eth0", false, false},
        Case{"127.0.0.1, 203.0.113.7", false, false}, Case{"0.0.0.0", false, false}}) {
    EXPECT_EQ(Peer(text).is_this_host(), is_this_host) << text;
    EXPECT_EQ(Peer(text).is_one_client(), is_one_client) << text;
  }
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
