#include <array>
#include <charconv>
#include <string_view>

#include <flame/session/metrics.hpp>

namespace flame::inline v0::session {
namespace {

using Lane = StoreCounters::Lane;

double seconds(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double>(time).count();
}

struct LaneMetric {
  std::string_view name, help;
  double (*value)(const Lane&) noexcept;
};

template <auto member>
double number(const Lane& lane) noexcept {
  if constexpr (std::is_same_v<decltype(member), std::chrono::nanoseconds Lane::*>)
    return seconds(lane.*member);
  else
    return static_cast<double>(lane.*member);
}

constexpr std::array lane_metrics{
    LaneMetric{"operations_total", "Operations taken from the queue.", number<&Lane::operations>},
    LaneMetric{"exchanges_total", "Batches sent to the store, repeated and split ones too.",
               number<&Lane::exchanges>},
    LaneMetric{"queue_seconds_total", "Time that operations waited in the queue.",
               number<&Lane::queue_time>},
    LaneMetric{"exchange_seconds_total", "Time that batches took in the store.",
               number<&Lane::exchange_time>},
    LaneMetric{"repeated_total", "Operations sent again after a lost connection.",
               number<&Lane::repeated>},
    LaneMetric{"later_total", "Operations put off by the store, and sent again.",
               number<&Lane::later>},
    LaneMetric{"conflicts_total", "Replaces that met a newer record.", number<&Lane::conflicts>},
    LaneMetric{"aborted_total", "Batches that took too long.", number<&Lane::aborted>},
    LaneMetric{"refused_total", "Operations turned away at once: too many were waiting.",
               number<&Lane::refused>},
};

class Text {
 public:
  void family(std::string_view name, std::string_view help, std::string_view type) {
    name_ = name;
    add({"# HELP flame_session_", name, " ", help, "\n# TYPE flame_session_", name, " ", type,
         "\n"});
  }
  void sample(std::string_view label, std::string_view its_value, double value) {
    std::array<char, 32> digits;
    char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    add({"flame_session_", name_});
    if (!label.empty()) add({"{", label, "=\"", its_value, "\"}"});
    add({" ", {digits.data(), end}, "\n"});
  }
  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void add(std::initializer_list<std::string_view> parts) {
    for (const auto part : parts) text_.append(part);
  }
  std::string_view name_{};
  std::string text_{};
};

void add_store(Text& text, const StoreCounters& counters) {
  std::string name;
  for (const auto& metric : lane_metrics) {
    text.family(name.assign("store_").append(metric.name), metric.help, "counter");
    text.sample("lane", "reads", metric.value(counters.reads));
    text.sample("lane", "writes", metric.value(counters.writes));
    text.sample("lane", "background", metric.value(counters.background));
  }
  text.family("touches_dropped_total", "Touches given up: those sessions end early.", "counter");
  text.sample({}, {}, static_cast<double>(counters.touches_dropped));
}

void add_events(Text& text, const auto& counts) {
  std::uint64_t downs = 0, ups = 0;
  text.family("events_total", "Events by their name.", "counter");
  for (const auto& [name, count] : counts) {
    text.sample("event", name, static_cast<double>(count));
    if (name == event::store_down) downs = count;
    if (name == event::store_up) ups = count;
  }
  text.family("store_up", "Whether the store answered last.", "gauge");
  text.sample({}, {}, downs > ups ? 0 : 1);
}

}  // namespace

std::string prometheus_text(const Manager& manager) {
  Text text;
  add_store(text, manager.counters());
  add_events(text, manager.event_counts());
  return std::move(text).take();
}

}  // namespace flame::inline v0::session
