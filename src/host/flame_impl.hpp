#pragma once

#include <memory>

#include <flame/flame.hpp>

#include "app.hpp"
#include "server.hpp"

namespace flame::inline v0 {

struct Flame::Impl {
  HostOptions options{};
  bool logs = false;
  std::string note{};  // for run() to print once it listens
  detail::Definition definition{};
  std::unique_ptr<detail::App> app{};        // since run(), start() or a TestClient
  std::unique_ptr<detail::Server> server{};  // before the App in destruction

  std::size_t additions = 0, taken_in = 0;  // to the definition, and by the App
  bool left_behind = false;                 // handlers use the definition for good

  /// For what adds to it: throws where it is running, which would take nothing in.
  detail::Definition& open_definition();
  /// Compiles the definition and opens what it needs.
  session::Result<void> prepare();
  /// Whatever is wrong or wanting.
  session::Result<void> start(bool with_signals) noexcept;
  /// The App and the definition stay, for handlers that still use them.
  void leave_behind() noexcept;

 private:
  session::Result<void> serve(bool with_signals);
};

}  // namespace flame::inline v0
