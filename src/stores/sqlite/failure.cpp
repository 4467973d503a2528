#include "failure.hpp"

#include <errno.h>
#include <sqlite3.h>

#include <new>
#include <system_error>

namespace flame::inline v0::session::sqlite {
namespace {

using Kind = StoreError::Kind;

struct Row {
  int code;  // the primary one
  Verdict verdict;
  std::string_view text;
};

constexpr Row rows[] = {
    {SQLITE_BUSY, Verdict::later,
     "the database is locked by another process: let that end its transaction, or stop it"},
    {SQLITE_LOCKED, Verdict::later, "the table is locked"},
    {SQLITE_PROTOCOL, Verdict::later, "too many processes open the database at once"},
    {SQLITE_INTERRUPT, Verdict::lost, "the call was given up"},
    {SQLITE_ERROR, Verdict::away, "the table is not there any more, or has been changed"},
    {SQLITE_SCHEMA, Verdict::away, "the table has been changed"},
    {SQLITE_FULL, Verdict::refused, "the disk is full: free some space"},
    {SQLITE_READONLY, Verdict::refused,
     "the database cannot be written: let the user that this process runs as write it, -wal and "
     "-shm beside it, and their folder, and mount it writable"},
    {SQLITE_IOERR, Verdict::refused, "the disk failed: check it"},
    {SQLITE_CANTOPEN, Verdict::refused,
     "the database, or -wal or -shm beside it, cannot be opened: let the user that this process "
     "runs as read and write them and their folder"},
    {SQLITE_NOTADB, Verdict::refused,
     "the file is no SQLite database, or is encrypted: give another path"},
    {SQLITE_CORRUPT, Verdict::refused,
     "the database is damaged: stop what uses it, see PRAGMA integrity_check, and bring back a "
     "copy of it without -wal and -shm"},
    {SQLITE_CONSTRAINT, Verdict::refused,
     "a constraint or trigger that is not the store's refuses a session: drop it"},
    {SQLITE_TOOBIG, Verdict::refused, "a record is larger than SQLite takes"},
    {SQLITE_PERM, Verdict::refused, "the database may not be opened: let this user do so"},
    {SQLITE_NOLFS, Verdict::refused, "the database is larger than its file system can hold"},
};

const Row* row_of(int code) noexcept {
  for (const auto& row : rows) {
    if (row.code == (code & 0xff)) return &row;
  }
  return nullptr;
}

std::string_view remedy(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ": free some space";
    case EROFS:
      return ": mount it writable";
    case EACCES:
    case EPERM:
      return ": let the user that this process runs as read and write it, and its folder";
    case EMFILE:
    case ENFILE:
      return ": raise the limit of open files (ulimit -n)";
    case EIO:
      return ": check the disk";
    case ENOENT:
      return ": make the folder that it lies in";
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ": give another path";
    default:
      return "";
  }
}

/// What the system said tells more than these codes do.
bool has_reason(int code, int system) noexcept {
  const int primary = code & 0xff;
  return system != 0 && system != ENOENT && system != EAGAIN &&
         (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
}

bool is_full(int code, int system) noexcept {
  return (code & 0xff) == SQLITE_FULL ||
         (has_reason(code, system) && (system == ENOSPC || system == EDQUOT));
}

Kind kind_of(Verdict verdict, Phase phase) noexcept {
  if (verdict == Verdict::away && phase == Phase::connecting) return Kind::refused;
  switch (verdict) {
    case Verdict::refused:
      return Kind::refused;
    case Verdict::away:
      return Kind::away;
    case Verdict::later:
    case Verdict::lost:
      break;
  }
  return Kind::connection_lost;
}

}  // namespace

void fail(Kind kind, std::string_view text) {
  throw StoreError(kind, std::string("sqlite store: ").append(text));
}

std::string explain(int error) {
  return std::generic_category().message(error).append(remedy(error));
}

/// A commit that the disk failed may be found in -wal after a crash.
Verdict SqliteError::verdict() const noexcept {
  if (code_ == SQLITE_READONLY_DBMOVED) return Verdict::away;
  const auto* const row = row_of(code_);
  if (!row) return phase_ == Phase::committing ? Verdict::lost : Verdict::refused;
  if (phase_ == Phase::committing && row->code == SQLITE_IOERR) return Verdict::lost;
  return row->verdict;
}

void SqliteError::tell() const {
  if (code_ == SQLITE_NOMEM || code_ == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
  const auto* const row = row_of(code_);
  std::string text(row ? row->text : std::string_view("SQLite failed in a way of its own"));
  if (has_reason(code_, system_)) text = "the database cannot be used: " + explain(system_);
  text += " (" + std::to_string(code_) + ")";
  const auto kind = kind_of(verdict(), phase_);
  fail(kind == Kind::refused && is_full(code_, system_) ? Kind::full : kind, text);
}

}  // namespace flame::inline v0::session::sqlite
