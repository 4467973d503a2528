#pragma once

#include <atomic>
#include <vector>

#include "folder.hpp"
#include "owner_index.hpp"
#include "sweeper.hpp"
#include "temporary.hpp"

namespace flame::inline v0::session::file {

class Connection final : public StoreConnection {
 public:
  explicit Connection(const FileOptions& options);

  void run(std::span<StoreOp> batch, const Call& call) override;
  std::size_t sweep(std::size_t limit, const Call& call) override;
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override;
  void abort() noexcept override { aborted_ = true; }

 private:
  using Writes = std::span<StoreOp* const>;

  void load(StoreOp& op, const Call& call);
  /// All of one folder, under its lock; done only once they survive what they should.
  void write(Writes writes, const Call& call);
  void apply(const Folder& folder, StoreOp& op, const Call& call);
  void create(const Folder& folder, StoreOp& op, const Call& call);
  void replace(const Folder& folder, StoreOp& op, const Call& call);
  void touch(const Folder& folder, StoreOp& op, const Call& call);
  void erase(const Folder& folder, StoreOp& op);
  /// `old` is in its place, or absent. False where another file is.
  [[nodiscard]] bool put(const Folder& folder, const Record& record, const Stored& old,
                         TimePoint last_seen, TimePoint expires_at);
  void changed(StoreOp& op);
  void settle(const Folder& folder);

  Root root_;
  RecordReader reader_;
  OwnerIndex owners_{root_};
  std::uint64_t temporary_;
  Sweeper sweeper_;
  std::vector<StoreOp*> writes_;
  std::vector<StoreOp*> unsettled_;  // done, but for the flush of their folder
  std::atomic<bool> aborted_{false};
};

}  // namespace flame::inline v0::session::file
