// What load, race and fault tests drive over HTTP: every way to use a session, a route each.
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/session/open_store.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

namespace {

constexpr const char* usage =
    "usage: bench_server [--listen HOST:PORT] [--store URL] [--threads N] [--idle SECONDS]\n"
    "                    [--most N] [--refuse N] [--sweep-every SECONDS] [--connections N]\n"
    "\n"
    "  --listen HOST:PORT   where to listen, port 0 for a free one (127.0.0.1:2830)\n"
    "  --store URL          where sessions are kept: memory:, file:/PATH, sqlite:PATH, "
    "postgres://…,\n"
    "                       mysql://…, redis://…, mongodb://… (memory:)\n"
    "  --threads N          event loops (1)\n"
    "  --idle SECONDS       idle timeout (1800)\n"
    "  --most N             sessions of one owner, of whom a login ends the oldest (any number)\n"
    "  --refuse N           the same, but a login that would be one too many is refused\n"
    "  --sweep-every SECONDS  of a store on a server (60)\n"
    "  --connections N      at once (10000)\n"
    "\n"
    "All routes are GET: /plain /set /get /clear /incr /add /put?key=K&value=V /all\n"
    "/slow?ms=N&key=K&value=V /slow?held&key=K&value=V /slow_begun /release /login?owner=U /logout "
    "/flash?message=M /take /fail\n"
    "/list?owner=U /end_all?owner=U /end_others /metrics\n";

struct Arguments {
  std::string listen = "127.0.0.1:2830";
  std::string store = "memory:";
  std::size_t threads = 1;
  std::chrono::seconds idle = std::chrono::minutes(30);
  std::size_t sessions_per_owner = 0;
  session::AtOwnerLimit at_limit = session::AtOwnerLimit::end_oldest;
  std::optional<std::chrono::seconds> sweep_every{};
  std::size_t connections = flame::HostOptions().max_connections;
  bool help = false;
};

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint32_t in_range(std::string_view name, std::string_view word, std::uint32_t most) {
  const auto value = number(word).value_or(0);
  if (value > 0 && value <= most) return value;
  throw std::invalid_argument(std::string(name) + " must be a number from 1 to " +
                              std::to_string(most));
}

Arguments parse(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view name = words[i];
    if (name == "--help") {
      arguments.help = true;
      return arguments;
    }
    constexpr std::array names{"--listen", "--store",  "--threads",     "--idle",
                               "--most",   "--refuse", "--sweep-every", "--connections"};
    if (std::ranges::find(names, name) == names.end()) {
      throw std::invalid_argument("unknown option `" + std::string(name) + "`: see --help");
    }
    if (++i == words.size() || *words[i] == '\0') {
      throw std::invalid_argument(std::string(name) + " needs a value");
    }
    if (name == "--listen") arguments.listen = words[i];
    if (name == "--store") arguments.store = words[i];
    if (name == "--threads") arguments.threads = in_range(name, words[i], 1024);
    if (name == "--idle") arguments.idle = std::chrono::seconds(in_range(name, words[i], 86'400));
    if (name == "--connections") arguments.connections = in_range(name, words[i], 100'000);
    if (name == "--sweep-every")
      arguments.sweep_every = std::chrono::seconds(in_range(name, words[i], 86'400));
    if (name != "--most" && name != "--refuse") continue;
    arguments.sessions_per_owner = in_range(name, words[i], 1000);
    if (name == "--refuse") arguments.at_limit = session::AtOwnerLimit::refuse;
  }
  return arguments;
}

/// One that sweeps at another interval than its store says.
class Swept final : public session::Store {
 public:
  Swept(session::StorePtr inner, std::chrono::seconds every)
      : inner_(std::move(inner)), every_(every) {}
  std::unique_ptr<session::StoreConnection> make_connection() override {
    return inner_->make_connection();
  }
  [[nodiscard]] session::StoreTraits traits() const noexcept override {
    auto traits = inner_->traits();
    traits.sweep_every = every_;
    return traits;
  }

 private:
  const session::StorePtr inner_;
  const std::chrono::seconds every_;
};

session::StorePtr store_of(const Arguments& arguments) {
  auto store = session::open_store(arguments.store);
  if (arguments.sweep_every) return std::make_shared<Swept>(store, *arguments.sweep_every);
  return store;
}

std::string query(const flame::Context& context, std::string_view name) {
  return context.query(name).value_or("");
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* digits = "0123456789abcdef";
      out.append("\\u00").append({digits[c / 16], digits[c % 16]});
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Of the types that these routes store.
std::string json_value(const session::Session& s, std::string_view key) {
  if (const auto text = s.get<std::string>(key)) return json_string(*text);
  if (const auto integer = s.get<std::int64_t>(key)) return std::to_string(*integer);
  if (const auto boolean = s.get<bool>(key)) return *boolean ? "true" : "false";
  return "null";
}

void add_reference_routes(flame::Flame& f) {
  f.get("/metrics", session::metrics);
  f.get("/plain", [] { return "Hello, world"; });
  f.get("/set", [](session::Session& s) {
    s.set("user_id", 123);
    return "Succeed";
  });
  f.get("/get", [](const session::Session& s) -> std::string {
    const auto user_id = s.get<int>("user_id");
    if (!user_id || *user_id <= 0) return "Not authenticated";
    return "Authenticated as " + std::to_string(*user_id);
  });
  f.get("/clear", [](session::Session& s) {
    s.erase("user_id");
    return "Cleared";
  });
}

void add_value_routes(flame::Flame& f) {
  f.get("/incr", [](session::Session& s) {
    const auto n = s.get_or("n", 0) + 1;
    s.set("n", n);
    return std::to_string(n);
  });
  f.get("/add", [](session::Session& s) {
    s.update("n", 0, [](int n) { return n + 1; });
    return "Added";
  });
  f.get("/put", [](const flame::Context& c, session::Session& s) {
    s.set(query(c, "key"), query(c, "value"));
    return "Succeed";
  });
  f.get("/all", [](const session::Session& s) {
    std::string members;
    for (const auto& key : s.keys()) {
      if (!members.empty()) members += ',';
      members.append(json_string(key)).append(":").append(json_value(s, key));
    }
    return flame::Json("{" + members + "}");
  });
  static std::atomic<unsigned> slow_begun{0};  // with their sessions loaded
  f.get("/slow_begun", [] { return std::to_string(slow_begun.load()); });
  static std::atomic<unsigned> releases{0};  // of those that are held until then
  f.get("/release", [] {
    ++releases;
    return "Succeed";
  });
  f.get("/slow", [](flame::Context& c, session::Session& s) -> flame::Task<std::string> {
    const auto before = releases.load();
    const bool is_held = c.query("held").has_value();
    ++slow_begun;
    const std::chrono::milliseconds time(number(query(c, "ms")).value_or(0));
    co_await flame::sleep_for(c, time);
    while (is_held && releases == before)
      co_await flame::sleep_for(c, std::chrono::milliseconds(1));
    s.set(query(c, "key"), query(c, "value"));
    co_return "Succeed";
  });
  f.get("/fail", [](session::Session& s) {
    s.set("failed", true);
    throw std::runtime_error("/fail fails on purpose");
  });
}

void add_life_routes(flame::Flame& f) {
  f.get("/login", [](const flame::Context& c, session::Session& s) {
    s.set_owner(query(c, "owner"));
    s.set("user", query(c, "owner"));
    return "Succeed";
  });
  f.get("/logout", [](session::Session& s) {
    s.destroy();
    return "Succeed";
  });
  f.get("/flash", [](const flame::Context& c, session::Session& s) {
    s.set_flash(query(c, "message"));
    return "Succeed";
  });
  f.get("/take", [](const session::Flash& flash) { return flash.get<std::string>().value_or(""); });
}

/// What a Manager tells, or an exception that says why not.
template <class T>
T told(session::Result<T> result) {
  if (result) return std::move(*result);
  throw std::runtime_error(result.error().text);
}

void add_owner_routes(flame::Flame& f) {
  f.get("/list", [](const flame::Context& c, session::Manager& manager) {
    return std::to_string(told(manager.list(query(c, "owner"))).size());
  });
  f.get("/end_all", [](const flame::Context& c, session::Manager& manager) {
    return std::to_string(told(manager.end_all(query(c, "owner"))));
  });
  f.get("/end_others", [](const session::Session& s, session::Manager& manager) {
    return std::to_string(told(manager.end_all(s.owner(), s.key())));
  });
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  try {
    arguments = parse({argv, static_cast<std::size_t>(argc)});
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_server: %s\n", error.what());
    return 1;
  }
  if (arguments.help) return std::fputs(usage, stdout) < 0;

  flame::Flame f({.address = arguments.listen,
                  .threads = arguments.threads,
                  .max_connections = arguments.connections});
  // All load comes from one place, and no visitor is to be turned away.
  f.use(session::sessioner({.store = store_of(arguments),
                            .idle_timeout = arguments.idle,
                            .max_created_per_second = 0,
                            .max_sessions_per_owner = arguments.sessions_per_owner,
                            .at_owner_limit = arguments.at_limit}));
  add_reference_routes(f);
  add_value_routes(f);
  add_life_routes(f);
  add_owner_routes(f);
  f.run();
}
