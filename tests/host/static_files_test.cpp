#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <flame/flame.hpp>
#include <flame/static_files.hpp>
#include <flame/test_client.hpp>

#include "host/http_date.hpp"
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
  write("public/.well-known/security.txt", "Contact: x");
  write("public/.well-known/.hidden", "secret");
  write("public/sub/.well-known/x", "secret");
  fs::create_directory("public/empty");
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
  EXPECT_EQ(client.get("/.well-known/security.txt").body(), "Contact: x");
  EXPECT_EQ(client.get("/%2ewell-known/security.txt").body(), "Contact: x");
  EXPECT_EQ(client.get("/route").body(), "route");
  for (const char* path : {"/../secret.txt",
                           "/sub/../../secret.txt",
                           "/%2e%2e/secret.txt",
                           "/..%2fsecret.txt",
                           "/.hidden",
                           "/link.txt",
                           "/up/secret.txt",
                           "/fifo",
                           "/empty",
                           "/empty/",
                           "//etc/passwd",
                           "/a.txt/",
                           "/none.txt",
                           "/sub//index.html",
                           "/sub%2findex.html",
                           "/sub%2Fb%20c.html",
                           "/%2fa.txt",
                           "/sub/%2e/index.html",
                           "/sub/.well-known/x",
                           "/.well-known/.hidden",
                           "/.well-known"}) {
    const auto response = client.get(path);
    EXPECT_EQ(response.status(), 404) << path;
    EXPECT_EQ(response.body(), "Not Found\n") << path;
  }
}

TEST_F(StaticFiles, HaveATypeByTheirEnding) {
  const std::vector<std::pair<const char*, const char*>> types{
      {"a.html", "text/html; charset=utf-8"},
      {"a.HTML", "text/html; charset=utf-8"},
      {"a.min.Js", "text/javascript; charset=utf-8"},
      {"a.xml", "application/xml"},
      {"a.pdf", "application/pdf"},
      {"a.GIF", "image/gif"},
      {"a.avif", "image/avif"},
      {"a.woff", "font/woff"},
      {"a.woff2", "font/woff2"},
      {"a.ttf", "font/ttf"},
      {"a.otf", "font/otf"},
      {"a.js.map", "application/json"},
      {"site.webmanifest", "application/manifest+json"},
      {"a.mp4", "video/mp4"},
      {"a.webm", "video/webm"},
      {"a.mp3", "audio/mpeg"},
      {"a.ogg", "audio/ogg"},
      {"a.zip", "application/zip"},
      {"a.tar.gz", "application/gzip"},
      {"a.csv", "text/csv; charset=utf-8"},
      {"a.md", "text/markdown; charset=utf-8"},
      {"a", "application/octet-stream"},
      {"html", "application/octet-stream"},
      {"a.", "application/octet-stream"},
      {"a.xhtmlx", "application/octet-stream"},
  };
  for (const auto& [name, type] : types) write(fs::path("public") / name, "x");
  auto f = classic();
  TestClient client(f);
  for (const auto& [name, type] : types) {
    const auto response = client.get(std::string("/") + name);
    EXPECT_EQ(response.get("Content-Type"), type) << name;
    EXPECT_EQ(response.get("X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(StaticFiles, AFolderWithAPageIsNamedWithASlash) {
  write("public/docs/a b/index.html", "index");
  write("public/docs/index.htm", "not it");
  fs::create_directories("public/odd/index.html");
  auto f = classic();
  TestClient client(f);
  const auto sent_on = client.get("/docs/a%20b");
  EXPECT_EQ(sent_on.status(), 308);
  EXPECT_EQ(sent_on.get("Location"), "/docs/a%20b/");
  EXPECT_EQ(sent_on.get("Cache-Control"), "no-cache");
  EXPECT_EQ(client.get("/docs/a%20b?x=1&y=%2f").get("Location"), "/docs/a%20b/?x=1&y=%2f");
  EXPECT_EQ(client.request("HEAD", "/docs/a%20b").status(), 308);
  EXPECT_EQ(client.get("/docs/a%20b/").body(), "index");
  EXPECT_EQ(client.get("/docs").status(), 404);
  EXPECT_EQ(client.get("/odd").status(), 404);
  EXPECT_EQ(client.get("/odd/").status(), 404);
}

TEST_F(StaticFiles, AreSentOnceUntilTheyChange) {
  write("public/a.txt", "one");
  auto f = classic();
  TestClient client(f);
  const auto first = client.get("/a.txt");
  const std::string etag(first.get("ETag")), modified(first.get("Last-Modified"));
  EXPECT_EQ(etag.size(), 18U) << etag;
  EXPECT_EQ(first.get("Accept-Ranges"), "bytes");
  EXPECT_EQ(first.get("Cache-Control"), "no-cache");
  const auto head = client.request("HEAD", "/a.txt");
  EXPECT_EQ(head.get("ETag"), etag);
  EXPECT_EQ(head.get("Last-Modified"), modified);

  const auto again = client.get("/a.txt", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status(), 304);
  EXPECT_EQ(again.body(), "");
  EXPECT_EQ(again.get("ETag"), etag);
  EXPECT_EQ(again.get("Cache-Control"), "no-cache");
  EXPECT_EQ(again.get("Content-Type"), "");
  EXPECT_EQ(client.get("/a.txt", {{"If-Modified-Since", modified}}).status(), 304);
  EXPECT_EQ(client.request("HEAD", "/a.txt", {{"If-None-Match", etag}}).status(), 304);
  EXPECT_EQ(client.get("/a.txt", {{"If-Match", "\"x\""}}).status(), 412);
  EXPECT_EQ(client.get("/a.txt", {{"If-Match", etag}}).body(), "one");

  const auto time = fs::last_write_time("public/a.txt");
  const auto changed = [&](const char* how) {
    const auto answer = client.get("/a.txt", {{"If-None-Match", etag}});
    EXPECT_EQ(answer.status(), 200) << how;
    EXPECT_NE(answer.get("ETag"), etag) << how;
  };
  fs::last_write_time("public/a.txt", time + std::chrono::nanoseconds(1));
  changed("a nanosecond later");
  write("public/a.txt", "longer");
  fs::last_write_time("public/a.txt", time);
  changed("another size");
  write("public/b.txt", "two");
  fs::last_write_time("public/b.txt", time);
  fs::rename("public/b.txt", "public/a.txt");
  changed("another file of the same size and time");
}

TEST_F(StaticFiles, OfTheFutureWereChangedNow) {
  write("public/a.txt", "one");
  fs::last_write_time("public/a.txt", fs::file_time_type::clock::now() + std::chrono::hours(24));
  auto f = classic();
  TestClient client(f);
  const auto modified = std::string(client.get("/a.txt").get("Last-Modified"));
  const auto tomorrow = std::time(nullptr) + 80'000;
  EXPECT_LT(detail::parse_http_date(modified, tomorrow), tomorrow);
}

TEST_F(StaticFiles, ArriveInParts) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i) + ' ';
  write("public/a.txt", text);
  const auto size = std::to_string(text.size());
  auto f = classic(test::local());
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  const auto ask = [&](const std::string& fields, const char* method = "GET") {
    wire.send(std::string(method) + " /a.txt HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n\r\n");
    return wire.read_response();
  };
  const auto part = ask("Range: bytes=70000-269999");
  EXPECT_EQ(test::status_of(part), "206");
  EXPECT_TRUE(body_of(part) == text.substr(70'000, 200'000));
  EXPECT_NE(part.find("\r\nContent-Range: bytes 70000-269999/" + size + "\r\n"), std::string::npos);
  EXPECT_NE(part.find("\r\nContent-Length: 200000\r\n"), std::string::npos);
  EXPECT_NE(part.find("\r\nContent-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(part.find("\r\nETag: "), std::string::npos);
  EXPECT_TRUE(body_of(ask("Range: bytes=-10")) == text.substr(text.size() - 10));
  EXPECT_TRUE(body_of(ask("Range: bytes=5-")) == text.substr(5));

  const auto none = ask("Range: bytes=" + size + "-");
  EXPECT_EQ(test::status_of(none), "416");
  EXPECT_NE(none.find("\r\nContent-Range: bytes */" + size + "\r\n"), std::string::npos);
  EXPECT_EQ(body_of(none), "Range Not Satisfiable\n");

  for (const auto* whole : {"Range: bytes=0-1,5-6", "Range: bytes=5-1", "X: y",
                            "Range: bytes=0-1\r\nIf-Range: \"of before\""}) {
    const auto answer = ask(whole);
    EXPECT_EQ(test::status_of(answer), "200") << whole;
    EXPECT_TRUE(body_of(answer) == text) << whole;
    EXPECT_EQ(answer.find("Content-Range"), std::string::npos) << whole;
  }
  const auto etag_at = part.find("ETag: ") + 6;
  const auto etag = part.substr(etag_at, 18);
  EXPECT_EQ(body_of(ask("Range: bytes=0-1\r\nIf-Range: " + etag)), "0 ");
  EXPECT_EQ(test::status_of(ask("Range: bytes=0-1\r\nIf-None-Match: " + etag)), "304");
}

TEST_F(StaticFiles, TheFolderMayBeReplacedAtAnyTime) {
  write("one/sub/a.txt", "one");
  write("two/sub/a.txt", "two");
  fs::create_directory_symlink("one", "public");
  auto f = classic();
  TestClient client(f);
  EXPECT_EQ(client.get("/sub/a.txt").body(), "one");
  fs::create_directory_symlink("two", "next");
  fs::rename("next", "public");
  EXPECT_EQ(client.get("/sub/a.txt").body(), "two");
  fs::remove("public");
  EXPECT_EQ(client.get("/sub/a.txt").status(), 404);
  fs::rename("one", "public");
  EXPECT_EQ(client.get("/sub/a.txt").body(), "one");
}

TEST_F(StaticFiles, OfAnyFolderBelowAPrefix) {
  write("assets/a.txt", "text");
  write("assets/index.html", "index");
  write("assets/.well-known/x", "x");
  write("more/a.txt", "more");
  Flame f;
  f.use(static_files({.folder = "assets", .prefix = "/assets/v1/"}));
  f.use(static_files({.folder = "more"}));
  f.get("/assets/b.txt", [] { return "route"; });
  fs::current_path("more");
  TestClient client(f);
  EXPECT_EQ(client.get("/assets/v1/a.txt").body(), "text");
  EXPECT_EQ(client.get("/assets/v1/").body(), "index");
  EXPECT_EQ(client.get("/assets/v1?x").status(), 308);
  EXPECT_EQ(client.get("/assets/v1?x").get("Location"), "/assets/v1/?x");
  EXPECT_EQ(client.get("/assets/b.txt").body(), "route");
  EXPECT_EQ(client.get("/a.txt").body(), "more");
  for (const auto* path : {"/assets/v1a.txt", "/assets/a.txt", "/assets/v1x", "/assets/v1//a.txt",
                           "/assets/v1/../a.txt", "/more/a.txt"})
    EXPECT_EQ(client.get(path).status(), 404) << path;
}

TEST_F(StaticFiles, MayBeKeptWithoutAsking) {
  write("public/a.txt", "text");
  Flame f;
  f.use([](Context& c) { c.header("Cache-Control", "max-age=60"); });
  f.use(static_files());
  TestClient client(f);
  const auto answer = client.get("/a.txt");
  EXPECT_EQ(answer.get("Cache-Control"), "max-age=60");
  const auto again = client.get("/a.txt", {{"If-None-Match", std::string(answer.get("ETag"))}});
  EXPECT_EQ(again.status(), 304);
  EXPECT_EQ(again.get("Cache-Control"), "max-age=60");
}

TEST_F(StaticFiles, WrongOptionsAreToldAtStart) {
  write("file", "x");
  const auto error = [](StaticFilesOptions options) -> std::string {
    Flame f;
    f.use(static_files(std::move(options)));
    const auto started = f.start();
    return started ? "" : started.error().text;
  };
  EXPECT_EQ(error({.folder = "none"}), "static_files: the folder " + (folder_ / "none").string() +
                                           " cannot be opened (No such file or directory): make "
                                           "it, or name another one");
  EXPECT_NE(error({.folder = "file"}).find("(Not a directory)"), std::string::npos);
  for (const auto* prefix :
       {"assets", "/a//b", "/a%20b", "/a?b", "/a b", "//", "/a//", "/./a", "/a/.."})
    EXPECT_NE(error({.folder = ".", .prefix = prefix}).find("no path begins with the prefix `"),
              std::string::npos)
        << prefix;
}

TEST_F(StaticFiles, RunTellsWhichFolderIsServed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [&] {
    int out[2];
    if (::pipe(out) != 0 || ::dup2(out[1], STDOUT_FILENO) < 0) ::_exit(9);
    std::thread reader([from = out[0]] {
      std::string lines;
      for (char c = 0; std::count(lines.begin(), lines.end(), '\n') < 2; lines += c)
        if (::read(from, &c, 1) != 1) ::_exit(8);
      std::fputs(lines.c_str(), stderr);  // where a death test looks
      ::kill(::getpid(), SIGTERM);
    });
    classic(test::local()).run();
    reader.join();
    fs::remove_all(folder_);
    ::_exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0),
              "Serving no files: there is no folder .*/public\n");
  write("public/a.txt", "text");
  EXPECT_EXIT(run(), testing::ExitedWithCode(0),
              "Listening on http://127.0.0.1:[0-9]+\nServing the files of .*/public\n");
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

TEST_F(StaticFiles, AreForAllPathsAndNotOfSomeRoutes) {
  Flame f;
  f.get("/files/{**}", static_files());
  f.group("/group", [&] {
    f.use(static_files());
    f.get("/x", [] { return "x"; });
  });
  const auto error = test::error_of(f);
  for (const auto* route : {"GET /files/{**}", "GET /group/x"})
    EXPECT_NE(error.find(std::string(route) + ": flame::static_files(...) is for f.use(...)"),
              std::string::npos)
        << error;
}

}  // namespace
}  // namespace flame
