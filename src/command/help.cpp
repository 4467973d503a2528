#include "help.hpp"

namespace flame::inline v0::session::command {
namespace {

constexpr std::string_view all = R"(usage: flame-session COMMAND URL …

Looks after the sessions of a store, while services use it or not.

  list URL OWNER       an owner's sessions
  end URL KEY          ends one
  end-all URL OWNER    ends all of an owner's, or everyone's: end-all URL --everyone
  sweep URL            removes what has expired, until nothing is left of it
  copy FROM TO         copies all sessions to another store; their cookies stay good
  check URL            whether a store is fit: rights, schema, settings, clock, speed

flame-session COMMAND --help tells more of each, man flame-session all of it.

URL is what the service gives to open_store():
  file:/var/lib/shop/sessions      sqlite:/var/lib/shop/sessions.db
  postgres://host/db?table=t       mysql://host/db?table=t
  redis://host/15?key_prefix=p     mongodb://host/db?collection=c
Keep passwords out of it, for other users of this machine can see it: a store takes them from
where its README says (PGPASSFILE, an option file, a password file).

Status: 0 done; 1 the store could not; 2 the command line is wrong; 3 not done, since nobody
agreed or it was interrupted; 4 check has warnings.
)";

constexpr std::string_view of_list =
    R"(usage: flame-session list URL OWNER [--application NAME] [--json]

The sessions that are signed in as OWNER, the one that was seen last first: key, label, when it
began, was last seen, and ends at the latest. Times are UTC. A key opens nothing: it is a name for
`flame-session end`.

  --application NAME   Options::application of the service; without it, of services without one
  --json               the same as JSON

  flame-session list redis://localhost/15 alice
)";

constexpr std::string_view of_end = R"(usage: flame-session end URL KEY [--application NAME]

Ends the session with this key, as a logout does. Status 1 where there is none.

  --application NAME   Options::application of the service; without it, of services without one

  flame-session end redis://localhost/15 q83vASNFZ4mrze8B
)";

constexpr std::string_view of_end_all =
    R"(usage: flame-session end-all URL OWNER [--except KEY] [--application NAME] [--yes]
       flame-session end-all URL --everyone [--except KEY] [--application NAME] [--yes]

Ends all sessions of an owner, or of everyone: visitors' too, of this application. Before it ends
more than one it asks, and where there is no terminal to ask on it does nothing. What cannot be
read is ended with its owner's, and left by --everyone.

  --everyone           instead of OWNER
  --except KEY         this one stays
  --application NAME   Options::application of the service; without it, of services without one
  --yes                does not ask: for scripts

  flame-session end-all redis://localhost/15 alice
)";

constexpr std::string_view of_sweep = R"(usage: flame-session sweep URL

Removes the records of sessions that have expired, until nothing is left of them. Services sweep
by themselves; this is for a store that none of them uses any more, or before it is copied. What
has expired is gone for services, swept or not. Redis removes it by itself: nothing to do.
)";

constexpr std::string_view of_copy = R"(usage: flame-session copy FROM TO [--resume] [--yes]

Copies all sessions that live, of all applications, as they are: cookies and keys stay good. TO
must hold none, or --resume is given, after a copy that was interrupted or for what has changed
since: what is there already stays, what was written at FROM since is copied again, what went on
at TO alone is left as it is, and what has ended at FROM is ended at TO, after it has asked.

To move a service: copy while it runs; stop it; copy again with --resume, which takes less; start
it on TO. Sessions that begin, change or end at FROM later than the last copy are not at TO so.

  --resume   TO has a copy already
  --yes      does not ask before it ends at TO what FROM no longer has: for scripts

  flame-session copy file:/var/lib/shop/sessions 'postgres://db/shop?init_table=true'
)";

constexpr std::string_view of_check = R"(usage: flame-session check URL

Looks whether a store is fit to be used: reachable, its rights and schema, settings that break
what the store promises, the difference of clocks, how long a load takes, and whether a session of
its own can be written, read, listed and ended. It makes no table, whatever URL says.

Status: 0 all is well; 4 it works, with warnings; 1 it does not.
)";

}  // namespace

std::string_view help(std::optional<Action> about) {
  switch (about.value_or(Action::help)) {
    case Action::list:
      return of_list;
    case Action::end:
      return of_end;
    case Action::end_all:
      return of_end_all;
    case Action::sweep:
      return of_sweep;
    case Action::copy:
      return of_copy;
    case Action::check:
      return of_check;
    case Action::help:
    case Action::version:
      break;
  }
  return all;
}

}  // namespace flame::inline v0::session::command
