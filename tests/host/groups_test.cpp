// What f.use() means inside of a group.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

namespace flame {
namespace {

class Groups : public testing::Test {
 protected:
  auto note(std::string text) {
    return [this, text = std::move(text)] { log_ += text + " "; };
  }
  std::string order_of(const char* target) {
    TestClient client(f);
    client.get(target);
    return std::exchange(log_, {});
  }
  std::string error() {
    try {
      const TestClient client(f);
      return {};
    } catch (const std::runtime_error& wrong) {
      return wrong.what();
    }
  }

  Flame f{};

 private:
  std::string log_{};
};

TEST_F(Groups, WhatIsUsedInsideHoldsForItsRoutesAlone) {
  f.use(note("all"));
  f.group("/a", [&] {
    f.use(note("use"), note("again"));
    f.get("/x", note("x"));
  });
  f.group("/b", [&] { f.get("/y", note("y")); });
  f.get("/a/z", note("z"));
  EXPECT_EQ(order_of("/a/x"), "all use again x ");
  EXPECT_EQ(order_of("/b/y"), "all y ");
  EXPECT_EQ(order_of("/a/z"), "all z ") << "of no group, whatever its path";
  EXPECT_EQ(order_of("/a/none"), "all ");
}

TEST_F(Groups, GroupsWithinInheritInOrder) {
  f.group(
      "/a",
      [&] {
        f.use(note("outer use"));
        f.group(
            "/{id}",
            [&] {
              f.use(note("inner use"));
              f.get("/x", note("x"));
            },
            note("inner handler"));
        f.get("/y", note("y"));
      },
      note("outer handler"));
  EXPECT_EQ(order_of("/a/1/x"), "outer handler outer use inner handler inner use x ");
  EXPECT_EQ(order_of("/a/y"), "outer handler outer use y ");
}

TEST_F(Groups, AGuardHoldsForTheRoutesBeforeIt) {
  f.group("/a", [&] {
    f.get("/x", note("x"));
    f.group("/in", [&] { f.get("/y", note("y")); });
    f.use([] { return std::pair(403, "no"); });
  });
  f.get("/z", note("z"));
  EXPECT_EQ(order_of("/a/x"), "");
  EXPECT_EQ(order_of("/a/in/y"), "");
  EXPECT_EQ(order_of("/z"), "z ");
}

TEST_F(Groups, TheGroupEndsWhereDefiningItThrows) {
  EXPECT_THROW(f.group("/a", [] { throw std::runtime_error("unlucky"); }), std::runtime_error);
  f.use(note("all"));
  f.get("/x", note("x"));
  EXPECT_EQ(order_of("/x"), "all x ");
}

TEST_F(Groups, ASlashAloneIsTheGroupsOwnPath) {
  f.group("/a", [&] {
    f.use(note("guard"));
    f.get("/", note("a"));
    f.group("/{id}", [&] { f.get("/", note("id")); });
  });
  f.group("/c", [&] {
    f.use(note("guard"));
    f.group("/", [&] { f.get("/x", note("x")); });
  });
  f.group("/", [&] { f.get("/", note("home")); });
  f.group("/b", [&] { f.get("", note("b")); });
  EXPECT_EQ(order_of("/a"), "guard a ");
  EXPECT_EQ(order_of("/a/"), "guard a ");
  EXPECT_EQ(order_of("/a/7"), "guard id ");
  EXPECT_EQ(order_of("/a/7/"), "guard id ");
  EXPECT_EQ(order_of("/c/x"), "guard x ");
  EXPECT_EQ(order_of("/c/x/"), "") << "is another path than /c/x";
  EXPECT_EQ(order_of("/a//"), "");
  EXPECT_EQ(order_of("/"), "home ");
  EXPECT_EQ(order_of("/b"), "b ");
  EXPECT_EQ(order_of("/b/"), "");
}

TEST_F(Groups, ASlashAloneMatchesTwoPathsThatMustBeFree) {
  f.get("/a/", [] {});
  f.group("/a", [&] { f.get("/", [] {}); });
  f.group("/b", [&] { f.get("", [] {}), f.get("/", [] {}); });
  EXPECT_EQ(error(),
            "GET /a matches the same paths as GET /a/, which is there already: leave one of them "
            "out\nGET /b is there twice");
}

TEST_F(Groups, APathGoesOnWithNoSegmentBeforeIt) {
  const std::string loose = ": a path in a group, and a group's prefix, is empty or starts with /";
  f.group("/a", [&] { f.get("b", [] {}); });
  f.group("/c", [&] { f.group("d", [&] { f.get("/e", [] {}); }); });
  f.group("g", [&] { f.get("/h", [] {}); });
  f.group("/i/", [&] { f.get("/j", [] {}); });
  EXPECT_EQ(error(), "GET /ab" + loose + "\nGET /cd/e" + loose +
                         "\nGET g/h: a path starts with /\nGET /i//j: two / follow each other");
}

}  // namespace
}  // namespace flame
