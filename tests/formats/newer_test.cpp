// What a newer release wrote, in the store of this one.

#include <fstream>
#include <iterator>
#include <utility>

#include "release.hpp"
#include "session/record/envelope.hpp"
#include "site.hpp"

namespace flame::session::formats {
namespace {

constexpr std::size_t version_in_file = 8, version_in_blob = 3, checksum_size = 8;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Newer : public testing::Test {
 protected:
  Newer() {
    write_release(folder_);
    release_ = read_release(folder_);
    copy_store(folder_, release_, root_);
  }
  [[nodiscard]] const Kept& kept() const { return release_["owned"]; }
  [[nodiscard]] fs::path file() const { return file_of(root_, key_of(kept())); }
  [[nodiscard]] Site site() const { return {root_, release_.written_at, 2}; }

  [[nodiscard]] Record stored_now() const {
    return stored(root_, key_of(kept()), release_.written_at);
  }
  void store_blob(std::string blob) const {
    StoreOp op{Verb::replace, stored_now(), {}, {}};
    op.expected = std::exchange(op.record.token, WriteToken{4711});
    op.record.blob = std::move(blob);
    const Call call{release_.written_at, std::chrono::steady_clock::now() + 10s};
    open_connection(*file::store({.root_dir = root_}), {})->run({&op, 1}, call);
    EXPECT_EQ(op.outcome, Outcome::done);
  }

  void raise_version_of_file() const {
    auto bytes = read_file(file());
    ++bytes[version_in_file];
    std::ofstream(file(), std::ios::binary) << bytes;
  }
  void raise_version_of_blob() const {
    auto blob = stored_now().blob;
    blob.resize(blob.size() - checksum_size);
    blob[version_in_blob] = '\x7f';
    seal_envelope(blob, key_of(kept()));
    store_blob(std::move(blob));
  }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path() / "now", root_ = temporary_.path() / "store";
  Release release_;
};

class NewerRecord : public Newer, public testing::WithParamInterface<bool> {
 protected:
  void make_newer() const { GetParam() ? raise_version_of_file() : raise_version_of_blob(); }
};

TEST_P(NewerRecord, IsNoSessionAndLeftAlone) {
  make_newer();
  const auto before = read_file(file());
  auto today = site();
  const auto edit = [&](auto change) {
    auto session = today.load(kept().id, Need::write | Need::flash);
    EXPECT_FALSE(session.exists());
    change(session);
    const auto id = today.commit(session);
    EXPECT_EQ(read_file(file()), before);
    return id;
  };
  edit([](Session&) {});
  edit([](Session& s) { s.destroy(); });
  const auto id = edit([](Session& s) { s.set("n", 1), s.set_owner("ann"); });
  EXPECT_FALSE(id.starts_with(kept().id.substr(0, 16))) << "under a key of its own";
  EXPECT_EQ(today.load(id).get<int>("n"), 1);
  EXPECT_EQ(today.told(event::decode_failed, "newer release"), 1U) << "once, not at each request";
}

TEST_P(NewerRecord, WinsOverChangesThatCameLater) {
  auto today = site();
  auto changing = today.load(kept().id);
  auto renewing = today.load(kept().id);
  auto signing_in = today.load(kept().id);
  make_newer();
  const auto before = read_file(file());
  changing.set("bool", false);
  renewing.regenerate();
  signing_in.set_owner("bob"), signing_in.set("n", 1);
  EXPECT_EQ(today.commit(changing), "");
  EXPECT_EQ(today.commit(renewing), "");
  EXPECT_NE(today.commit(signing_in), "") << "a login is a session of its own then";
  EXPECT_EQ(read_file(file()), before);
  EXPECT_EQ(today.told(event::dropped), 2U);
}

INSTANTIATE_TEST_SUITE_P(Formats, NewerRecord, testing::Bool(), [](const auto& each) {
  return each.param ? "of_the_file_store" : "of_the_library";
});

/// A key of the library's own that this release does not know.
TEST_F(Newer, AnUnknownKeyOfTheLibrarySurvivesWhatIsWritten) {
  const std::string item("\x18\x63\x82\x01\x61x", 6);  // 99: [1, "x"]
  const auto payload_of = [](const Record& record) {
    Header header;
    std::string_view payload;
    EXPECT_EQ(open_envelope(record.blob, record.key, header, payload), Opened::done);
    return std::pair(header, std::string(payload));
  };
  const auto newest = stored_now();  // the header's label lies in it
  auto [header, payload] = payload_of(newest);
  ++payload.front();  // one pair more
  payload.insert(1, item);
  std::string blob;
  header.push(WriteToken{4711});
  begin_envelope(blob, header, payload.size());
  blob += payload;
  seal_envelope(blob, key_of(kept()));
  store_blob(std::move(blob));

  auto today = site();
  auto id = kept().id;
  const std::pair<const char*, void (*)(Session&)> edits[] = {
      {"set", [](Session& s) { s.set("added", 1); }},
      {"erase", [](Session& s) { s.erase("bool"); }},
      {"regenerate", [](Session& s) { s.regenerate(); }},
      {"clear", [](Session& s) { s.clear(); }},
      {"login", [](Session& s) { s.set_owner("bob"); }},
      {"flash", [](Session& s) { s.set_flash(1); }},
  };
  const auto expect_it = [&](const char* after) {
    EXPECT_NE(payload_of(stored_now()).second.find(item), std::string::npos) << after;
  };
  for (const auto& [name, edit] : edits) {
    const auto before = stored_now().token;
    id = today.request(id, edit);
    EXPECT_NE(stored_now().token, before) << name;
    expect_it(name);
  }
  Flash flash;
  const auto session = today.load(id, Need::flash, flash);
  EXPECT_EQ(flash.get<int>(), 1);
  expect_it("a claim");
}

}  // namespace
}  // namespace flame::session::formats
