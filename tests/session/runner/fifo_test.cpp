#include "runner/fifo.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace flame::session::tests {
namespace {

struct Item {
  Item* next = nullptr;
};

class FifoTest : public testing::Test {
 protected:
  std::array<Item, 6> items{};

  Fifo<Item> of(std::initializer_list<std::size_t> places) {
    Fifo<Item> out;
    for (const auto at : places) out.push(items[at]);
    return out;
  }
  std::vector<std::ptrdiff_t> places(Fifo<Item> fifo) {
    std::vector<std::ptrdiff_t> out;
    while (Item* const item = fifo.pop()) out.push_back(item - items.data());
    return out;
  }
};

using Places = std::vector<std::ptrdiff_t>;

TEST_F(FifoTest, GivesWhatCameFirst) { EXPECT_EQ(places(of({2, 0, 1})), (Places{2, 0, 1})); }

TEST_F(FifoTest, GivesAllAndGoesOn) {
  auto fifo = of({0, 1});
  EXPECT_EQ(places(fifo.take_all()), (Places{0, 1}));
  EXPECT_TRUE(fifo.empty());
  fifo.push(items[2]);
  EXPECT_EQ(places(fifo), Places{2});
}

TEST_F(FifoTest, PutsBeforeWhatIsThere) {
  auto fifo = of({0, 1});
  fifo.put_before(of({2, 3}));
  fifo.push(items[4]);
  EXPECT_EQ(places(fifo), (Places{2, 3, 0, 1, 4}));
}

TEST_F(FifoTest, PutsBeforeNothing) {
  Fifo<Item> fifo;
  fifo.put_before(of({2, 3}));
  fifo.push(items[4]);
  EXPECT_EQ(places(fifo), (Places{2, 3, 4}));
}

TEST_F(FifoTest, TakesThoseThatAreWanted) {
  auto fifo = of({0, 1, 2, 3, 4, 5});
  const auto even = fifo.take_if([&](Item& item) { return (&item - items.data()) % 2 == 0; });
  EXPECT_EQ(places(even), (Places{0, 2, 4}));
  EXPECT_EQ(places(fifo), (Places{1, 3, 5}));
}

}  // namespace
}  // namespace flame::session::tests
