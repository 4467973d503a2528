#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "folder.hpp"
#include "owner_index.hpp"
#include "sweeper.hpp"
#include "temporary.hpp"

namespace flame::inline v0::session::file {

class Connection final : public StoreConnection {
 public:
  Connection(const FileOptions& options, std::shared_ptr<Reserve> reserve);

  void connect(const Call&) override { root_.open(); }
  std::vector<std::string> prepare(const Call&) override;
  void run(std::span<StoreOp> batch, const Call& call) override;
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override;
  void abort() noexcept override { aborted_ = true; }

 private:
  using Writes = std::span<StoreOp* const>;

  void load(StoreOp& op, const Call& call);
  /// Before each call, reading ones too: a session that ended in the new root would live on in the
  /// old one.
  void check() const;
  void write_all(const Call& call);
  /// All of one folder, under its lock; done only once they survive what they should. False: others
  /// had the lock all the time.
  [[nodiscard]] bool write(Writes writes, const Call& call, Deadline until);
  void apply(const Folder& folder, StoreOp& op, const Call& call);
  void create(const Folder& folder, StoreOp& op, const Call& call);
  void replace(const Folder& folder, StoreOp& op, const Call& call);
  void touch(const Folder& folder, StoreOp& op, const Call& call);
  void set_back(const Folder& folder, StoreOp& op, TimePoint last_seen, TimePoint expires_at);
  void erase(const Folder& folder, StoreOp& op);
  /// What is left of the disk is for sessions with an owner: a flood of visitors must not keep them
  /// from being saved (S28).
  [[nodiscard]] bool has_room(const Record& record, const Stored& old) const noexcept;
  /// `old` is in its place, or absent. False where another file is.
  [[nodiscard]] bool put(const Folder& folder, const Record& record, const Stored& old,
                         TimePoint last_seen, TimePoint expires_at);
  void changed(StoreOp& op);
  /// False: they may not survive what they should.
  [[nodiscard]] bool settle(const Folder& folder);

  Root root_;
  RecordReader reader_;
  OwnerIndex owners_{root_};
  std::uint64_t temporary_;
  Sweeper sweeper_;
  std::vector<StoreOp*> writes_;
  std::vector<Writes> busy_;         // of folders that others have locked
  std::vector<StoreOp*> unsettled_;  // done, but for the flush of their folder
  int flush_error_ = 0;
  std::atomic<bool> aborted_{false};
};

}  // namespace flame::inline v0::session::file
