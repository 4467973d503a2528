#pragma once

#include <optional>
#include <string>
#include <vector>

#include "link.hpp"

namespace flame::inline v0::session::mongo {

/// Goes up with each release that writes other documents.
inline constexpr std::int64_t schema_version = 1;
/// What the server waits before it removes what is over: its clock may be wrong, the library's
/// store time decides.
inline constexpr std::int64_t margin_seconds = 3600;

/// What is there of a collection.
struct CollectionFacts {
  bool has_documents = false;
  std::optional<std::int64_t> version{};
  bool owner_index = false, expiry_index = false;
  std::optional<std::int64_t> removed_after{};  ///< seconds, by the server itself
};

/// From an index as listIndexes tells it.
void read_index(const bson_t& index, CollectionFacts& into);
/// What mongosh is to be told to make the collection.
[[nodiscard]] std::vector<std::string> making(const Settings& settings);
/// What the operator must mend; empty: it fits.
[[nodiscard]] std::string problem_of(const CollectionFacts& facts, const Settings& settings);
[[nodiscard]] std::vector<std::string> warnings_of(const CollectionFacts& facts,
                                                   const Settings& settings);
/// Whether init_collection would mend it: nothing of others' is there.
[[nodiscard]] bool may_be_made(const CollectionFacts& facts) noexcept;

[[nodiscard]] CollectionFacts look(Link& link, const Settings& settings, Deadline until);
/// What of it is missing.
void make(Link& link, const Settings& settings, const CollectionFacts& facts, Deadline until);

}  // namespace flame::inline v0::session::mongo
