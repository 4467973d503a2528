#pragma once

#include <libpq-fe.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/waiter.hpp>

#include "failure.hpp"
#include "settings.hpp"
#include "statements.hpp"
#include "values.hpp"

namespace flame::inline v0::session::postgres {

/// What became of a group, which the server applies as one.
struct GroupEnd {
  std::optional<Verdict> failure{};  ///< nothing of it was applied, unless the meaning says else
  std::string sqlstate{};
  bool unconfirmed = false;
};

/// One connection of libpq in pipeline mode. It waits with a Waiter alone. An exchange is start(),
/// groups of ask() with end_group(), send(); and then for each group next() until there is none,
/// and group_end(); and finish(). One that was left in the middle ends the link: all that follow
/// throw.
class Link {
 public:
  /// `unnamed`: a pooler loses prepared statements; known to all links of a store.
  Link(const Statements& statements, std::atomic<bool>& unnamed) noexcept
      : statements_(statements), unnamed_(unnamed) {}

  /// Throws connect_error(), or as the Waiter does.
  void open(const Keywords& keywords, Deadline until);
  /// Whether an open() that threw may have failed for the keyword `options` alone.
  [[nodiscard]] bool refused_options() const noexcept;
  void close() noexcept { connection_.reset(); }
  void interrupt() noexcept { waiter_.interrupt(); }
  [[nodiscard]] Waiter& waiter() noexcept { return waiter_; }

  /// Throws StoreError away where the server has ended the connection since.
  void start();
  void ask(Ask ask, const Parameters& parameters);
  void ask(const std::string& text, const Parameters& parameters);  ///< not prepared
  void end_group();
  void send(Deadline until);
  /// In the order of ask(); none after one that failed.
  [[nodiscard]] Result next(Deadline until);
  [[nodiscard]] GroupEnd group_end();
  void finish() noexcept { in_exchange_ = false; }
  /// Whether the server has warned of a commit in the group that is being received.
  [[nodiscard]] bool is_unconfirmed() const noexcept { return unconfirmed_; }

  /// A whole exchange with one question, or with `relaxed` before it. Throws where it fails.
  [[nodiscard]] Result only(Ask ask, const Parameters& parameters, Deadline until,
                            bool relaxed = false);
  [[nodiscard]] const std::string& table() const noexcept { return statements_.table(); }
  /// What the server's answer to a statement on the table comes to.
  [[nodiscard]] StoreError error(const GroupEnd& end) const;
  [[nodiscard]] PGconn* get() const noexcept { return connection_.get(); }

 private:
  enum class Step : std::uint8_t { preparation, question, end };
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };

  static void on_notice(void* link, const PGresult* notice) noexcept;
  void prepare(Ask ask);
  void sent(int result);
  void fill(Deadline until);
  void consume();
  void wait_for(short events, Deadline until);
  [[nodiscard]] Result receive(Deadline until);
  void failed(const Result& result);
  [[nodiscard]] Result only_once(Ask ask, const Parameters& parameters, Deadline until,
                                 bool relaxed, GroupEnd& end);

  const Statements& statements_;
  std::atomic<bool>& unnamed_;
  Waiter waiter_{};
  std::unique_ptr<PGconn, Finish> connection_{};
  std::array<bool, number_of_asks> prepared_{};
  std::optional<Ask> unnamed_is_{};  // in this group
  std::vector<std::pair<Step, Ask>> steps_{};
  std::size_t at_ = 0;
  GroupEnd end_{};
  bool in_exchange_ = false, unsent_ = false, unconfirmed_ = false, ended_ = false;
};

}  // namespace flame::inline v0::session::postgres
