#include "stores/mongo/look_up.hpp"

#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "mongo_support.hpp"

namespace flame::session {
namespace {

using mongo::make_with;

std::atomic<bool> hangs{false};

mongoc_client_t* hanging(const mongoc_uri_t*) {
  hangs.wait(true);
  return nullptr;
}

mongoc_client_t* of_uri(const mongoc_uri_t* uri) {
  return mongoc_client_new_from_uri_with_error(uri, nullptr);
}

mongo::Uri some_uri() { return mongo::Uri(mongoc_uri_new("mongodb://h/d")); }

/// Of one that waits for ever, or until what is over already.
std::string text_of(mongo::Maker maker, Waiter& waiter, bool over = false) {
  const auto until = over ? std::chrono::steady_clock::now() : Deadline{};
  const auto thrown =
      tests::thrown_by([&] { static_cast<void>(make_with(maker, some_uri(), waiter, until)); });
  EXPECT_EQ(thrown.kind.value_or(StoreError::Kind::connection_lost),
            StoreError::Kind::connection_lost);
  return thrown.text;
}

TEST(MongoLookUp, GivesWhatIsMade) {
  Waiter waiter;
  EXPECT_TRUE(make_with(of_uri, some_uri(), waiter, {}));
  EXPECT_FALSE(make_with([](const mongoc_uri_t*) -> mongoc_client_t* { return nullptr; },
                         some_uri(), waiter, {}));
}

TEST(MongoLookUp, AResolverThatHangsIsLeftWaitingAndBounded) {
  hangs = true;
  Waiter waiter, given_up;
  {
    std::jthread other([&] { given_up.interrupt(); });
    EXPECT_NE(text_of(hanging, given_up), "");
  }
  for (int i = 1; i < most_looking_up; ++i) EXPECT_NE(text_of(hanging, waiter, true), "");
  EXPECT_NE(text_of(hanging, waiter).find("the resolver hangs"), std::string::npos);
  hangs = false;
  hangs.notify_all();
  while (!text_of(hanging, waiter).empty()) std::this_thread::yield();  // until one has come back
}

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at objects through a pipe: two descriptors
TEST(MongoLookUp, WithoutADescriptorItFailsAtOnce) {
  Waiter waiter;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  auto none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto text = text_of(of_uri, waiter);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_NE(text.find("no descriptor is left"), std::string::npos) << text;
}
#endif

}  // namespace
}  // namespace flame::session
