// SPDX-License-Identifier: MIT
#include "longhand/io/file.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "files.hpp"

namespace {

/// The system calls of a write, each of which can be made to fail: the definitions below stand in
/// front of the C library's.
enum class Call { write, fsync, close, renameat, none };

struct Fault {
  Call call = Call::none;
  int nth = 0;  // counted down at each such call; it fails when this reaches 0
  int error = 0;
};
Fault fault;
std::size_t longest_write = 1 << 30;

bool fails(Call call) {
  if (fault.call != call || --fault.nth != 0) return false;
  errno = fault.error;
  return true;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
ssize_t write(int descriptor, const void* data, size_t size) {
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  if (fails(Call::write)) return -1;
  return next(descriptor, data, std::min(size, longest_write));
}
int fsync(int descriptor) {
  static auto* const next = real<int(int)>("fsync");
  return fails(Call::fsync) ? -1 : next(descriptor);
}
int close(int descriptor) {
  static auto* const next = real<int(int)>("close");
  // Linux closes the file even where it reports an error.
  const int result = next(descriptor);
  return fails(Call::close) ? -1 : result;
}
int renameat(int from, const char* old_name, int to, const char* new_name) {
  static auto* const next = real<int(int, const char*, int, const char*)>("renameat");
  return fails(Call::renameat) ? -1 : next(from, old_name, to, new_name);
}
}

using files::bytes;
using files::Bytes;
using files::Folder;
using files::rejected;
using files::text;
using longhand::io::FileError;
using longhand::io::read_file;
using longhand::io::write_file;

TEST_CASE("file: bytes come back as written, an empty file too") {
  const Folder folder;
  for (const std::string_view content : {std::string_view(), std::string_view("one\0two", 7)}) {
    write_file(folder / "file", bytes(content));
    CHECK(text(read_file(folder / "file")) == content);
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("file: a relative path and a name of full length") {
  const Folder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const std::string longest(255, 'n');
  write_file("plain", bytes("a"));
  write_file(longest, bytes("b"));
  CHECK(text(read_file("plain")) == "a");
  CHECK(text(read_file(longest)) == "b");
  std::filesystem::current_path(before);
  CHECK(folder.entries() == 2);
}

TEST_CASE("file: the limit is the last size that is read") {
  const Folder folder;
  const std::filesystem::path path = folder / "file";
  write_file(path, bytes("12345"));
  CHECK(read_file(path, 5).size() == 5);
  const std::string message =
      rejected<FileError>([&] { read_file(path, 4); }, path.string(), "file");
  CHECK(message == path.string() + ": file has 5 bytes, expected at most 4");
}

TEST_CASE("file: what cannot be read or written is named") {
  files::check_no_file([](const std::filesystem::path& path) { read_file(path); });
  files::check_no_place([](const std::filesystem::path& path) { write_file(path, bytes("x")); });
}

TEST_CASE("file: permissions pass to the new file, a symbolic link is replaced") {
  const Folder folder;
  const auto mode = [](const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions();
  };
  write_file(folder / "file", bytes("old"));
  std::filesystem::permissions(folder / "file", std::filesystem::perms(0600));
  write_file(folder / "file", bytes("new"));
  CHECK(mode(folder / "file") == std::filesystem::perms(0600));

  std::filesystem::create_symlink("file", folder / "link");
  write_file(folder / "link", bytes("linked"));
  CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
  CHECK(text(read_file(folder / "file")) == "new");
}

TEST_CASE("file: whichever step fails, the old file stays whole and nothing else is left") {
  const Folder folder;
  const std::filesystem::path path = folder / "model";
  write_file(path, bytes("old content"));
  longest_write = 4;  // 11 bytes in three writes: each of them can be the one that fails
  int failures = 0;
  for (const Call call : {Call::write, Call::fsync, Call::close, Call::renameat}) {
    for (int nth = 1; nth <= 3; ++nth) {
      // The second fsync is the folder's, after the new name; the second close is the folder's too.
      if (call != Call::write && nth > 1) continue;
      fault = {call, nth, call == Call::write ? ENOSPC : EIO};
      const std::string message = rejected<FileError>(
          [&] { write_file(path, bytes("new content")); }, path.string(), "file");
      CHECK(fault.nth <= 0);
      fault = {};
      CHECK(message.find(call == Call::write ? "No space left" : "Input/output error") !=
            std::string::npos);
      CHECK(text(read_file(path)) == "old content");
      CHECK(folder.entries() == 1);
      ++failures;
    }
  }
  longest_write = 1 << 30;
  CHECK(failures == 6);
}

TEST_CASE("file: short and interrupted writes go on") {
  const Folder folder;
  longest_write = 1;
  fault = {Call::write, 3, EINTR};
  write_file(folder / "file", bytes("content"));
  CHECK(fault.nth < 0);
  fault = {};
  longest_write = 1 << 30;
  CHECK(text(read_file(folder / "file")) == "content");
}

TEST_CASE("file: a folder that cannot be synced is reported, unless it never can be") {
  const Folder folder;
  const std::filesystem::path path = folder / "file";
  fault = {Call::fsync, 2, EIO};
  const std::string message =
      rejected<FileError>([&] { write_file(path, bytes("new")); }, path.string(), "folder");
  CHECK(message.find("new file is in place") != std::string::npos);
  CHECK(text(read_file(path)) == "new");

  fault = {Call::fsync, 2, EINVAL};
  write_file(path, bytes("newer"));
  CHECK(fault.nth == 0);
  fault = {};
  CHECK(text(read_file(path)) == "newer");
  CHECK(folder.entries() == 1);
}

TEST_CASE("error: what files hold cannot steer a terminal") {
  using longhand::io::printable;
  CHECK(printable("plain, Größe, 潜在, 😀") == "plain, Größe, 潜在, 😀");
  CHECK(printable("a\x1b[2J\r\n\t\x7f") == "a?[2J????");
  CHECK(printable(std::string("a\0b", 3)) == "a?b");
  CHECK(printable("\xc2\x9b"
                  "31m\xc2\x85\xc2\xa0") == "?31m?\xc2\xa0");
  CHECK(printable("\u202e\u2066\u2028") == "???");
  // No UTF-8: alone, too long, cut, a surrogate, beyond Unicode.
  CHECK(printable("\x9b\xff") == "??");
  CHECK(printable("\xc0\xaf") == "??");
  CHECK(printable("\xe2\x80") == "??");
  CHECK(printable("\xed\xa0\x80") == "???");
  CHECK(printable("\xf4\x90\x80\x80") == "????");
  const longhand::io::FormatError error("a\x1b.npy", "\x9b", "is \n");
  CHECK(std::string(error.what()) == "a?.npy: ? is ?");
  CHECK(error.file() == "a\x1b.npy");
}
