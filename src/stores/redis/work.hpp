#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "failure.hpp"
#include "keys.hpp"
#include "pipeline.hpp"
#include "reply.hpp"

namespace flame::inline v0::session::redis {

/// The command that an operation is at. Each is sent when the one before was confirmed: a session
/// that is written is in its owner's index already, and leaves it after it was erased.
enum class Stage : std::uint8_t { load, index, create, replace, touch, erase, unindex, over };

/// An operation under way.
struct Work {
  explicit Work(StoreOp& of);

  StoreOp* op;
  Stage stage;
  bool with_text = false;            ///< the server does not know the script
  TimePoint covered{};               ///< the owner's index has it until then
  std::string owner{};               ///< touch: as the record has it
  std::optional<Failure> failure{};  ///< over, and not done
};

/// Whether loads may go as one command, and whose keys that are.
[[nodiscard]] inline bool is_load(const Work& work) noexcept { return work.stage == Stage::load; }

/// What is sent for an operation. Pure.
class Commands {
 public:
  explicit Commands(std::string prefix) : keys_(std::move(prefix)) {}

  void append(Pipeline& to, const Work& work, const Call& call);
  /// The index of an owner in a bucket, or `most` entries of it where that is not 0.
  void append_members(Pipeline& to, std::uint8_t bucket, std::string_view owner, std::size_t most);
  /// A session's header and owner.
  void append_header(Pipeline& to, const SessionKey& key);
  void append_session(Pipeline& to, const SessionKey& key) { to.add(keys_.session(key)); }
  /// Which version the layout of keys has, and that it is this release's where there is none.
  void ask_layout(Pipeline& to);
  void set_layout(Pipeline& to);

 private:
  void append_script(Pipeline& to, const Work& work, const Call& call);

  Keys keys_;
};

inline constexpr std::string_view layout = "1";

/// What a reply means for an operation: its next stage, or its outcome. Pure; throws StoreError
/// connection_lost where it is none that its command can have.
void answer(Work& work, Reply& reply, const Call& call);

}  // namespace flame::inline v0::session::redis
