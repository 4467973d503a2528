#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/flame.hpp>
#include <flame/handler.hpp>
#include <flame/request.hpp>
#include <flame/session/error.hpp>

#include "chain.hpp"
#include "router.hpp"

namespace flame::inline v0::detail {

/// What the application said, as it said it.
struct Definition {
  /// All routes are of one; the outermost has no prefix, and its middleware is every request's.
  struct Group {
    std::string prefix{};
    std::vector<Link> links{};
    std::shared_ptr<Group> outer{};
  };
  struct RouteLine {
    Method method{};
    std::string path{};  // without the groups' prefixes
    std::vector<Link> links{};
    std::shared_ptr<const Group> group{};
  };

  const std::shared_ptr<Group> outermost = std::make_shared<Group>();
  std::shared_ptr<Group> group = outermost;  // the one being defined
  std::deque<RouteLine> routes{};
  std::vector<Link> not_found{};
  ErrorPage error_page{};
  std::vector<Service> services{};
};

/// A definition, checked and compiled: every route's chain, with its middleware. Any thread.
class App {
 public:
  /// The definition must not change or move any more.
  explicit App(const Definition& definition);

  /// Opens the providers. An error has a line for each thing that is wrong.
  [[nodiscard]] session::Result<void> open();
  void close() noexcept;
  /// What its middleware tells once the host listens, with a line feed after each.
  [[nodiscard]] std::string lines() const;

  /// Runs the chain of the route that fits.
  [[nodiscard]] Task<> dispatch(Context& context) const;
  /// Of a chain that is done: throws where it ended too early, or with what is not to be sent.
  void check_answer(Context& context) const;
  /// Where the answer is the host's own error, and the application has a page for these.
  void make_error_page(Context& context) const noexcept;

 private:
  void add(const Definition::RouteLine& line);
  void refuse_rival(const Route& route, const Route& other);
  void refuse_unreached(const std::vector<Link>& links, const std::string& name);
  void refuse_for_all(const std::vector<Used>& chain, std::string_view route);
  [[nodiscard]] std::vector<Used> with_middleware() const;
  void compile_rest();
  [[nodiscard]] Route compile_own(std::vector<Used> chain, const Link& answer, const char* name);
  void check_cookies(const Context& context, const Response& response) const;
  void add_rivals(std::vector<std::string>& errors) const;
  void collect(const std::vector<Used>& chain);

  const Definition& definition_;
  std::deque<std::string> names_{};  // "GET /x"
  std::deque<Route> routes_{};
  Router router_{};
  Link built_in_error_{}, built_in_options_{};
  Route not_found_{}, not_allowed_{}, options_{};
  std::vector<std::shared_ptr<Provider>> providers_{};
  std::size_t opened_ = 0;
  std::vector<std::string> cookies_{};  // of these, and no handler's to set
  std::vector<std::shared_ptr<const AtStart>> at_start_{};
  std::vector<std::string> errors_{};
};

}  // namespace flame::inline v0::detail
