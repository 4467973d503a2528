#pragma once

#include <string>

#include <flame/session/session.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For a form: a hidden field `csrf_token` with the token of the visitor's session, as HTML; empty
/// for a visitor without one, whom this request has given no value and no owner so far either, so
/// that no form begins a session. Throws as csrf_token() does, and like that is asked for after
/// set_owner() or regenerate(), not before. Whoever gets the form compares the token: the Flame
/// host's csrf() does, and docs/guide/forms.md shows it for other frameworks.
[[nodiscard]] std::string csrf_field(Session& session);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
