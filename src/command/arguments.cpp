#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "exit_status.hpp"

namespace flame::inline v0::session::command {
namespace {

struct Form {
  std::string_view name;
  Action action;
  std::string_view operands;  ///< in words
  std::size_t least, most;
  std::string_view options;  ///< one after another
};
constexpr std::array forms{
    Form{"list", Action::list, "URL OWNER", 2, 2, " --application --json "},
    Form{"end", Action::end, "URL KEY", 2, 2, " --application "},
    Form{"end-all", Action::end_all, "URL OWNER, or URL --everyone", 1, 2,
         " --application --except --everyone --yes "},
    Form{"sweep", Action::sweep, "URL", 1, 1, " "},
    Form{"copy", Action::copy, "FROM TO", 2, 2, " --resume --yes "},
    Form{"check", Action::check, "URL", 1, 1, " "},
};

[[noreturn]] void wrong(const std::string& text) { throw Failure(ExitStatus::usage, text); }

/// What looks like nothing but an option or a command may be repeated.
std::string in_quotes(std::string_view word) {
  const bool plain = word.size() < 20 && std::ranges::all_of(word, [](char c) {
                       return (c >= 'a' && c <= 'z') || c == '-';
                     });
  return plain ? "`" + std::string(word) + "`" : "what was given";
}

const Form* find_form(std::string_view name) {
  const auto found = std::ranges::find(forms, name, &Form::name);
  return found == forms.end() ? nullptr : &*found;
}

SessionKey read_key(std::string_view text, const char* what) {
  const auto key = parse_key(text);
  if (!key)
    wrong(std::string(what) +
          " must be a session's key: the 16 characters that `flame-session list` shows, and not "
          "the cookie");
  return *key;
}

/// Words after the command, one by one.
class Reader {
 public:
  Reader(const Form& form, std::span<const char* const> words) : form_(form), words_(words) {}

  Arguments read() {
    out_.action = form_.action;
    while (!words_.empty()) {
      const auto word = next();
      if (only_operands_ || !word.starts_with('-') || parse_key(word))  // a key may begin so
        operands_.emplace_back(word);
      else if (word == "--")
        only_operands_ = true;
      else if (word == "--help" || word == "-h")
        return {.action = Action::help, .about = form_.action};
      else
        option(word);
    }
    take_operands();
    return std::move(out_);
  }

 private:
  std::string_view next() {
    const std::string_view word = words_.front();
    words_ = words_.subspan(1);
    return word;
  }

  void option(std::string_view word) {
    const auto equals = std::min(word.find('='), word.size());
    const auto name = word.substr(0, equals);
    const auto all = form_.options;
    if (all.find(" " + std::string(name) + " ") == all.npos)
      wrong("flame-session " + std::string(form_.name) + " has no option " + in_quotes(name) +
            ": see flame-session " + std::string(form_.name) +
            " --help; what begins with a dash and is no option goes after --");
    const bool has_value = name == "--application" || name == "--except";
    if (has_value && equals == word.size() && words_.empty())
      wrong(std::string(name) + " needs a value after it");
    if (!has_value && equals < word.size()) wrong(std::string(name) + " takes no value");
    const auto value = !has_value             ? std::string_view()
                       : equals < word.size() ? word.substr(equals + 1)
                                              : next();
    set(name, value);
  }

  void set(std::string_view name, std::string_view value) {
    if (name == "--application") out_.application = value;
    if (name == "--except") out_.except = read_key(value, "--except");
    if (name == "--json") out_.json = true;
    if (name == "--yes") out_.yes = true;
    if (name == "--everyone") out_.everyone = true;
    if (name == "--resume") out_.resume = true;
  }

  void take_operands() {
    const auto given = operands_.size();
    const std::size_t wanted =
        form_.action == Action::end_all ? (out_.everyone ? 1 : 2) : form_.least;
    if (given != wanted)
      wrong("flame-session " + std::string(form_.name) + " takes " + std::string(form_.operands) +
            ": " + std::to_string(given) + " were given");
    out_.url = operands_[0];
    if (given < 2) return;
    if (form_.action == Action::copy) out_.to = operands_[1];
    if (form_.action == Action::end) out_.key = read_key(operands_[1], "KEY");
    if (form_.action == Action::list || form_.action == Action::end_all) out_.owner = operands_[1];
    if (form_.action != Action::copy && form_.action != Action::end && out_.owner.empty())
      wrong("OWNER is empty: visitors' sessions belong to nobody, and cannot be listed");
  }

  const Form& form_;
  std::span<const char* const> words_;
  std::vector<std::string> operands_{};
  bool only_operands_ = false;
  Arguments out_{};
};

}  // namespace

Arguments read_arguments(std::span<const char* const> words) {
  if (words.empty()) wrong("what is to be done? See flame-session --help");
  const std::string_view first = words.front();
  if (first == "--version") return {.action = Action::version};
  const bool asks = first == "--help" || first == "-h" || first == "help";
  if (asks && words.size() == 1) return {};
  const auto* const form = find_form(asks ? words[1] : first);
  if (!form)
    wrong(in_quotes(asks ? words[1] : first) +
          " is no command of flame-session: see flame-session --help");
  if (asks) return {.action = Action::help, .about = form->action};
  return Reader(*form, words.subspan(1)).read();
}

}  // namespace flame::inline v0::session::command
