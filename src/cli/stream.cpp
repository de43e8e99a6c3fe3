// SPDX-License-Identifier: MIT
#include "stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "failure.hpp"

namespace longhand::cli {
namespace {

constexpr const char* kStdin = "-";

/// An open pipe that is closed again, unless it is stdin.
class Pipe {
 public:
  explicit Pipe(const std::string& path) : path_(path) {
    if (path == kStdin) return;
    // Without O_NONBLOCK the opening would wait for a writer, for ever if there is none.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file_ < 0 || ::fcntl(file_, F_SETFL, 0) != 0) fail();
  }
  ~Pipe() {
    if (file_ > STDIN_FILENO) ::close(file_);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::size_t read(std::byte* into, std::size_t count) const {
    ssize_t got = 0;
    do {
      got = ::read(file_, into, count);
    } while (got < 0 && errno == EINTR);
    if (got < 0) fail();
    return static_cast<std::size_t>(got);
  }

 private:
  [[noreturn]] void fail() const {
    throw Failure(ExitCode::bad_input, path_ == kStdin ? "stdin" : path_, ": cannot be read (",
                  std::strerror(errno), "), expected data");
  }

  std::string path_;
  int file_ = STDIN_FILENO;
};

}  // namespace

bool is_stream(const std::string& path) {
  if (path == kStdin) return true;
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

std::vector<std::byte> read_stream(const std::string& path) {
  const Pipe pipe(path);
  std::vector<std::byte> bytes;
  constexpr std::size_t chunk = 1 << 20;
  for (std::size_t filled = 0;;) {
    bytes.resize(filled + chunk);
    const std::size_t got = pipe.read(bytes.data() + filled, chunk);
    filled += got;
    if (got > 0) continue;
    bytes.resize(filled);
    return bytes;
  }
}

std::string kind_of(const std::vector<std::byte>& bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\x93NUMPY")) return ".npy";
  if (text.starts_with("PK\x03\x04")) return ".npz";
  const bool idx = text.size() > 4 && text[0] == 0 && text[1] == 0 && text[2] >= 8 && text[3] > 0;
  return idx ? ".idx" : ".csv";
}

}  // namespace longhand::cli
