#include "text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <mutex>
#include <string>

namespace flame::inline v0::detail {
namespace {

constexpr std::size_t max_logged = 2048;
constexpr std::size_t max_piece = 4096, max_line = max_piece - 16;

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// RFC 9110, 5.6.2, as a table: each field of each response is checked.
constexpr auto token_chars = [] {
  std::array<bool, 256> is{};
  for (const unsigned char c : std::string_view("!#$%&'*+-.^_`|~")) is[c] = true;
  for (unsigned char c = '0'; c <= '9'; ++c) is[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) is[c] = is[c - 'a' + 'A'] = true;
  return is;
}();

constexpr bool is_token_char(char c) noexcept { return token_chars[static_cast<unsigned char>(c)]; }

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return x == y || lower(x) == lower(y);
         });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

int encoded_byte(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_digit(text[1]), low = hex_digit(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

namespace {

bool is_overlong(int first, int second) noexcept {
  if (first == 0xc0 || first == 0xc1) return second >= 0x80 && second <= 0xbf;
  if (first == 0xe0) return second >= 0x80 && second <= 0x9f;
  return first == 0xf0 && second >= 0x80 && second <= 0x8f;
}

}  // namespace

bool is_sound_target(std::string_view text) noexcept {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }))
    return false;
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    const int first = encoded_byte(text.substr(at));
    if (first >= 0 &&
        is_overlong(first, encoded_byte(text.substr(at + 3 > text.size() ? text.size() : at + 3))))
      return false;
  }
  return true;
}

bool is_percent_encoded(std::string_view text) noexcept {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (text.size() - at < 3 || hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  if (!is_percent_encoded(text)) return std::nullopt;
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void append_percent_encoded(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
}

std::string line_about(const Request& request) {
  std::string line(request.method_name());
  line += ' ';
  append_escaped(line, request.path());
  return line;
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text.substr(0, max_logged)) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

void log_error(std::string_view text) noexcept {
  static std::mutex mutex;
  static std::size_t dropped = 0;
  const std::scoped_lock lock(mutex);
  const auto write = [](std::string_view line) { return write_now(STDERR_FILENO, line).empty(); };
  try {
    if (dropped > 0 && write("flame: lines dropped here, since nobody read stderr: " +
                             std::to_string(dropped) + '\n')) {
      dropped = 0;
    }
    std::string line = "flame: ";
    line += text.substr(0, max_line);
    line += '\n';
    if (!write(line)) ++dropped;
  } catch (...) {
    if (!write("flame: out of memory\n")) ++dropped;
  }
}

void log_cut(std::string_view what, std::string_view why) noexcept try {
  std::string line(what);
  line.append(": cut, since ").append(why);
  log_error(line);
} catch (...) {
  log_error("out of memory");
}

void block_broken_pipes() noexcept {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

namespace {

/// Writes what goes without waiting. After poll() says that a page would go, another process may
/// fill the same pipe: and the flag that keeps a write from waiting is all writers', who may want
/// to wait. So the pipe, or the terminal, is opened once more, for this alone.
class LogEnd {
 public:
  explicit LogEnd(int descriptor) noexcept : descriptor_(descriptor) {
    struct stat kind {};
    if (::fstat(descriptor, &kind) != 0) return;
    is_socket_ = S_ISSOCK(kind.st_mode);
    if (!S_ISFIFO(kind.st_mode) && !S_ISCHR(kind.st_mode)) return;
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    own_ = ::open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }
  LogEnd(const LogEnd&) = delete;
  LogEnd& operator=(const LogEnd&) = delete;
  ~LogEnd() {
    if (own_ >= 0) ::close(own_);
  }

  [[nodiscard]] bool is_writable() const noexcept {
    pollfd can{used(), POLLOUT, 0};
    return ::poll(&can, 1, 0) == 1;
  }
  [[nodiscard]] ssize_t write(std::string_view piece) const noexcept {
    if (is_socket_)
      return ::send(descriptor_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return ::write(used(), piece.data(), piece.size());
  }

 private:
  /// Without one of its own, for want of /proc or of descriptors, poll() is all there is.
  [[nodiscard]] int used() const noexcept { return own_ >= 0 ? own_ : descriptor_; }

  int descriptor_, own_ = -1;
  bool is_socket_ = false;
};

}  // namespace

std::string_view write_now(int descriptor, std::string_view text) noexcept {
  if (text.empty()) return text;  // as most often: that needs nothing of the system's
  const LogEnd log(descriptor);
  while (!text.empty()) {
    if (!log.is_writable()) return text;
    auto piece = text.substr(0, max_piece);
    if (piece.size() < text.size() && piece.find('\n') != std::string_view::npos)
      piece = piece.substr(0, piece.rfind('\n') + 1);  // others write to it too
    const auto written = log.write(piece);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == ENOSPC || errno == EDQUOT)) return text;
    if (written <= 0) return {};  // nobody ever reads it
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace flame::inline v0::detail
