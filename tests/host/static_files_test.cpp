#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

namespace flame {
namespace {

namespace fs = std::filesystem;

/// classic() looks for `public` where the program stands.
class StaticFiles : public testing::Test {
 protected:
  StaticFiles() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "flame-static-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    fs::current_path(folder_);
  }
  ~StaticFiles() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }
  static void write(const fs::path& path, const std::string& text) {
    if (path.has_parent_path()) fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  fs::path before_, folder_;
};

TEST_F(StaticFiles, NoneWithoutTheFolder) {
  auto f = classic();
  TestClient client(f);
  EXPECT_EQ(client.get("/a.txt").status(), 404);
}

TEST_F(StaticFiles, AreServedAndNothingElseIs) {
  write("secret.txt", "secret");
  write("public/a.txt", "text");
  write("public/sub/b c.html", "<p>");
  write("public/sub/index.html", "index");
  write("public/.hidden", "secret");
  fs::create_symlink(fs::absolute("secret.txt"), "public/link.txt");
  fs::create_directory_symlink(folder_, "public/up");
  ASSERT_EQ(::mkfifo("public/fifo", 0600), 0);

  auto f = classic();
  f.get("/a.txt", [] { return "route"; });
  f.get("/route", [] { return "route"; });
  f.post("/a.txt", [] { return "posted"; });
  TestClient client(f);
  EXPECT_EQ(client.get("/a.txt").body(), "text");
  EXPECT_EQ(client.get("/a.txt").get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(client.request("HEAD", "/a.txt").status(), 200);
  EXPECT_EQ(client.post("/a.txt", "").body(), "posted");
  EXPECT_EQ(client.get("/sub/b%20c.html").body(), "<p>");
  EXPECT_EQ(client.get("/sub/").body(), "index");
  EXPECT_EQ(client.get("/route").body(), "route");
  for (const char* path :
       {"/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "/.hidden", "/link.txt", "/up/secret.txt", "/fifo", "/sub", "//etc/passwd",
        "/a.txt%00.html", "/a.txt/", "/none.txt", "/sub//index.html"}) {
    const auto response = client.get(path);
    EXPECT_EQ(response.status(), 404) << path;
    EXPECT_EQ(response.body(), "Not Found\n") << path;
  }
}

}  // namespace
}  // namespace flame
