#include "release.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "contents.hpp"
#include "session/record/session_id.hpp"
#include "site.hpp"
#include "stores/file/names.hpp"

namespace flame::session::formats {
namespace {

constexpr auto nobody = "-";
constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

/// Sets the first values; gives how many these were.
std::size_t set_values(Session& session, std::size_t most) {
  std::size_t count = 0;
  each_value([&](std::string_view key, const auto& value) {
    if (count == most) return;
    session.set(key, value);
    ++count;
  });
  return count;
}

class Writing {
 public:
  explicit Writing(const fs::path& root)
      : root_(root), site_(root, test_support::FakeClock::default_wall, 1) {}

  Release run() {
    add("touched", 1, [](Session&) {});
    add("renewed", 1, [](Session& s) { s.set_owner("ann"); });
    site_.advance(5min);
    touch("touched");
    renew("renewed");
    renew("renewed");
    add("values", all, [](Session&) {});
    add("owned", 2, [](Session& s) { s.set_owner("ann"); });
    add("flash", 0, [](Session& s) { s.set_flash(notice); });
    add("terms", 1, [](Session& s) { s.set_owner("eve", terms); });
    release_.written_at = site_.now();
    for (auto& each : release_.sessions) look_up(each);
    return std::move(release_);
  }

 private:
  template <class Edit>
  void add(const char* name, std::size_t values, Edit edit) {
    Kept kept{.name = name};
    kept.id = site_.request({}, [&](Session& s) {
      kept.values = set_values(s, values);
      edit(s);
    });
    release_.sessions.push_back(std::move(kept));
  }
  Kept& kept(std::string_view name) {
    return *std::ranges::find(release_.sessions, name, &Kept::name);
  }
  void touch(std::string_view name) {
    site_.request(kept(name).id, [](Session&) {});
    kept(name).touched = true;
  }
  void renew(std::string_view name) {
    const auto old = kept(name).id;
    kept(name).id = site_.request(old, [](Session& s) { s.regenerate(); });
    release_.sessions.push_back({.name = "superseded", .id = old});
  }
  void look_up(Kept& kept) const {
    const auto record = stored(root_, key_of(kept), release_.written_at);
    kept.owner = record.owner.substr(record.owner.find('\0') + 1);  // as the application gave it
    kept.created = record.created_at;
    kept.seen = record.last_seen;
    kept.end = record.expires_at;
  }

  fs::path root_;
  Site site_;
  Release release_{};
};

std::int64_t count_of(TimePoint time) { return time.time_since_epoch().count(); }

TimePoint take_time(std::istream& in) {
  std::int64_t count = 0;
  in >> count;
  return TimePoint(std::chrono::milliseconds(count));
}

timespec timespec_of(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::chrono::nanoseconds rest = time - seconds;
  return {seconds.time_since_epoch().count(), rest.count()};
}

}  // namespace

const Kept& Release::operator[](std::string_view name) const {
  const auto found = std::ranges::find(sessions, name, &Kept::name);
  if (found == sessions.end()) throw std::runtime_error("no session " + std::string(name));
  return *found;
}

void write_release(const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto release = Writing(folder / "store").run();
  std::ofstream out(folder / "sessions.txt");
  out << "written_at " << count_of(release.written_at)
      << "\nname id owner created seen end touched values\n";
  for (const auto& each : release.sessions) {
    out << each.name << ' ' << each.id << ' ' << (each.owner.empty() ? nobody : each.owner) << ' '
        << count_of(each.created) << ' ' << count_of(each.seen) << ' ' << count_of(each.end) << ' '
        << each.touched << ' ' << each.values << '\n';
  }
  if (!out.flush()) throw std::runtime_error("could not write " + folder.string());
}

Release read_release(const fs::path& folder) {
  Release release;
  std::ifstream in(folder / "sessions.txt");
  std::string line, word;
  std::getline(in, line);
  std::istringstream first(line);
  first >> word;
  release.written_at = take_time(first);
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream words(line);
    Kept kept;
    words >> kept.name >> kept.id >> kept.owner;
    for (auto* time : {&kept.created, &kept.seen, &kept.end}) *time = take_time(words);
    words >> kept.touched >> kept.values;
    if (!words) throw std::runtime_error("no line of sessions.txt: " + line);
    if (kept.owner == nobody) kept.owner.clear();
    release.sessions.push_back(std::move(kept));
  }
  if (release.sessions.empty()) throw std::runtime_error("no sessions in " + folder.string());
  return release;
}

void copy_store(const fs::path& folder, const Release& release, const fs::path& root) {
  fs::copy(folder / "store", root, fs::copy_options::recursive);
  fs::permissions(root, fs::perms::owner_all);
  for (const auto& each : release.sessions) {
    // Where the record itself has them, a copy may have lost them.
    const timespec times[] = {timespec_of(each.touched ? each.seen : TimePoint{}),
                              timespec_of(each.touched ? each.end : TimePoint{})};
    const auto file = file_of(root, key_of(each));
    if (::utimensat(AT_FDCWD, file.c_str(), times, 0) != 0)
      throw std::runtime_error("no file of session " + each.name);
  }
}

Record stored(const fs::path& root, const SessionKey& key, TimePoint now) {
  StoreOp op{Verb::load, {.key = key}, {}, {}};
  open_connection(*file::store({.root_dir = root}), {})->run({&op, 1}, {now, {}});
  if (op.outcome != Outcome::done) throw std::runtime_error("no record " + to_string(key));
  return std::move(op.record);
}

SessionKey key_of(const Kept& session) {
  const auto id = SessionId::parse(session.id);
  if (!id) throw std::runtime_error("no ID: " + session.id);
  return id->key();
}

fs::path file_of(const fs::path& root, const SessionKey& key) {
  return root / file::record_path(key).view();
}

}  // namespace flame::session::formats
