#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include <flame/context.hpp>
#include <flame/session/manager.hpp>
#include <flame/stream.hpp>
#include <flame/task.hpp>

namespace flame::inline v0::detail {

class App;
class Loop;

/// One request on its way through the chain. Used again for the next one of its connection.
class Exchange {
 public:
  explicit Exchange(Loop& loop);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Everything of the request before this is gone.
  void reset() noexcept;
  /// True: the answer is complete. False: done() will be called, on the loop's thread.
  [[nodiscard]] bool start(const App& app);
  /// After that, where the answer is a stream: runs its function. True, or done(), as above.
  [[nodiscard]] bool start_stream(Sink& sink);
  [[nodiscard]] bool stream_failed() const noexcept { return stream_failed_; }
  [[nodiscard]] Context& context() noexcept { return context_; }

 protected:
  ~Exchange() = default;
  virtual void done() noexcept = 0;

 private:
  static void on_done(void* self) noexcept;
  [[nodiscard]] bool run();
  void complete() noexcept;
  void collect() noexcept;
  void fail() noexcept;
  void answer_error(Response response);

  Context context_;
  const App* app_ = nullptr;  // since start()
  Task<> task_{};
  std::optional<Stream> stream_{};                // once it is what runs
  std::shared_ptr<const StreamSource> source_{};  // of it: the answer may be replaced meanwhile
  bool stream_failed_ = false;
  session::Operation completing_{};
  bool starting_ = false, finished_ = false;  // of the thread that starts it
  std::atomic<std::thread::id> starter_{};
};

}  // namespace flame::inline v0::detail
