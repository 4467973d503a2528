#include "arguments.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "exit_status.hpp"
#include "help.hpp"

namespace flame::session::command {
namespace {

Arguments read(std::vector<const char*> words) { return read_arguments(words); }

/// What it says of a wrong command line; empty: it is right.
std::string error_of(std::vector<const char*> words) {
  try {
    static_cast<void>(read_arguments(words));
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::usage);
    return failure.what();
  }
  return {};
}

TEST(CommandArguments, AreReadInAnyOrder) {
  const auto one = read({"list", "memory:", "alice", "--json", "--application", "shop"});
  const auto other = read({"list", "--application=shop", "memory:", "--json", "alice"});
  for (const auto& each : {one, other}) {
    EXPECT_EQ(each.action, Action::list);
    EXPECT_EQ(each.url, "memory:");
    EXPECT_EQ(each.owner, "alice");
    EXPECT_EQ(each.application, "shop");
    EXPECT_TRUE(each.json);
  }
  EXPECT_EQ(read({"list", "memory:", "--", "--json"}).owner, "--json");
  EXPECT_EQ(read({"copy", "a", "b", "--resume"}).to, "b");
  EXPECT_TRUE(read({"copy", "a", "b", "--resume"}).resume);
  EXPECT_TRUE(read({"end-all", "a", "--everyone", "--yes"}).everyone);
}

TEST(CommandArguments, HaveKeysThatLookLikeOptions) {
  SessionKey key;
  key.bytes.fill(std::byte{0xfb});  // "-_v7-_v7-_v7-_v7"
  key.bytes[0] = std::byte{0xfb}, key.bytes[1] = std::byte{0xef};
  const auto text = to_string(key);
  ASSERT_EQ(text.substr(0, 2), "--");
  EXPECT_EQ(read({"end", "memory:", text.c_str()}).key, key);
  EXPECT_EQ(read({"end-all", "memory:", "a", "--except", text.c_str()}).except, key);
}

TEST(CommandArguments, EndOneOwnerOrEveryoneAndNotByAccident) {
  EXPECT_NE(error_of({"end-all", "memory:"}), "");
  EXPECT_NE(error_of({"end-all", "memory:", ""}), "");
  EXPECT_NE(error_of({"end-all", "memory:", "alice", "--everyone"}), "");
  EXPECT_EQ(error_of({"end-all", "memory:", "--everyone"}), "");
}

TEST(CommandArguments, WrongOnesAreToldWithoutAPassword) {
  const auto canary = "postgres://u:canary@h/d";
  for (const auto& words : std::vector<std::vector<const char*>>{
           {},
           {"lists"},
           {canary},
           {"help", canary},
           {"list", canary},
           {"list", canary, "a", "b"},
           {"list", canary, ""},
           {"end", "memory:", canary},
           {"end", "memory:", "AAAAAAAAAAAAAAA"},
           {"end-all", "memory:", "a", "--except", canary},
           {"end-all", "memory:", "a", "--except"},
           {"end-all", "memory:", "a", "--yes=canary"},
           {"copy", canary},
           {"copy", canary, canary, canary},
           {"sweep", canary, "--json"},
           {"check", canary, "--canary=1"},
           {"list", "memory:", "-postgres://u:canary@h/d", "a"}}) {
    const auto text = error_of(words);
    EXPECT_NE(text, "");
    EXPECT_EQ(text.find("u:canary"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(CommandArguments, AskForHelp) {
  EXPECT_EQ(read({"--help"}).action, Action::help);
  EXPECT_EQ(read({"help"}).about, std::nullopt);
  EXPECT_EQ(read({"--version"}).action, Action::version);
  for (const auto* name : {"list", "end", "end-all", "sweep", "copy", "check"}) {
    EXPECT_EQ(help(read({name, "--help"}).about).find("usage: flame-session " + std::string(name)),
              0U);
    EXPECT_EQ(read({"help", name}).about, read({name, "-h"}).about);
    EXPECT_NE(help({}).find("\n  " + std::string(name) + " "), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace flame::session::command
