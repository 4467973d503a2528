#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include <flame/session/file.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/open_store.hpp>

namespace flame::inline v0::session {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, text);
}

// What the URL says wrong. Passwords can stand anywhere in a URL, so texts name its scheme and the
// names of parameters only.
class WrongUrl final : public Store {
 public:
  explicit WrongUrl(std::string text) : text_(std::move(text)) {}
  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Refusing>(text_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return {.blocking = false}; }

 private:
  class Refusing final : public StoreConnection {
   public:
    explicit Refusing(const std::string& text) : text_(text) {}
    void connect(const Call&) override { refuse(text_); }
    void run(std::span<StoreOp>, const Call&) override { refuse(text_); }
    std::size_t sweep(std::size_t, const Call&) override { refuse(text_); }
    OwnerPage list(std::string_view, std::string_view, std::size_t, const Call&) override {
      refuse(text_);
    }

   private:
    std::string text_;
  };

  std::string text_;
};

/// The parameters of `?name=value&name=value`, each known and there at most once.
class Query {
 public:
  Query(std::string_view scheme, std::string_view text, std::vector<std::string_view> known)
      : scheme_(scheme), known_(std::move(known)) {
    while (!text.empty()) {
      const auto end = text.find('&');
      add(text.substr(0, end));
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (end != text.npos && text.empty()) add({});
    }
  }

  /// Leaves `value` alone where there is no such parameter, as number() does.
  template <class T>
  void choice(std::string_view name, std::span<const std::pair<std::string_view, T>> choices,
              T& value) const {
    const auto at = std::ranges::find(given_, name, &Given::first);
    if (at == given_.end()) return;
    const auto chosen =
        std::ranges::find(choices, at->second, &std::pair<std::string_view, T>::first);
    if (chosen != choices.end()) {
      value = chosen->second;
      return;
    }
    std::string all;
    for (const auto& each : choices) all.append(all.empty() ? "" : ", ").append(each.first);
    wrong("`" + std::string(name) + "` must be one of " + all);
  }

  /// Leaves `value` alone where there is no such parameter.
  void number(std::string_view name, std::size_t& value) const {
    const auto at = std::ranges::find(given_, name, &Given::first);
    if (at == given_.end()) return;
    const auto text = at->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      wrong("`" + std::string(name) + "` must be a whole number, as in " + std::string(name) +
            "=100000");
    }
  }

 private:
  using Given = std::pair<std::string_view, std::string_view>;

  void add(std::string_view parameter) {
    const auto equals = parameter.find('=');
    if (equals == parameter.npos || equals == 0) wrong("write parameters as name=value");
    const auto name = parameter.substr(0, equals);
    if (std::ranges::find(known_, name) == known_.end()) {
      wrong("unknown parameter `" + std::string(name) + "`: it takes " + known());
    }
    if (std::ranges::find(given_, name, &Given::first) != given_.end()) {
      wrong("`" + std::string(name) + "` is given twice: give it once");
    }
    given_.emplace_back(name, parameter.substr(equals + 1));
  }

  [[nodiscard]] std::string known() const {
    std::string all;
    for (const auto name : known_) all.append(all.empty() ? "" : ", ").append(name);
    return all;
  }

  [[noreturn]] void wrong(const std::string& text) const {
    refuse("store URL `" + std::string(scheme_) + "`: " + text);
  }

  std::string_view scheme_;
  std::vector<std::string_view> known_;
  std::vector<Given> given_;
};

StorePtr open_memory(std::string_view rest) {
  if (!rest.empty() && rest.front() != '?') {
    refuse("store URL `memory:`: it has no host or path: write memory: or memory:?max_sessions=N");
  }
  if (!rest.empty()) rest.remove_prefix(1);
  const Query query("memory:", rest, {"max_sessions", "max_bytes"});
  memory::MemoryOptions options;
  query.number("max_sessions", options.max_sessions);
  query.number("max_bytes", options.max_bytes);
  return memory::store(options);
}

// RFC 8089: file:/path or file:///path. Nothing in it is decoded, so it has no question mark.
StorePtr open_file(std::string_view rest) {
  constexpr std::pair<std::string_view, file::Durability> levels[] = {
      {"none", file::Durability::none},
      {"process_crash", file::Durability::process_crash},
      {"power_cut", file::Durability::power_cut}};
  const auto question = std::min(rest.find('?'), rest.size());
  const auto path = rest.substr(0, question);
  const bool has_host = path.starts_with("//") && !path.starts_with("///");
  if (path.find_first_not_of('/') == path.npos || path.front() != '/' || has_host) {
    refuse("store URL `file:`: it needs an absolute path: write file:/var/lib/NAME/sessions");
  }
  rest.remove_prefix(std::min(question + 1, rest.size()));
  file::FileOptions options{.root_dir = path};
  Query("file:", rest, {"durability"})
      .choice<file::Durability>("durability", levels, options.durability);
  return file::store(std::move(options));
}

struct Scheme {
  std::string_view name;
  StorePtr (*open)(std::string_view rest);  // throws StoreError
};
constexpr std::array schemes{
    Scheme{"memory:", open_memory},
    Scheme{"file:", open_file},
};

std::string known_schemes() {
  std::string all;
  for (const auto& scheme : schemes) all.append(all.empty() ? "" : ", ").append(scheme.name);
  return all;
}

// RFC 3986, 3.1. Anything else before a colon may be a password: it is not repeated.
bool is_scheme(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && letters.find(text.front()) != letters.npos &&
         std::ranges::all_of(text, [&](char c) {
           return letters.find(c) != letters.npos || (c >= '0' && c <= '9') ||
                  std::string_view("+-.").find(c) != std::string_view::npos;
         });
}

StorePtr open(std::string_view url) {
  const auto colon = url.find(':');
  if (colon == url.npos || !is_scheme(url.substr(0, colon))) {
    refuse("store URL without a scheme: this build knows " + known_schemes());
  }
  const auto name = url.substr(0, colon + 1);
  for (const auto& scheme : schemes) {
    if (scheme.name == name) return scheme.open(url.substr(colon + 1));
  }
  refuse("unknown store URL scheme `" + std::string(name) + "`: this build knows " +
         known_schemes());
}

}  // namespace

StorePtr open_store(std::string_view url) {
  try {
    return open(url);
  } catch (const StoreError& error) {
    return std::make_shared<WrongUrl>(error.what());
  }
}

}  // namespace flame::inline v0::session
