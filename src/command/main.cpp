#include "commands.hpp"

int main(int count, char** words) {
  using namespace flame::session::command;
  const std::span<const char* const> all(words, static_cast<std::size_t>(count));
  return static_cast<int>(run(all.empty() ? all : all.subspan(1)));
}
