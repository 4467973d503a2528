/// What docs/guide/values.md says of values, and of structs that change.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <flame/session/session.hpp>

namespace session = flame::session;

//! [codec]
class Money {
 public:
  explicit Money(std::int64_t cents) : cents_(cents) {}
  [[nodiscard]] std::int64_t cents() const { return cents_; }

 private:
  std::int64_t cents_;
};

template <>
struct flame::session::Codec<Money> {
  static void write(Writer& out, const Money& money) { out.integer(money.cents()); }
  static std::optional<Money> read(Reader& in) {
    const auto cents = in.integer();
    return cents ? std::optional(Money(*cents)) : std::nullopt;
  }
};
//! [codec]

namespace {

//! [structs]
struct Item {
  std::string name;
  int cents = 0;
};
struct Cart {
  std::vector<Item> items;
  std::optional<std::string> coupon;
};
//! [structs]

void keep(session::Session& s) {
  //! [get]
  s.set("cart", Cart{.items = {{"tea", 490}}, .coupon = {}});
  const auto cart = s.get<Cart>("cart");         // std::optional<Cart>
  const auto name = s.get_or("name", "nobody");  // std::string
  //! [get]
  EXPECT_EQ(cart.value().items.at(0).name, "tea");
  EXPECT_EQ(name, "nobody");
}

//! [update]
void add(session::Session& s, const Item& item) {
  s.update(
      "cart", Cart{},
      [](Cart cart, const Item& added) {  // captures nothing: it may run more than once, later
        cart.items.push_back(added);
        return cart;
      },
      item);
}
//! [update]

/// The release before, which knew no coupons.
struct OldCart {
  std::vector<Item> items;
};

//! [rename]
struct Profile {
  std::optional<std::string> name;  // up to release 2
  std::optional<std::string> full_name;
};
std::string name_of(const Profile& profile) {
  return profile.full_name.value_or(profile.name.value_or(""));
}
//! [rename]

TEST(GuideValues, StructsAreKept) {
  session::Session s;
  keep(s);
  add(s, {"milk", 120});
  EXPECT_EQ(s.get<Cart>("cart")->items.size(), 2U);
}

TEST(GuideValues, TypesCompareByShape) {
  session::Session s;
  s.set("n", 5);
  EXPECT_EQ(s.get<long>("n"), 5);
  EXPECT_EQ(s.get<unsigned char>("n"), 5);
  EXPECT_FALSE(s.get<double>("n"));
  EXPECT_FALSE(s.get<std::string>("n"));
  EXPECT_FALSE(s.get<bool>("n"));
  s.set("n", -1);
  EXPECT_FALSE(s.get<unsigned>("n")) << "it does not fit";
}

TEST(GuideValues, OptionalMembersComeAndGo) {
  session::Session s;
  s.set("cart", OldCart{.items = {{"tea", 490}}});
  EXPECT_EQ(s.get<Cart>("cart")->coupon, std::nullopt);
  s.set("cart", Cart{.items = {}, .coupon = "TEA"});
  EXPECT_TRUE(s.get<OldCart>("cart")) << "what has no member is ignored";
  struct Strict {
    std::vector<Item> items;
    std::string address;
  };
  EXPECT_FALSE(s.get<Strict>("cart"));
}

TEST(GuideValues, AnOldReleaseDropsWhatItDoesNotKnow) {
  session::Session s;
  s.set("cart", Cart{.items = {}, .coupon = "TEA"});
  s.update("cart", OldCart{}, [](OldCart cart) { return cart; });
  EXPECT_EQ(s.get<Cart>("cart")->coupon, std::nullopt);
}

TEST(GuideValues, MembersAreRenamedInTwoSteps) {
  session::Session s;
  s.set("profile", std::map<std::string, std::string>{{"name", "Ann"}});
  EXPECT_EQ(name_of(s.get_or("profile", Profile{})), "Ann");
  s.set("profile", Profile{.name = {}, .full_name = "Ann Smith"});
  EXPECT_EQ(name_of(s.get_or("profile", Profile{})), "Ann Smith");
}

TEST(GuideValues, OwnTypesHaveACodec) {
  session::Session s;
  s.set("limit", std::map<std::string, Money>{{"day", Money(500)}});
  EXPECT_EQ((s.get<std::map<std::string, Money>>("limit")->at("day").cents()), 500);
}

TEST(GuideValues, KeysAndDepthHaveLimits) {
  session::Session s;
  EXPECT_THROW(s.set(std::string(256, 'k'), 1), session::ValueError);
  EXPECT_NO_THROW(s.set(std::string(255, 'k'), 1));
  EXPECT_EQ(session::max_depth, 32U);
}

}  // namespace
