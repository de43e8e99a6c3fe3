// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"

namespace files {

using Bytes = std::vector<std::byte>;

/// A folder of a test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "longhand-io-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  /// How many names the folder holds: 1 after a write means that no temporary file was left.
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

inline Bytes bytes(std::string_view text) {
  Bytes out(text.size());
  if (!text.empty()) std::memcpy(out.data(), text.data(), text.size());
  return out;
}

inline std::string text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// A string literal with its NUL bytes, without the last.
template <std::size_t N>
std::string raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

/// The message of the Error that `action` must throw, which must be of type Expected and name the
/// file and the field.
template <class Expected, class Action>
std::string rejected(Action action, std::string_view file, std::string_view field) {
  CAPTURE(file);
  CAPTURE(field);
  try {
    action();
  } catch (const Expected& error) {
    CHECK(error.file() == file);
    CHECK(error.field() == field);
    const std::string message = error.what();
    CHECK(message.starts_with(std::string(file) + ": " + std::string(field) + " "));
    return message;
  } catch (const std::exception& error) {
    FAIL_CHECK("another exception: ", error.what());
    return {};
  }
  FAIL_CHECK("was accepted");
  return {};
}

/// Bytes that a reader must refuse, and the part it must name.
struct Hostile {
  std::string_view what;
  std::string content;
  std::string_view field;
};

/// Every case must be refused the same way from memory and from a file.
template <class ReadBytes, class ReadPath>
void check_hostile(std::span<const Hostile> corpus, ReadBytes read_bytes, ReadPath read_path) {
  const Folder folder;
  for (const Hostile& hostile : corpus) {
    CAPTURE(hostile.what);
    const Bytes content = bytes(hostile.content);
    const std::string from_memory = rejected<longhand::io::FormatError>(
        [&] { read_bytes(content, "memory"); }, "memory", hostile.field);
    const std::filesystem::path path = folder / "hostile";
    longhand::io::write_file(path, content);
    const std::string from_file =
        rejected<longhand::io::FormatError>([&] { read_path(path); }, path.string(), hostile.field);
    CHECK(from_file == path.string() + from_memory.substr(std::string_view("memory").size()));
    CHECK(from_file.find('\n') == from_file.npos);
  }
}

/// Stands for everything that is no regular file. Never a real device: run as root, a writer with a
/// bug would replace it.
inline void make_pipe(const std::filesystem::path& path) {
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
}

/// What every reader refuses about the file itself.
template <class ReadPath>
void check_no_file(ReadPath read_path) {
  using longhand::io::FileError;
  const Folder folder;
  const auto refuse = [&](const std::filesystem::path& path) {
    return rejected<FileError>([&] { read_path(path); }, path.string(), "file");
  };
  CHECK(refuse(folder / "missing").find("No such file") != std::string::npos);
  CHECK(refuse(folder.path()).find("is a folder") != std::string::npos);
  make_pipe(folder / "pipe");
  CHECK(refuse(folder / "pipe").find("pipe or device") != std::string::npos);
  longhand::io::write_file(folder / "file", {});
  CHECK(refuse(folder / "file" / "below").find("Not a directory") != std::string::npos);
}

/// What every writer refuses, leaving no trace.
template <class WritePath>
void check_no_place(WritePath write_path) {
  using longhand::io::FileError;
  const Folder folder;
  std::filesystem::create_directory(folder / "taken");
  const auto refuse = [&](const std::filesystem::path& path, std::string_view field) {
    return rejected<FileError>([&] { write_path(path); }, path.string(), field);
  };
  CHECK(refuse(folder / "missing" / "file", "folder").find("No such file") != std::string::npos);
  CHECK(refuse(folder / "taken", "file").find("is a folder") != std::string::npos);
  make_pipe(folder / "pipe");
  CHECK(refuse(folder / "pipe", "file").find("device") != std::string::npos);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK(refuse(folder / "taken" / "..", "path").find("names no file") != std::string::npos);
  CHECK(folder.entries() == 2);
  CHECK(std::filesystem::is_empty(folder / "taken"));
}

/// Runs a Python program that needs `module`. Returns false, with a message, where that is absent;
/// LONGHAND_PYTHON names another interpreter than python3.
inline bool python(const Folder& folder, std::string_view module, std::string_view program) {
  const char* const chosen = std::getenv("LONGHAND_PYTHON");
  const std::string interpreter = chosen != nullptr ? chosen : "python3";
  const std::string probe =
      interpreter + " -c 'import " + std::string(module) + "' >/dev/null 2>&1";
  if (std::system(probe.c_str()) != 0) {
    MESSAGE("skipped: no Python with ", module);
    return false;
  }
  const std::filesystem::path script = folder / "check.py";
  longhand::io::write_file(script, bytes(program));
  const std::string command = "cd " + folder.path().string() + " && " + interpreter + " check.py";
  REQUIRE(std::system(command.c_str()) == 0);
  return true;
}

}  // namespace files
