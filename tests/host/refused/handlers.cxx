// Each case must be refused with a text that says why: see CMakeLists.txt.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/json.hpp>
#include <flame/sessioner.hpp>

struct Service {};
/// As nlohmann::json is made, where it knows no type.
struct Json {
  struct exception {
    const char* what() const { return ""; }
  };
  enum class error_handler_t { replace };
  static Json parse(const char*, const char*, std::nullptr_t, bool) { return {}; }
  bool is_discarded() const { return false; }
  template <class T>
  requires(sizeof(T) == 0) T get() const;
};
struct Pages {
  std::string index() const { return {}; }
};

void routes(flame::Flame& f) {
#if defined(CASE_string_view)
  f.get("/", [] { return std::string_view("gone"); });
#elif defined(CASE_template_call)
  f.get("/", [](auto&) { return "x"; });
#elif defined(CASE_mutable_call)
  f.get("/", [n = 0]() mutable { return std::to_string(++n); });
#elif defined(CASE_by_value)
  f.get("/", [](Service) { return "x"; });
#elif defined(CASE_number)
  f.get("/{id}", [](int id) { return std::to_string(id); });
#elif defined(CASE_text)
  f.get("/{id}", [](const std::string& id) { return id; });
#elif defined(CASE_stream)
  f.get("/", [](flame::Stream&) { return "x"; });
#elif defined(CASE_group_guard)
  f.group("/", [](flame::Context&) {}, [&f] { f.get("/", [] { return "x"; }); });
#elif defined(CASE_no_object)
  f.get("/", &Pages::index);
#elif defined(CASE_not_called)
  f.use(flame::session::sessioner);
#elif defined(CASE_json_type)
  f.get("/", [](flame::Context& c) { static_cast<void>(flame::json_body<Json, Service>(c)); });
#elif defined(CASE_other_result)
  f.get("/", [] { return 1.5; });
#elif defined(CASE_optional_with_status)
  f.get("/", [] { return std::pair(404, std::optional<std::string>()); });
#elif defined(CASE_mutable_request)
  f.get("/", [](flame::Request&) { return "x"; });
#elif defined(CASE_response)
  f.get("/", [](flame::Response& response) { response.status(201); });
#elif defined(CASE_middleware_result)
  f.use([](flame::Context&, flame::Next) { return std::string("x"); });
#elif defined(CASE_stream_capture)
  f.get("/", [](flame::session::Session& s) {
    return flame::streamed([&s](flame::Context&, flame::Stream&) -> flame::Task<> { co_return; });
  });
#elif defined(CASE_stream_session)
  f.get("/", [](flame::session::Session& s) {
    return flame::streamed(
        [](flame::Context&, flame::Stream&, flame::session::Session&) -> flame::Task<> { co_return; },
        std::ref(s));
  });
#elif defined(CASE_stream_view)
  f.get("/", [](flame::Context& c) {
    return flame::streamed(
        [](flame::Context&, flame::Stream&, std::string_view) -> flame::Task<> { co_return; },
        c.body());
  });
#elif defined(CASE_stream_signature)
  f.get("/", [] { return flame::streamed([](flame::Stream&) -> flame::Task<> { co_return; }); });
#endif
}
