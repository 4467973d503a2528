// Each case must be refused with a text that says why: see CMakeLists.txt.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <flame/session/manager.hpp>

namespace session = flame::session;

union Union {
  int number;
  float real;
};
class Private {
 public:
  int number() const { return number_; }

 private:
  int number_ = 0;
};
struct Base {};
struct Derived : Base {
  int number;
};
struct Array {
  int before;
  int numbers[2];
};
struct TooLarge {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9;
  int c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2;
};
struct Pointing {
  int number;
  const int* other;
};
struct Constructed {
  explicit Constructed(int n) : number(n) {}
  int number;
};
/// As nlohmann::json is made.
struct Json {
  using value_type = Json;
  const Json* begin() const { return this; }
  const Json* end() const { return this; }
  std::size_t size() const { return 0; }
  void push_back(const Json&) {}
};
struct Borrowing {
  std::string_view text;
};

void use(session::Session& s, int number) {
#if defined(CASE_pointer)
  s.set("key", &number);
#elif defined(CASE_smart_pointer)
  s.set("key", std::make_unique<int>(number));
#elif defined(CASE_pointer_member)
  s.set("key", Pointing{number, nullptr});
#elif defined(CASE_borrowed_text)
  static_cast<void>(s.get<std::string_view>("key"));
#elif defined(CASE_borrowed_member)
  static_cast<void>(s.get<Borrowing>("key"));
#elif defined(CASE_c_array)
  const int numbers[] = {number, number};
  s.set("key", numbers);
#elif defined(CASE_long_double)
  s.set("key", static_cast<long double>(number));
#elif defined(CASE_union)
  s.set("key", Union{number});
#elif defined(CASE_private_members)
  s.set("key", Private());
#elif defined(CASE_base)
  s.set("key", Derived{{}, number});
#elif defined(CASE_array_member)
  s.set("key", Array{number, {}});
#elif defined(CASE_too_many_members)
  s.set("key", TooLarge{});
#elif defined(CASE_tuple_of_references)
  s.set("key", std::tie(number));
#elif defined(CASE_floating_duration)
  s.set("key", std::chrono::duration<double>(number));
#elif defined(CASE_steady_time)
  s.set("key", std::chrono::steady_clock::now());
#elif defined(CASE_capture)
  s.update<int>("key", 0, [number](int n) { return n + number; });
#elif defined(CASE_update_view)
  const auto put = [](std::string, std::string_view text) { return std::string(text); };
  s.update("key", std::string(), put, std::string_view("gone"));
#elif defined(CASE_update_span)
  const auto count = [](int n, std::span<const int> more) { return n + int(more.size()); };
  s.update("key", 0, count, std::span<const int>(&number, 1));
#elif defined(CASE_update_within)
  struct Line {
    std::string_view text;
  };
  const auto count = [](int n, const std::vector<Line>& more) { return n + int(more.size()); };
  s.update("key", 0, count, std::vector<Line>());
#elif defined(CASE_update_literal)
  s.update("key", 0, [](int n, const char*) { return n; }, "gone");
#elif defined(CASE_update_argument)
  s.update("key", 0, [](int n, int& by) { return n + by; }, number);
#elif defined(CASE_update_cuts)
  s.update("key", 0, [](int n, double by) { return n + by; }, 1.5);
#elif defined(CASE_update_result)
  s.update<int>("key", 0, [](int) {});
#elif defined(CASE_update_reference)
  s.update<int>("key", 0, [](int& n) { ++n; });
#elif defined(CASE_path)
  s.set("key", std::filesystem::path("/"));
#elif defined(CASE_json)
  s.set("key", Json());
#elif defined(CASE_json_read)
  static_cast<void>(s.get<Json>("key"));
#elif defined(CASE_constructor)
  s.set("key", Constructed(number));
#elif defined(CASE_option_without_unit)
  static_cast<void>(session::Options{.idle_timeout = 30});
#elif defined(CASE_store_url)
  static_cast<void>(session::Options{.store = "file:/var/lib/shop/sessions"});
#elif defined(CASE_store_text)
  session::Options options;
  options.store = std::string("memory:");
#elif defined(CASE_login_without_unit)
  s.set_owner("alice", {.idle = 30});
#endif
}
