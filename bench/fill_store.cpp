// Begins, looks at and ends many sessions of a store, as a service does: for bench/copy.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/open_store.hpp>

namespace session = flame::session;

namespace {

constexpr unsigned threads = 16;  // each waits for its own save

constexpr const char* usage =
    "usage: fill_store begin URL N | look URL | end URL\n"
    "\n"
    "begin  N sessions, half of them owned; prints their cookies\n"
    "look   at the cookies on stdin: prints how many live\n"
    "end    the cookies on stdin\n";

session::Session load(session::Manager& manager, const std::string& cookie) {
  const std::string_view line = cookie;
  session::RequestView request;
  if (!cookie.empty()) request.cookie_lines = {&line, 1};
  request.secure = true;
  return manager.load(request, session::Need::write).value();
}

std::string begin(session::Manager& manager, std::size_t number) {
  auto s = load(manager, {});
  s.set("user_id", static_cast<std::int64_t>(number));
  s.set("text", std::string(100, 'x'));
  if (number % 2 == 0) s.set_owner("user" + std::to_string(number / 20));
  const auto answer = manager.commit(s).value();
  for (const auto& [name, value] : answer.fields)
    if (name == "Set-Cookie") return value.substr(0, value.find(';'));
  return {};
}

/// Calls f(i) for all of `n`, on several threads.
template <class F>
void for_all(std::size_t n, F f) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&] {
      for (std::size_t at = next++; at < n; at = next++) f(at);
    });
  for (auto& each : all) each.join();
}

std::vector<std::string> read_cookies() {
  std::vector<std::string> all;
  for (std::string line; std::getline(std::cin, line);) all.push_back(line);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what != (argc == 4 ? "begin" : "look") && what != "end") {
    std::fputs(usage, stderr);
    return 2;
  }
  session::Manager manager({.store = session::open_store(argv[2]),
                            .deadline = std::chrono::seconds(60),
                            .max_created_per_second = 0,
                            .on_event = [](const session::Event&) {}});
  if (const auto opened = manager.open(); !opened) {
    std::fprintf(stderr, "fill_store: %s\n", opened.error().text.c_str());
    return 1;
  }
  std::vector<std::string> cookies(what == "begin" ? std::stoul(argv[3]) : 0);
  if (what != "begin") cookies = read_cookies();
  std::atomic<std::size_t> live{0};
  for_all(cookies.size(), [&](std::size_t i) {
    if (what == "begin") {
      cookies[i] = begin(manager, i);
    } else {
      auto s = load(manager, cookies[i]);
      if (s.exists()) ++live;
      if (what == "look") return;
      s.destroy();
      static_cast<void>(manager.commit(s).value());
    }
  });
  if (what == "begin")
    for (const auto& each : cookies) std::cout << each << '\n';
  else
    std::cout << live << '\n';
}
