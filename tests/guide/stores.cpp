/// docs/guide/stores.md: how a program says which store it has.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/file.hpp>
#include <flame/session/open_store.hpp>
#include <flame/sessioner.hpp>

#include "new_folder.hpp"

namespace session = flame::session;

namespace {

//! [url]
session::StorePtr store_of_this_service() {
  const char* url = std::getenv("SESSION_STORE");
  return session::open_store(url ? url : "memory:");
}
//! [url]

session::StorePtr in_files(const std::filesystem::path& folder) {
  //! [options]
  return session::file::store({.root_dir = folder, .durability = session::Durability::power_cut});
  //! [options]
}

std::string fault_of(session::StorePtr store) {
  flame::Flame f({.address = "127.0.0.1:0"});
  f.use(session::sessioner({.store = std::move(store)}));
  f.get("/", [](const session::Session&) { return "-"; });
  const auto started = f.start();
  f.stop();
  return started ? "" : started.error().text;
}

TEST(GuideStores, AUrlNamesOne) {
  ::unsetenv("SESSION_STORE");
  EXPECT_EQ(fault_of(store_of_this_service()), "");
  ::setenv("SESSION_STORE", "file:/var/lib?durabilty=none", 1);
  EXPECT_NE(fault_of(store_of_this_service()).find("durabilty"), std::string::npos);
  ::setenv("SESSION_STORE", "carrier-pigeon:", 1);
  EXPECT_NE(fault_of(store_of_this_service()), "");
  ::unsetenv("SESSION_STORE");
}

TEST(GuideStores, OptionsNameTheSame) {
  const NewFolder folder;
  EXPECT_EQ(fault_of(in_files(folder.path())), "");
}

}  // namespace
