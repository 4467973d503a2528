#include <gtest/gtest.h>

#include <any>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <flame/session/detail/fields.hpp>

namespace {

namespace detail = flame::session::detail;

template <class T>
std::vector<std::string_view> names() {
  static_assert(detail::has_fields<T>());
  return {detail::field_names<T>.begin(), detail::field_names<T>.end()};
}

using Names = std::vector<std::string_view>;

struct Inner {
  char c;
  bool operator_like;
};
struct Outer {
  struct Nested {
    int number;
  };
  Inner inner;
  Nested nested;
};
template <class T>
struct Box {
  T first_one;
  std::string second;
};
struct Tree {
  std::vector<Tree> children;
  std::map<std::string, Tree> by_name;
};
struct Empty {};
struct Constants {
  const int number;
  const std::string text;
};
struct Initialised {
  int a = 1;
  std::string b = "b";
};
class NoDefault {
 public:
  explicit NoDefault(int) {}
};
struct HoldsNoDefault {
  int before;
  NoDefault it;
  int after;
};
struct Greedy {  // types that can be made from anything
  std::optional<int> a;
  std::variant<int, std::string> b;
  std::tuple<std::string, int> c;
  std::any d;
  std::function<void()> e;
  std::unique_ptr<int> f;
  std::array<int, 3> g;
  int h;
};
struct Largest {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9;
  int c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1;
};

TEST(Fields, AreNamedInTheOrderOfDeclaration) {
  EXPECT_EQ(names<Inner>(), (Names{"c", "operator_like"}));
  EXPECT_EQ(names<Outer>(), (Names{"inner", "nested"}));
  EXPECT_EQ(names<Outer::Nested>(), (Names{"number"}));
  EXPECT_EQ(names<Constants>(), (Names{"number", "text"}));
  EXPECT_EQ(names<Initialised>(), (Names{"a", "b"}));
  EXPECT_EQ(names<Tree>(), (Names{"children", "by_name"}));
  EXPECT_EQ(names<Empty>(), (Names{}));
}

TEST(Fields, OfTemplatesAreNamed) {
  EXPECT_EQ(names<Box<int>>(), (Names{"first_one", "second"}));
  EXPECT_EQ(names<Box<Box<Inner>>>(), (Names{"first_one", "second"}));
  EXPECT_EQ((names<Box<std::map<std::string, void (*)(int&)>>>()), (Names{"first_one", "second"}));
}

TEST(Fields, OfLocalTypesAreNamed) {
  struct Notice {
    std::string success, error;
  };
  struct Pair {
    Notice first;
    Box<Notice> second;
  };
  EXPECT_EQ(names<Notice>(), (Names{"success", "error"}));
  EXPECT_EQ(names<Pair>(), (Names{"first", "second"}));
  const auto in_lambda = [](auto) {
    struct Deep {
      Pair pair;
    };
    return names<Deep>();
  };
  EXPECT_EQ(in_lambda(1), (Names{"pair"}));
}

TEST(Fields, OfTypesThatConvertFromAnythingAreCounted) {
  EXPECT_EQ(names<Greedy>(), (Names{"a", "b", "c", "d", "e", "f", "g", "h"}));
  EXPECT_EQ(names<HoldsNoDefault>(), (Names{"before", "it", "after"}));
}

TEST(Fields, AreAtMost32) {
  EXPECT_EQ(names<Largest>().size(), 32u);
  EXPECT_EQ(names<Largest>().back(), "d1");
  struct TooLarge {
    int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9;
    int c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2;
  };
  EXPECT_FALSE(detail::has_fields<TooLarge>());
}

TEST(Fields, AreReferencesToTheMembers) {
  Box<int> box{1, "one"};
  std::get<0>(detail::fields(box)) = 2;
  EXPECT_EQ(box.first_one, 2);
  EXPECT_EQ(&std::get<1>(detail::fields(box)), &box.second);
}

struct Base {
  int base;
};
struct EmptyBase {};
struct Derived : Base {
  int own;
};
struct DerivedFromEmpty : EmptyBase {
  int own;
};
struct OnlyDerived : Base {};
struct FromAnything {
  template <class T>
  FromAnything(T&&) {}  // NOLINT: implicit is its purpose
};
struct DerivedFromAnything : FromAnything {
  int own;
};
struct Array {
  int before;
  int numbers[3];
};
struct ArrayOfOne {
  int numbers[1];
};
struct ArrayAmidst {
  NoDefault before;
  std::string text;
  Inner pairs[2];
  NoDefault after;
};
struct Characters {
  char text[16];
};
struct Reference {
  int& number;
};
struct ConstantReference {
  const int& number;
};
struct BitField {
  int a : 3;
  int b;
};
union Union {
  int a;
  float b;
};
class Private {
  [[maybe_unused]] int a = 0;
};

TEST(Fields, OfOtherTypesAreRefusedNotMisread) {
  EXPECT_FALSE(detail::has_fields<Derived>());
  EXPECT_FALSE(detail::has_fields<DerivedFromEmpty>());
  EXPECT_FALSE(detail::has_fields<OnlyDerived>());
  EXPECT_FALSE(detail::has_fields<DerivedFromAnything>());
  EXPECT_FALSE(detail::has_fields<Array>());
  EXPECT_FALSE(detail::has_fields<ArrayOfOne>());
  EXPECT_FALSE(detail::has_fields<ArrayAmidst>());
  EXPECT_FALSE(detail::has_fields<Characters>());
  EXPECT_FALSE(detail::has_fields<Reference>());
  EXPECT_FALSE(detail::has_fields<ConstantReference>());
  EXPECT_FALSE(detail::has_fields<BitField>());
  EXPECT_FALSE(detail::has_fields<Union>());
  EXPECT_FALSE(detail::has_fields<Private>());
  EXPECT_FALSE(detail::has_fields<int>());
}

}  // namespace
