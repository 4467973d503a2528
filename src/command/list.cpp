#include "list.hpp"

#include <algorithm>
#include <iostream>

#include "commands.hpp"
#include "managed.hpp"
#include "text.hpp"

namespace flame::inline v0::session::command {

std::string table_of(const std::vector<OwnedSession>& sessions) {
  Table table({"KEY", "CREATED", "LAST SEEN", "EXPIRES", "LABEL"});
  for (const auto& each : sessions)
    table.add({to_string(each.key), utc(each.created_at), utc(each.last_seen), utc(each.expires_at),
               printable(each.label)});
  return table.text();
}

std::string json_of(const std::vector<OwnedSession>& sessions) {
  std::string out = "[";
  for (const auto& each : sessions) {
    out.append(out.size() > 1 ? ",\n " : "")
        .append("{\"key\": " + json(to_string(each.key)))
        .append(", \"label\": " + json(each.label))
        .append(", \"created\": " + json(utc(each.created_at)))
        .append(", \"last_seen\": " + json(utc(each.last_seen)))
        .append(", \"expires\": " + json(utc(each.expires_at)) + "}");
  }
  return out.append("]\n");
}

ExitStatus list(const Arguments& arguments) {
  auto all = value_of(open_manager(arguments)->list(arguments.owner));
  std::ranges::sort(all, std::greater(),
                    [](const OwnedSession& each) { return std::pair(each.last_seen, each.key); });
  std::cout << (arguments.json ? json_of(all) : table_of(all));
  if (all.empty()) tell_whose(arguments);
  return ExitStatus::done;
}

}  // namespace flame::inline v0::session::command
