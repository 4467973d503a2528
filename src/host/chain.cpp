#include "chain.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <stdexcept>

#include "access.hpp"
#include "blocking_pool.hpp"
#include "loop.hpp"
#include "wire.hpp"

namespace flame::inline v0::detail {
namespace {

std::string readable(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? demangled.get() : type.name();
  for (const std::string_view inner : {"v0::", "__cxx11::"}) {
    for (auto at = name.find(inner); at != std::string::npos; at = name.find(inner, at)) {
      name.erase(at, inner.size());
    }
  }
  return name;
}

/// A provider of the chain, with what is wanted of each of its offers so far.
struct Source {
  Provider* provider = nullptr;
  std::vector<Offer> offers{};
  std::vector<Wanted> wanted{};
};

class Compiler {
 public:
  Compiler(const std::vector<Used>& chain, const std::vector<Service>& services,
           std::vector<std::string>& errors)
      : chain_(chain), services_(services), errors_(errors) {}

  Route run() {
    for (const auto& used : chain_) add(used);
    Route route;
    for (auto& step : steps_) {
      if (step.provider != nullptr && !take_wanted(step)) continue;
      route.steps.push_back(std::move(step));
    }
    route.steps.emplace_back();
    route.slots = slots_;
    return route;
  }

 private:
  void add(const Used& used) {
    const Link& link = *used.link;
    Step step;
    step.provider = link.provider.get();
    step.object = link.object.get();
    step.direct = link.direct;
    step.around = link.around;
    step.blocks = link.blocks;
    if (link.blocks && link.direct == nullptr)
      report(std::string(used.by) +
             ": flame::blocking(...) is for a handler that blocks: one that co_awaits, or a "
             "middleware, needs no thread of its own");
    for (const auto& want : link.wants) {
      step.bindings.push_back(want.type == nullptr ? Binding{} : bind(want, used));
    }
    if (step.provider != nullptr) {
      auto offers = step.provider->offers();
      std::vector<Wanted> wanted(offers.size());
      sources_.push_back({step.provider, std::move(offers), std::move(wanted)});
    }
    steps_.push_back(std::move(step));
  }

  Binding bind(const Want& want, const Used& used) {
    for (auto source = sources_.rbegin(); source != sources_.rend(); ++source) {
      for (std::size_t i = 0; i < source->offers.size(); ++i) {
        if (*source->offers[i].type == *want.type) {
          return bind_to(source->wanted[i], source->offers[i], want, used);
        }
      }
    }
    for (const auto& service : services_) {
      if (*service.offer.type != *want.type) continue;
      check_write(service.offer, want, used);
      return {service.object, 0};
    }
    if (want.required || offered_somewhere(want)) report_missing(want, used);
    return {};
  }

  Binding bind_to(Wanted& wanted, const Offer& offer, const Want& want, const Used& used) {
    check_write(offer, want, used);
    wanted.read = true;
    wanted.write |= want.write;
    wanted.required |= want.required;
    if (wanted.slot == 0) wanted.slot = static_cast<std::uint16_t>(slots_++);
    return {nullptr, wanted.slot};
  }

  void check_write(const Offer& offer, const Want& want, const Used& used) {
    if (!offer.read_only || !want.write) return;
    const auto name = readable(*want.type);
    const char* form = want.required ? "&" : "*";
    report(std::string(used.by) + " asks for `" + name + form +
           "`, which is provided as const only: take `const " + name + form + "`");
  }

  /// What a sessioner would provide.
  static bool is_sessioners(std::string_view name) noexcept {
    constexpr std::string_view space = "flame::session::";
    if (!name.starts_with(space)) return false;
    name.remove_prefix(space.size());
    return name == "Session" || name == "Flash" || name == "Manager" || name == "TokenCheck";
  }

  void report_missing(const Want& want, const Used& used) {
    const auto name = readable(*want.type);
    std::string text(used.by);
    text.append(" asks for `")
        .append(want.write ? "" : "const ")
        .append(name)
        .append(want.required ? "&`, which nothing " : "*`, which nothing ");
    if (offered_somewhere(want)) {
      text += name.starts_with("flame::session::")
                  ? "before it provides: put f.use(flame::session::sessioner()) before it"
                  : "before it provides: put that middleware first";
    } else if (is_sessioners(name)) {
      text += "provides: add f.use(flame::session::sessioner())";
    } else {
      text += "provides: f.map(...) one, or take `" + std::string(want.write ? "" : "const ") +
              name + "*`";
    }
    report(std::move(text));
  }

  bool offered_somewhere(const Want& want) const {
    return std::any_of(chain_.begin(), chain_.end(), [&](const Used& used) {
      if (!used.link->provider) return false;
      const auto offers = used.link->provider->offers();
      return std::any_of(offers.begin(), offers.end(),
                         [&](const Offer& offer) { return *offer.type == *want.type; });
    });
  }

  void report(std::string text) {
    if (std::find(errors_.begin(), errors_.end(), text) == errors_.end()) {
      errors_.push_back(std::move(text));
    }
  }

  /// False: nothing is wanted of this step's provider.
  bool take_wanted(Step& step) {
    const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const Source& each) {
      return each.provider == step.provider;
    });
    step.wanted = std::move(source->wanted);
    sources_.erase(source);
    return std::any_of(step.wanted.begin(), step.wanted.end(),
                       [](const Wanted& wanted) { return wanted.read; });
  }

  const std::vector<Used>& chain_;
  const std::vector<Service>& services_;
  std::vector<std::string>& errors_;
  std::vector<Step> steps_{};
  std::vector<Source> sources_{};
  std::size_t slots_ = 1;  // slot 0 is what nobody provides: null
};

}  // namespace

Route compile(const std::vector<Used>& chain, const std::vector<Service>& services,
              std::vector<std::string>& errors) {
  return Compiler(chain, services, errors).run();
}

namespace {

Task<> run_blocking(Context& context, const Step* step) {
  BlockingCall call(context, *step);
  if (!co_await call) context.answer(busy());
  if (context.answered()) co_return;
  const Next next(context, step + 1);
  auto rest = next();
  co_await rest;
}

}  // namespace

Task<> run_from(Context& context, const Step* step) {
  auto& furthest = ContextAccess::furthest(context);
  if (furthest != nullptr && step <= furthest) {
    throw std::logic_error("a middleware awaited next() twice");
  }
  if (context.answered())
    throw std::logic_error(
        "a middleware answered, and awaited next() all the same: co_return where it has answered");
  furthest = step;
  ContextAccess::loop(context)->has_thread(ContextAccess::route(context));
  for (;; ++step) {
    if (step->blocks) {
      return run_blocking(context, step);
    } else if (step->direct != nullptr) {
      step->direct(step->object, context, step->bindings.data());
      if (context.answered()) return {};
    } else if (step->around != nullptr) {
      return step->around(step->object, context, step->bindings.data(), Next(context, step + 1));
    } else if (step->provider != nullptr) {
      return step->provider->around(context, step->wanted, Next(context, step + 1));
    } else {
      furthest = step;
      return {};
    }
  }
}

void check_end(Context& context) {
  const auto* furthest = ContextAccess::furthest(context);
  const auto& response = context.response();
  const bool is_told = context.answered() || response.status() != 200 || !response.body().empty();
  if (is_told || furthest == nullptr || furthest->is_end()) return;
  throw std::logic_error(
      "a middleware ended without an answer, and what follows it was not run to its end: "
      "co_await next() once, or answer by c.answer(...), also where it catches what next() throws");
}

}  // namespace flame::inline v0::detail
