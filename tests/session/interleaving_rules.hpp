#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "interleaving_model.hpp"

namespace flame::session_tests {

inline constexpr std::size_t most_requests = 6;
inline constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

struct ModelSession {
  bool alive = false;
  int current = -1;
  unsigned superseded = 0;  ///< a bit for each ID: no test renews so often that one is forgotten
  Content content{};
  int flash = -1;
};

enum class Presence : std::uint8_t { absent, live, superseded };

struct ModelRequest {
  Presence presence = Presence::absent;
  int session = -1;
  int claimed = -1;
  int claimed_from = -1;
  bool applied_before = false;
  int id = -1;                              ///< the one that opened a session
  int second = -1;                          ///< the other session, where both IDs are live
  Presence first_found = Presence::absent;  ///< by the first of two IDs
  Content seen_first{};
  int flash_first = -1;
  bool loaded = false;    ///< by two IDs: what it saw is what was loaded, and there was no message
  bool replaced = false;  ///< its own message came in the place of what it claimed

  bool ends = false;      ///< sessions of an owner, one by one: those that it could list
  bool counts = false;    ///< its owner's sessions, above the limit
  unsigned may_end = 0;   ///< a bit for each session
  unsigned must_end = 0;  ///< those that were there when it began
  int signed_in = -1;     ///< the session that its login is in
};

struct Model {
  std::array<ModelSession, most_requests + 1> sessions{};
  std::array<ModelRequest, most_requests> requests{};
  std::size_t dropped = 0;
  std::size_t flash_lost = 0;

  /// Of all that decides what can follow.
  [[nodiscard]] std::uint64_t hash() const noexcept;
  int find(int id, Presence& presence) const;
  [[nodiscard]] unsigned owned_by(int owner) const;
  [[nodiscard]] unsigned alive() const;
};

/// Something that a request does at one moment.
struct Moment {
  enum class Kind : std::uint8_t {
    claim,
    miss,
    load,
    load_second,
    claim_by_second,
    load_again,
    early,
    commit,
    end_second,
    end_all,
    put_back,
    begin_ending,
    end_one,
    ended_all,
    limit_one,
    refused,
    end_unseen,
  };
  Kind kind{};
  std::size_t request = 0;
  Interval when{};
  bool optional = false;
  std::size_t after = never;  ///< a moment of the same request that comes first
  int session = -1;           ///< of end_one and limit_one
};
[[nodiscard]] std::string describe(const Moment& moment);

/// What each moment does to the sessions, and whether it can have been seen as it was.
class Rules {
 public:
  explicit Rules(const History& history) : history_(history) {}

  void explain() noexcept { explaining_ = true; }  ///< text costs more than a search
  /// False: what was seen cannot have been; why() says what, where it is to explain.
  [[nodiscard]] bool apply(Model& model, const Moment& moment);
  [[nodiscard]] bool at_end(const Model& model);
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  bool apply_alone(Model& model, const Moment& moment);
  bool claim(Model& model, std::size_t i, const Seen& seen);
  bool take_flash_of(Model& model, std::size_t i, const Seen& seen, int found);
  bool miss(Model& model, std::size_t i, const Seen& seen);
  bool load(Model& model, std::size_t i, const Seen& seen);
  bool load_second(Model& model, std::size_t i, const Seen& seen);
  bool claim_by_second(Model& model, std::size_t i, const Seen& seen);
  bool load_again(Model& model, std::size_t i, const Seen& seen);
  bool sees(std::size_t i, const Seen& seen, bool live, const Content& content);
  bool end_second(Model& model, std::size_t i);
  bool end_all_of(Model& model, std::size_t i, const Seen& seen);
  bool end_one(Model& model, std::size_t i, int session);
  bool ended_all(Model& model, std::size_t i);
  bool limit_one(Model& model, std::size_t i, int session);
  bool was_refused(Model& model, std::size_t i);
  bool end_unseen(Model& model, std::size_t i);
  bool put_back(Model& model, std::size_t i);
  void note_endings(Model& model);
  [[nodiscard]] bool signs_in(const Model& model, std::size_t i, const Seen& seen) const;
  bool answers(std::size_t i, const Seen& seen, Seen::Cookie cookie, bool update_throws = false);
  void change(Model& model, int session, std::size_t i, const Seen& seen);
  bool create(Model& model, std::size_t i, const Seen& seen);
  bool farewell(Model& model, std::size_t i, const Seen& seen, Seen::Cookie otherwise);
  bool drop(Model& model, std::size_t i, const Seen& seen);
  bool early(Model& model, std::size_t i, const Seen& seen);
  bool commit(Model& model, std::size_t i, const Seen& seen);
  bool counts(const Model& model);
  bool keeps_limit(const Model& model);
  bool differs(std::string what);
  bool differs(std::size_t i, const std::string& what);
  [[nodiscard]] int ends_owner(std::size_t i) const noexcept;
  /// A bit for each session that request i would end by now.
  [[nodiscard]] unsigned ended_by(const Model& model, std::size_t i) const;

  const History& history_;
  bool explaining_ = false;
  std::string why_{};
};

}  // namespace flame::session_tests
