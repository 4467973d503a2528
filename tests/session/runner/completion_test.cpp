#include "runner/completion.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flame::session::tests {
namespace {

/// Keeps the lists that were posted to it.
struct Loop final : Executor {
  void post(Operation* list) noexcept override {
    lists.emplace_back();
    for (; list; list = list->next) lists.back().push_back(list);
  }
  std::vector<std::vector<Operation*>> lists{};
};

struct Finished : Operation {
  explicit Finished(Executor* its_executor) {
    executor = its_executor;
    done = [](Operation& self) noexcept { ++static_cast<Finished&>(self).times; };
  }
  int times = 0;
};

using List = std::vector<Operation*>;
using Lists = std::vector<List>;

TEST(Completion, OutsideABatchIsPostedAlone) {
  Loop loop;
  Finished a(&loop), b(&loop);
  complete(a);
  complete(b);
  EXPECT_EQ(loop.lists, (Lists{{&a}, {&b}}));
  EXPECT_EQ(a.times, 0) << "done() is the executor's to call";
}

TEST(Completion, OfABatchIsOneListForEachExecutorInOrder) {
  Loop one, other;
  Finished a(&one), b(&other), c(&one), d(&one), e(&other);
  {
    const CompletionBatch batch;
    for (Operation* each : {&a, &b, &c, &d, &e}) complete(*each);
    EXPECT_TRUE(one.lists.empty());
  }
  EXPECT_EQ(one.lists, (Lists{{&a, &c, &d}}));
  EXPECT_EQ(other.lists, (Lists{{&b, &e}}));
}

TEST(Completion, OfAnInnerBatchGoesAtItsEnd) {
  Loop loop;
  Finished a(&loop), b(&loop), c(&loop);
  {
    const CompletionBatch outer;
    complete(a);
    {
      const CompletionBatch inner;
      complete(b);
    }
    EXPECT_EQ(loop.lists, (Lists{{&b}}));
    complete(c);
  }
  EXPECT_EQ(loop.lists, (Lists{{&b}, {&a, &c}}));
}

TEST(Completion, AnEmptyBatchPostsNothing) {
  Loop loop;
  { const CompletionBatch batch; }
  Finished after(&loop);
  complete(after);
  EXPECT_EQ(loop.lists, (Lists{{&after}}));
}

}  // namespace
}  // namespace flame::session::tests
