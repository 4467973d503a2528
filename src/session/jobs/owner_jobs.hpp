#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <vector>

#include "job.hpp"
#include "owner_pages.hpp"

namespace flame::inline v0::session {

/// An owner's sessions, with the labels that their envelopes have.
class ListJob final : public Job {
 public:
  ListJob(Core& core, std::string_view owner);

  [[nodiscard]] Step next(StoreOp&) override;
  void answered(StoreOp&, const std::optional<Failure>&, TimePoint) override {}
  void all_answered() override;
  [[nodiscard]] const Base* base() const noexcept override { return nullptr; }
  void written(Record) override {}

  [[nodiscard]] Result<std::vector<OwnedSession>> result();

 private:
  void add(Record& record);

  Core& core_;
  const std::string owner_;
  OwnerPages pages_{};
  bool loading_ = false;
  std::vector<OwnedSession> found_{};
  std::optional<Error> error_{};
};

/// Ends one session of this application, all of an owner's, or everyone's. What is listed is ended
/// whoever it belongs to by then: who signed in before the list was read does not escape.
class EndJob final : public Job {
 public:
  EndJob(Core& core, const EndOperation& operation);

  [[nodiscard]] Step next(StoreOp&) override;
  void answered(StoreOp&, const std::optional<Failure>&, TimePoint) override {}
  void all_answered() override;
  [[nodiscard]] bool did_some() const noexcept override { return erasing_; }
  void tell_progress(Error& error) const noexcept override;
  [[nodiscard]] const Base* base() const noexcept override { return nullptr; }
  void written(Record) override {}

  [[nodiscard]] Result<std::size_t> result();

 private:
  enum class Stage : std::uint8_t { finished, load, list, erase };

  void go_on() noexcept;
  void load(const std::vector<Record>& records);
  [[nodiscard]] bool is_ours(const Record& record) const;
  void erase_loaded();
  void erase(std::vector<Record> records);
  void count_ended();

  Core& core_;
  const bool everyone_;
  const bool probes_;  // for Manager::ready(), which tells it itself
  const std::optional<SessionKey> except_;
  OwnerPages pages_{};
  Stage stage_ = Stage::finished;
  std::atomic<bool> erasing_{false};
  std::atomic<std::size_t> ended_{0};
  std::optional<Error> error_{};
};

/// The first failure of several calls; null: none.
[[nodiscard]] const Failure* first_failure(const std::vector<StoreCall>& calls) noexcept;
/// A call for each that loads it, or erases it.
void make_loads(std::span<const Record> records, std::vector<StoreCall>& calls);
void make_erases(std::span<const Record> records, std::vector<StoreCall>& calls);
/// Tells of those that were ended; returns how many.
std::size_t tell_ended(const std::vector<StoreCall>& calls, Events& events);

}  // namespace flame::inline v0::session
