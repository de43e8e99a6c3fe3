// SPDX-License-Identifier: MIT
#include "longhand/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <string>
#include <system_error>

#include "longhand/io/error.hpp"
#include "message.hpp"
#include "source.hpp"

namespace longhand::io {
namespace {

/// Everything write_file does goes through the opened folder, so that all steps happen in one place
/// even if the path comes to mean another one meanwhile.
class Replacement {
 public:
  explicit Replacement(const std::filesystem::path& path)
      : path_(path.string()), leaf_(path.filename().string()) {
    if (leaf_.empty() || leaf_ == "." || leaf_ == "..") {
      throw FileError(path_, "path", "names no file, expected a file name at its end");
    }
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    folder_ = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) fail("folder", "cannot be opened", "expected an existing folder");
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  ~Replacement() {
    if (file_ >= 0) ::close(file_);
    if (!temporary_.empty()) ::unlinkat(folder_, temporary_.c_str(), 0);
    if (folder_ >= 0) ::close(folder_);
  }

  /// A new file beside the target. Replacing a folder fails, replacing a device must not succeed.
  void create() {
    struct stat old {};
    const bool exists = ::fstatat(folder_, leaf_.c_str(), &old, 0) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
      throw FileError(path_, "file", "is a folder, pipe or device, expected a regular file");
    }
    constexpr int attempts = 16;
    std::random_device random;
    for (int attempt = 0; attempt < attempts && file_ < 0; ++attempt) {
      constexpr std::size_t longest = 200;  // leaves room for the rest within NAME_MAX
      temporary_ = cat('.', leaf_.substr(0, longest), ".tmp-", ::getpid(), '-', random());
      file_ = ::openat(folder_, temporary_.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (file_ < 0) {
        temporary_.clear();
        if (errno != EEXIST) break;
      }
    }
    if (file_ < 0) fail("folder", "accepts no new file", "expected it to be writable");
    if (exists && ::fchmod(file_, old.st_mode & 0777) != 0) {
      fail("file", "cannot take on the old file's permissions", "expected to own it");
    }
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written =
          ::write(file_, bytes.data(), std::min<std::size_t>(bytes.size(), 1 << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("file", "cannot be written", cat(bytes.size(), " bytes were left"));
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void commit() {
    // A failed fsync is final: the kernel may have dropped the data, and a second call would
    // succeed without them.
    if (::fsync(file_) != 0) fail("file", "cannot be brought to disk", "expected fsync to succeed");
    const int descriptor = file_;
    file_ = -1;
    if (::close(descriptor) != 0 && errno != EINTR) {
      fail("file", "cannot be closed", "expected all of it to be written");
    }
    if (::renameat(folder_, temporary_.c_str(), folder_, leaf_.c_str()) != 0) {
      fail("file", "cannot be replaced", "expected the new one to take its name");
    }
    temporary_.clear();
    // Some file systems have no fsync for folders and say EINVAL: nothing more can be done there.
    if (::fsync(folder_) != 0 && errno != EINVAL) {
      fail("folder", "cannot be brought to disk",
           "the new file is in place but might not survive a power failure");
    }
  }

 private:
  [[noreturn]] void fail(std::string_view field, std::string_view what, std::string_view expected) {
    const std::string reason = std::generic_category().message(errno);
    throw FileError(path_, field, cat(what, " (", reason, "), ", expected));
  }

  std::string path_;
  std::string leaf_;
  std::string temporary_;
  int folder_ = -1;
  int file_ = -1;
};

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t limit) {
  FileSource source(path);
  const std::uint64_t size = *source.remaining();
  if (size > limit) {
    throw FileError(source.name(), "file", cat("has ", size, " bytes, expected at most ", limit));
  }
  return source.take(size, "file");
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  Replacement file(path);
  file.create();
  file.write(bytes);
  file.commit();
}

}  // namespace longhand::io
