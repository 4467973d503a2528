#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "document.hpp"

namespace flame::inline v0::session::mongo {

/// What the URI says of how sure a write and how new a read must be.
struct Concerns {
  std::string write = "majority";  ///< `w`: a number, majority, or a tag of the set's
  bool journal = true;
  std::optional<std::int64_t> wait{};  ///< milliseconds, at most
  std::string read = "majority";
};

using Ops = std::span<StoreOp* const>;

/// Of one page.
inline constexpr std::size_t most_listed = 10'000;

/// All that is sent to the collection, as documents. Pure.
class Commands {
 public:
  Commands(std::string collection, Concerns concerns)
      : collection_(std::move(collection)), concerns_(std::move(concerns)) {}

  [[nodiscard]] const Concerns& concerns() const noexcept { return concerns_; }

  /// As new as the URI says.
  [[nodiscard]] Document load(Ops ops) const;
  /// What a write has found, or just left: the primary's newest.
  [[nodiscard]] Document look(Ops ops) const;
  [[nodiscard]] Document more(std::int64_t cursor) const;
  [[nodiscard]] Document create(Ops ops, Deadline until) const;
  /// Over what is expired.
  [[nodiscard]] Document create_over(const StoreOp& op, const Call& call) const;
  [[nodiscard]] Document replace(Ops ops, const Call& call) const;
  [[nodiscard]] Document touch(Ops ops, const Call& call) const;
  [[nodiscard]] Document erase(Ops ops, Deadline until) const;
  [[nodiscard]] Document find_expired(std::size_t limit, TimePoint now) const;
  [[nodiscard]] Document remove_expired(std::span<const SessionKey> keys, TimePoint now) const;
  /// By the index of owners, which must be there, or as the server likes.
  [[nodiscard]] Document list(std::string_view owner, std::string_view from, std::size_t limit,
                              TimePoint now, bool by_index = true) const;
  /// Keys alone.
  [[nodiscard]] Document scan(std::string_view from, std::size_t limit) const;

 private:
  Document find(Ops ops, const std::string& concern) const;
  [[nodiscard]] const char* level_of_many() const;
  void add_concern(Writer to, Deadline until) const;

  std::string collection_;
  Concerns concerns_;
};

/// What a write's reply says beside the number of documents.
struct Written {
  std::int64_t count = 0;
  struct Error {
    std::size_t index;
    std::int64_t code;
  };
  std::vector<Error> errors{};
  std::optional<std::int64_t> unconfirmed{};  ///< why it is not where the write concern wants it
};
/// Throws StoreError connection_lost where it is none that a write can have.
[[nodiscard]] Written read_written(const bson_t& reply);

}  // namespace flame::inline v0::session::mongo
