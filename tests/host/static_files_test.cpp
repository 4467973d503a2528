#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

namespace fs = std::filesystem;
using test::body_of;
using test::Wire;

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

std::string request(const std::string& method, const std::string& path) {
  return method + " " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

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
  for (const char* path : {"/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt",
                           "/..%2fsecret.txt", "/.hidden", "/link.txt", "/up/secret.txt", "/fifo",
                           "/sub", "//etc/passwd", "/a.txt/", "/none.txt", "/sub//index.html"}) {
    const auto response = client.get(path);
    EXPECT_EQ(response.status(), 404) << path;
    EXPECT_EQ(response.body(), "Not Found\n") << path;
  }
}

TEST_F(StaticFiles, ArriveWholeInPieces) {
  std::minstd_rand random(1);
  std::vector<std::string> texts;
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 131'072, 5'000'000}) {
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    write("public/" + std::to_string(texts.size()), text);
    texts.push_back(std::move(text));
  }
  auto f = classic(test::local());
  {
    TestClient client(f);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_TRUE(client.get("/" + std::to_string(i)).body() == texts[i]) << texts[i].size();
    }
  }
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      wire.send(request("HEAD", "/" + std::to_string(i)) + request("GET", "/" + std::to_string(i)));
      const auto length = "\r\nContent-Length: " + std::to_string(texts[i].size()) + "\r\n\r\n";
      std::string head, byte;
      do {
        byte = wire.read(1);
        head += byte;
      } while (!byte.empty() && !head.ends_with("\r\n\r\n"));
      EXPECT_NE(head.find(length), std::string::npos) << head;
      const auto answer = wire.read_response();
      EXPECT_NE(answer.find(length), std::string::npos);
      EXPECT_TRUE(body_of(answer) == texts[i]) << texts[i].size();
    }
  }
}

TEST_F(StaticFiles, MayBeLargerThanMemoryAndHoldNobodyUp) {
  write("public/huge", "");
  fs::resize_file("public/huge", std::uintmax_t{1} << 40);
  auto f = classic(test::local());
  f.get("/quick", [] { return "quick"; });
  ASSERT_TRUE(f.start());
  Wire huge(f.address()), quick(f.address());
  huge.send(request("GET", "/huge"));
  EXPECT_NE(huge.read(1'000).find("\r\nContent-Length: 1099511627776\r\n"), std::string::npos);
  std::atomic<bool> enough{false};
  std::thread reader([&] {
    while (!enough) EXPECT_EQ(huge.read(100'000).size(), 100'000U);
  });
  for (int i = 0; i < 20; ++i) {
    quick.send(request("GET", "/quick"));
    EXPECT_EQ(body_of(quick.read_response()), "quick");
  }
  enough = true;
  reader.join();
}

TEST_F(StaticFiles, OneThatShrinksEndsItsConnection) {
  write("public/shrinks", "");
  fs::resize_file("public/shrinks", std::uintmax_t{1} << 40);
  testing::internal::CaptureStderr();
  auto f = classic(test::local());
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(request("GET", "/shrinks") + request("GET", "/next"));
  EXPECT_EQ(wire.read(100'000).size(), 100'000U);
  fs::resize_file("public/shrinks", 1'000);
  EXPECT_EQ(wire.read_all().find("HTTP/1.1"), std::string::npos) << "nothing after a part of it";
  f.stop();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "flame: a static file became shorter while it was sent, or cannot be read any more\n");
}

}  // namespace
}  // namespace flame
