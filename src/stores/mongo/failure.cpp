#include "failure.hpp"

#include <algorithm>
#include <array>

#include "document.hpp"

namespace flame::inline v0::session::mongo {
namespace {

using Kind = StoreError::Kind;

struct Row {
  std::int64_t code;
  Verdict verdict;
};

constexpr std::string_view not_primary = "the server is not the primary (any more)";
constexpr std::string_view stopping = "the server is stopping, or changes its part in the set";
constexpr std::string_view no_shard = "a shard or a member of the set cannot be reached";
constexpr std::string_view unknown_command =
    "the server does not know what the store needs: MongoDB 4.2 or later, or FerretDB 2, does";
constexpr std::string_view rights =
    "the user lacks a right: grant it the role readWrite on the database";
constexpr std::string_view sign_in =
    "the server refuses the user or the password: check them, and authSource, in the URI";

constexpr std::string_view index_conflict =
    "another index has the name or the fields of one of the store's: drop that one";

constexpr std::array rows{
    Row{1, {Meaning::interrupted, "the server failed: its log says why"}},
    Row{2, {Meaning::refused, unknown_command}},
    Row{6, {Meaning::interrupted, no_shard}},
    Row{7, {Meaning::interrupted, no_shard}},
    Row{9, {Meaning::refused, unknown_command}},
    Row{11, {Meaning::refused, sign_in}},
    Row{13, {Meaning::refused, rights}},
    Row{14, {Meaning::refused, unknown_command}},
    Row{18, {Meaning::refused, sign_in}},
    Row{26, {Meaning::refused, "the collection is missing: start again with init_collection"}},
    Row{33, {Meaning::refused, sign_in}},
    Row{43, {Meaning::later, "the server closed a cursor"}},
    Row{50, {Meaning::interrupted, "the server gave up a command that took too long"}},
    Row{59, {Meaning::refused, unknown_command}},
    Row{64, {Meaning::interrupted, "other members of the set did not confirm it in time"}},
    Row{72, {Meaning::refused, unknown_command}},
    Row{73, {Meaning::refused, "the server does not take the name of the database or collection"}},
    Row{79, {Meaning::refused, "the server does not know the write concern: mend w in the URI"}},
    Row{85, {Meaning::refused, index_conflict}},
    Row{86, {Meaning::refused, index_conflict}},
    Row{89, {Meaning::interrupted, no_shard}},
    Row{91, {Meaning::interrupted, stopping}},
    Row{100, {Meaning::refused, "the set has too few members for the write concern: mend w"}},
    Row{112, {Meaning::later, "another write of the same document came between"}},
    Row{115, {Meaning::refused, unknown_command}},
    Row{121,
        {Meaning::refused, "the collection has a validator that takes no session: remove that"}},
    Row{133, {Meaning::interrupted, "the set has no primary now"}},
    Row{166, {Meaning::refused, "the collection is a view: name another one"}},
    Row{189, {Meaning::interrupted, stopping}},
    Row{202, {Meaning::interrupted, no_shard}},
    Row{246, {Meaning::later, "the server has no snapshot to read from yet"}},
    Row{262, {Meaning::interrupted, "the server gave up a command that took too long"}},
    Row{352, {Meaning::refused, unknown_command}},
    Row{391, {Meaning::lost, "the server wants the user to sign in anew"}},
    Row{8000, {Meaning::refused, "the hosting service refused a command: its quota or a right"}},
    Row{9001, {Meaning::interrupted, no_shard}},
    Row{10058, {Meaning::away, not_primary}},
    Row{10107, {Meaning::away, not_primary}},
    Row{10334, {Meaning::refused, "the record is larger than the server takes"}},
    Row{11000, {Meaning::exists, "a unique index refuses it"}},
    Row{11600, {Meaning::interrupted, stopping}},
    Row{11601, {Meaning::interrupted, "somebody ended the operation"}},
    Row{11602, {Meaning::interrupted, stopping}},
    Row{13297, {Meaning::refused, "a database of this name is there with other capitals"}},
    Row{13388, {Meaning::interrupted, "a chunk is being moved"}},
    Row{13435, {Meaning::away, not_primary}},
    Row{13436, {Meaning::away, "the server is starting or recovering"}},
    Row{14031, {Meaning::full, "the server's disk is full: free some space"}},
    Row{17280, {Meaning::refused, "the record's owner is too long for the server's index"}},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::code));

Kind kind_of(Meaning meaning) noexcept {
  switch (meaning) {
    case Meaning::later:
      return Kind::later;
    case Meaning::away:
      return Kind::away;
    case Meaning::refused:
    case Meaning::exists:
      return Kind::refused;
    case Meaning::full:
      return Kind::full;
    case Meaning::interrupted:
    case Meaning::lost:
      break;
  }
  return Kind::connection_lost;
}

StoreError error(Kind kind, std::string_view text) {
  return {kind, std::string("mongo store: ").append(text)};
}

bool says(const bson_error_t& error, std::string_view word) noexcept {
  return std::string_view(error.message).find(word) != std::string_view::npos;
}

/// What may be sent twice, and has the same end.
bool repeats(Verb verb) noexcept {
  return verb == Verb::load || verb == Verb::touch || verb == Verb::erase;
}

}  // namespace

Verdict judge(std::int64_t code) noexcept {
  const auto* const row = std::ranges::lower_bound(rows, code, {}, &Row::code);
  if (row != rows.end() && row->code == code) return row->verdict;
  return {Meaning::interrupted, "the server refused a command: its log says why"};
}

StoreError error_of(const Failure& failure) {
  auto text = std::string(failure.verdict.text);
  if (failure.code != 0) text += " (code " + std::to_string(failure.code) + ")";
  return error(kind_of(failure.verdict.meaning), text);
}

Failure failure_of(const bson_t& reply, const bson_error_t& driver) noexcept {
  if (const auto code = find_number(reply, "code")) return {judge(*code), *code};
  if (has(reply, "ok")) return {judge(0), 0};
  if (driver.domain == MONGOC_ERROR_CLIENT && driver.code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
    return {judge(18), 0};
  return {{Meaning::lost, "the connection broke"}, 0};
}

StoreError connect_error(const bson_error_t& driver, bool broken, const std::string& problem) {
  if (!broken && (driver.domain == MONGOC_ERROR_PROTOCOL || says(driver, "wire version")))
    return error(Kind::refused, unknown_command);
  const std::string no_primary =
      "has the set a primary, and are hosts and replicaSet in the URI right?";
  return error(Kind::connection_lost, "no server of the URI that takes writes can be reached: " +
                                          (problem.empty() ? no_primary : problem));
}

Meaning meaning_for(Verb verb, std::size_t statements, Meaning meaning) noexcept {
  if (repeats(verb)) return meaning == Meaning::interrupted ? Meaning::later : meaning;
  // It may have stopped being the primary on the way.
  if (meaning == Meaning::away && statements > 1) return Meaning::interrupted;
  return meaning;
}

Outcome outcome_of(Verb verb, std::int64_t code) noexcept {
  switch (meaning_for(verb, 1, judge(code).meaning)) {
    case Meaning::away:
    case Meaning::later:
      return Outcome::later;
    case Meaning::exists:
      return verb == Verb::create ? Outcome::exists : Outcome::refused;
    case Meaning::refused:
    case Meaning::full:
      return Outcome::refused;
    case Meaning::interrupted:
    case Meaning::lost:
      break;
  }
  return Outcome::unknown;
}

StoreError unconfirmed(std::int64_t code) {
  const auto verdict = judge(code);
  auto text = std::string("the members of the set that must confirm a write did not: ");
  text.append(verdict.text).append(" (code ").append(std::to_string(code)).append(")");
  return error(Kind::unconfirmed, text);
}

void lose(std::string_view text) { throw error(Kind::connection_lost, text); }
void refuse(const std::string& text) { throw StoreError(Kind::refused, text); }

}  // namespace flame::inline v0::session::mongo
