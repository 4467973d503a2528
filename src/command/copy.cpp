#include <algorithm>
#include <iostream>

#include <flame/session/open_store.hpp>

#include "commands.hpp"
#include "copier.hpp"
#include "managed.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace flame::inline v0::session::command {
namespace {

constexpr auto go_on = "go on with the same command and --resume";

std::string table_of(const Copied& copied, std::size_t ended_there) {
  Table table;
  const auto add = [&](const char* what, std::size_t n) { table.add({what, std::to_string(n)}); };
  add("copied", copied.copied);
  add("copied again, newer than there", copied.again);
  add("already there", copied.already_there);
  add("ended meanwhile", copied.ended);
  add("expired", copied.expired);
  add("unreadable, not copied", copied.unreadable);
  add("refused there, not copied", copied.refused);
  add("of another state there, left alone", copied.left);
  add("ended there, for they had ended", ended_there);
  return table.text();
}

/// Text of what a store said, with its side of the copy.
[[noreturn]] void fail_at(const char* side, const StoreError& error, bool may_go_on) {
  throw Failure(ExitStatus::failed, std::string(side) + ": " + error.what() +
                                        (may_go_on ? std::string("; ") + go_on : std::string()));
}

template <class Open>
Access open(Open open_it, const std::string& url, const char* side) {
  try {
    return Access(open_it(url));
  } catch (const StoreError& error) {
    fail_at(side, error, false);
  }
}

void check_interrupted() {
  if (is_interrupted()) throw Failure(ExitStatus::not_done, std::string("interrupted: ") + go_on);
}

/// What lives at the target, and not at the source.
void end_there(Access& from, Access& to, bool yes, bool is_from_empty, std::size_t& erased) {
  std::vector<SessionKey> ended;
  {
    Progress progress;
    for (std::string next; find_ended(from, to, next, ended);) {
      progress.tell("looking for what has ended: " + std::to_string(ended.size()));
      check_interrupted();
    }
  }
  if (is_from_empty && !ended.empty())
    throw Failure(ExitStatus::failed,
                  "no session lives at FROM, and some do at TO: is FROM the right store? Nothing "
                  "was ended at TO; where it is right, name an empty TO");
  if (ended.size() > 1 && !yes)
    agree("TO has " + sessions(ended.size()) +
              " that FROM has not: they ended there since, or began at TO. End them at TO?",
          "these were not ended at TO");
  check_interrupted();
  erase(to, ended, erased);
}

/// Nobody is told to --resume a copy into a store in use, which would end what that has begun.
void need_empty(Access& to) {
  try {
    if (!has_sessions(to)) return;
  } catch (const StoreError& error) {
    fail_at("TO", error, false);
  }
  throw Failure(ExitStatus::failed,
                "TO has sessions already: nothing was copied; name an empty store, or add "
                "--resume where an earlier copy is to be brought up to date");
}

void copy_all(Copier& copier) {
  Progress progress;
  while (copier.step()) {
    progress.tell(sessions(copier.copied().seen()) + " seen, " +
                  std::to_string(copier.copied().copied) + " copied");
    check_interrupted();
  }
}

}  // namespace

ExitStatus copy(const Arguments& arguments) {
  auto from = open(open_existing, arguments.url, "FROM");
  auto to = open(open_target, arguments.to, "TO");
  watch_for_interrupts();
  Copier copier(from, to);
  if (!arguments.resume) need_empty(to);
  std::size_t ended = 0;
  try {
    copy_all(copier);
    if (arguments.resume) end_there(from, to, arguments.yes, copier.copied().living() == 0, ended);
  } catch (const StoreError& error) {
    std::cout << table_of(copier.copied(), ended);
    fail_at("copying", error, true);
  } catch (const Failure&) {
    if (copier.copied().seen() > 0) std::cout << table_of(copier.copied(), ended);
    throw;
  }
  std::cout << table_of(copier.copied(), ended);
  const auto& copied = copier.copied();
  if (copied.seen() == 0) std::cerr << "flame-session: FROM is empty: is it the right store?\n";
  const auto not_as_at_source = copied.left + copied.refused + copied.unreadable;
  if (not_as_at_source == 0) return ExitStatus::done;
  throw Failure(ExitStatus::failed, "not all is at TO as it is at FROM, " +
                                        sessions(not_as_at_source) +
                                        " in all: the table says why, and man flame-session more");
}

}  // namespace flame::inline v0::session::command
