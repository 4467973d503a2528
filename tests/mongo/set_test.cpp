#include <atomic>

#include "scripted_calls.hpp"

namespace flame::session {
namespace {

using namespace tests;
using Kind = StoreError::Kind;

/// Two members of a set, either of which is the primary.
class MongoSet : public ::testing::Test {
 protected:
  std::string answer(int member, const std::string& name) {
    if (name == "update") {
      ++updates_;
      return {};
    }
    if (!ScriptedServer::is_hello(name)) return member == primary_ ? found("") : not_primary;
    const auto hosts = R"("setName": "rs", "hosts": [")" + hosts_[0] + R"(", ")" + hosts_[1] +
                       R"("], "me": ")" + hosts_[member] + R"(", "primary": ")" + hosts_[primary_] +
                       R"(", "setVersion": 1)";
    auto said = ScriptedServer::hello(hosts + (member == primary_ ? "" : R"(, "secondary": true)"));
    if (member == primary_) return said;
    for (auto at = said.find("true"); at < said.find("minWire"); at = said.find("true", at))
      said.replace(at, 4, "false");
    return said;
  }
  ScriptedServer::Talk member(int which) {
    return
        [this, which](const std::string& name, const std::string&) { return answer(which, name); };
  }

  std::atomic<int> primary_{0}, updates_{0};  // updates are heard, and cut off
  std::string hosts_[2];
  ScriptedServer first_{member(0)}, second_{member(1)};
  std::string uri_ = [this] {
    hosts_[0] = first_.host();
    hosts_[1] = second_.host();
    return "mongodb://" + hosts_[0] + "/flame?replicaSet=rs";
  }();
};

TEST_F(MongoSet, ASwappedPrimaryIsFoundByTheNextConnection) {
  const auto before = connected(uri_);
  auto ops = some(Verb::load);
  before->run(ops, soon());
  EXPECT_EQ(ops[0].outcome, Outcome::missing);
  primary_ = 1;
  ops = some(Verb::load);
  EXPECT_EQ(thrown_by([&] { before->run(ops, soon()); }).kind, Kind::away);
  const auto after = connected(uri_);
  after->run(ops, soon());
  EXPECT_EQ(ops[0].outcome, Outcome::missing);
}

TEST_F(MongoSet, ASecondaryAloneIsTheWrongServer) {
  const auto uri = "mongodb://" + hosts_[1] + "/flame?directConnection=true";
  EXPECT_EQ(thrown_by([&] { connected(uri); }).kind, Kind::away);
}

/// With a read preference for others, one that has stepped down would answer what is old.
TEST_F(MongoSet, ALoadIsForAPrimaryAlone) {
  auto ops = some(Verb::load);
  connected("mongodb://" + hosts_[0] + "/flame?directConnection=true")->run(ops, soon());
  EXPECT_NE(heard_of(first_, "find"), "");
  EXPECT_EQ(heard_of(first_, "find").find("$readPreference"), std::string::npos);
}

/// It would not say so.
TEST_F(MongoSet, TheDriverRepeatsNothing) {
  auto ops = some(Verb::replace);
  const auto connection = connected(uri_);
  EXPECT_EQ(thrown_by([&] { connection->run(ops, soon()); }).kind, Kind::connection_lost);
  EXPECT_EQ(updates_, 1);
}

TEST_F(MongoSet, WithoutAPrimaryItIsDown) {
  primary_ = 1;
  hosts_[1] = "127.0.0.1:1";  // where nobody is
  EXPECT_EQ(thrown_by([&] { connected(uri_); }).kind, Kind::connection_lost);
}

}  // namespace
}  // namespace flame::session
