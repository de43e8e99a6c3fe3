// SPDX-License-Identifier: MIT
#include "longhand/io/npz.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <vector>

#include "deflated.hpp"
#include "files.hpp"
#include "longhand/io/npy.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::Hostile;
using files::rejected;
using files::text;
using longhand::io::encode_npy;
using longhand::io::FormatError;
using longhand::io::npz_names;
using longhand::io::read_npz;
using longhand::io::Tensor;

namespace {

std::string little(std::uint64_t value, int size) {
  std::string out;
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// An archive, member by member. `wide`: numbers in the 64-bit extension, as for large archives.
struct Zip {
  std::string file, directory;
  int members = 0;
  std::uint64_t flags = 0;
  bool wide = false;

  void add(const std::string& name, const std::string& content, std::uint64_t method,
           std::int64_t checksum = -1) {
    const std::string packed = method == 8 ? files::deflated(content) : content;
    const auto sum =
        checksum >= 0 ? static_cast<std::uint64_t>(checksum)
                      : crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::uint64_t offset = file.size(), none = 0xffffffff;
    const std::string extra = little(0x9999, 2) + little(3, 2) + "abc";  // of somebody else
    const std::string about =
        little(20, 2) + little(flags, 2) + little(method, 2) + little(0, 4) + little(sum, 4);
    file += "PK\x03\x04" + about + little(packed.size(), 4) + little(content.size(), 4) +
            little(name.size(), 2) + little(extra.size(), 2) + name + extra + packed;
    const std::string wide_extra =
        extra + (wide ? little(1, 2) + little(24, 2) + little(content.size(), 8) +
                            little(packed.size(), 8) + little(offset, 8)
                      : "");
    directory += "PK\x01\x02" + little(20, 2) + about + little(wide ? none : packed.size(), 4) +
                 little(wide ? none : content.size(), 4) + little(name.size(), 2) +
                 little(wide_extra.size(), 2) + little(2, 2) + little(0, 8) +
                 little(wide ? none : offset, 4) + name + wide_extra + "no";
    ++members;
  }

  std::string done(const std::string& comment = "") const {
    std::string out = file + directory;
    const std::uint64_t at = file.size(), count = static_cast<std::uint64_t>(members);
    if (wide) {
      const std::uint64_t record = out.size();
      out += "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
             little(count, 8) + little(count, 8) + little(directory.size(), 8) + little(at, 8);
      out += "PK\x06\x07" + little(0, 4) + little(record, 8) + little(1, 4);
    }
    return out + "PK\x05\x06" + little(0, 4) + little(wide ? 0xffff : count, 2) +
           little(wide ? 0xffff : count, 2) + little(wide ? 0xffffffff : directory.size(), 4) +
           little(wide ? 0xffffffff : at, 4) + little(comment.size(), 2) + comment;
  }
};

const Tensor ramp = [] {
  std::vector<float> values(6000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17);
  return Tensor::of<float>({1000, 6}, values);
}();
const Tensor few = Tensor::of<std::int64_t>({3}, std::array<std::int64_t, 3>{7, -8, 9});

std::string npy(const Tensor& tensor) { return text(encode_npy(tensor)); }

std::string with(const std::string& content, std::uint64_t method, std::int64_t checksum = -1) {
  Zip zip;
  zip.add("a.npy", content, method, checksum);
  return zip.done();
}

}  // namespace

TEST_CASE("npz: stored and compressed arrays, with comments, 64-bit numbers and other members") {
  for (const bool wide : {false, true})
    for (const std::string comment : {"", "a comment"}) {
      CAPTURE(wide);
      CAPTURE(comment);
      Zip zip;
      zip.wide = wide;
      zip.add("notes.txt", "no array", 0);
      zip.add("ramp.npy", npy(ramp), 8);
      zip.add("few.npy", npy(few), 0);
      const Bytes archive = bytes(zip.done(comment));
      CHECK(npz_names(archive, "x.npz") == std::vector<std::string>{"ramp", "few"});
      CHECK(read_npz(archive, "x.npz", "ramp") == ramp);
      CHECK(read_npz(archive, "x.npz", "few") == few);
      const Folder folder;
      longhand::io::write_file(folder / "x.npz", archive);
      CHECK(read_npz(folder / "x.npz", "few") == few);
      CHECK(npz_names(folder / "x.npz").size() == 2);
    }
  CHECK(read_npz(bytes(with(npy(few), 8)), "x.npz") == few);
}

TEST_CASE("npz: messages list the arrays") {
  Zip zip;
  zip.add("x.npy", npy(few), 0);
  zip.add("\x1b[2J.npy", npy(few), 0);
  const Bytes archive = bytes(zip.done());
  const auto message = [&](std::string_view array) {
    return rejected<FormatError>([&] { read_npz(archive, "x.npz", array); }, "x.npz", "archive");
  };
  CHECK(message("") ==
        "x.npz: archive has the arrays \"x\", \"?[2J\", expected the name of one of them");
  CHECK(message("y") == "x.npz: archive has no array \"y\", expected one of \"x\", \"?[2J\"");
}

TEST_CASE("npz: hostile archives are refused by name") {
  Zip encrypted;
  encrypted.flags = 1;
  encrypted.add("a.npy", npy(few), 0);
  const std::string good = with(npy(few), 0);
  const std::size_t directory = good.find("PK\x01\x02"), end = good.find("PK\x05\x06");
  const auto changed = [&](std::size_t at, const std::string& to) {
    return std::string(good).replace(at, to.size(), to);
  };
  const std::vector<Hostile> corpus = {
      {"empty", "", "end of the archive"},
      {"an npy file", npy(few), "end of the archive"},
      {"cut", good.substr(0, good.size() - 3), "end of the archive"},
      {"no array", Zip().done(), "directory"},
      {"directory beyond the end", changed(end + 16, little(1 << 20, 4)), "directory"},
      {"directory of 4 GiB", changed(end + 12, little(0xfffffffe, 4)), "end of the archive"},
      {"64-bit numbers without their record", changed(end + 16, little(0xffffffff, 4)),
       "end of the archive"},
      {"more members than there are", changed(end + 10, little(2, 2)), "directory"},
      {"damaged directory", changed(directory, "QQ"), "directory"},
      {"name beyond the directory", changed(directory + 28, little(60000, 2)), "directory"},
      {"extra field beyond the directory", changed(directory + 30, little(60000, 2)), "directory"},
      {"a web page", "<!DOCTYPE html><html>", "end of the archive"},
  };
  files::check_hostile(
      corpus, [](const Bytes& data, std::string_view name) { read_npz(data, name); },
      [](const std::filesystem::path& path) { read_npz(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_npz(path); });

  const auto member = [](const std::string& archive, std::string_view field) {
    rejected<FormatError>([&] { read_npz(bytes(archive), "x"); }, "x:a", field);
  };
  member(with(npy(few), 0, 5), "checksum");
  member(with(npy(few), 8, 5), "checksum");
  member(with(npy(few), 12), "member");
  member(encrypted.done(), "member");
  member(with(npy(few).substr(0, 140), 8), "data");
  member(with(npy(few) + "more", 0), "data");
  member(with("no array", 0), "magic");
  member(changed(directory + 20, little(1 << 20, 4)), "member");
  rejected<FormatError>([&] { read_npz(bytes(changed(directory + 42, little(1 << 20, 4))), "x"); },
                        "x", "member");
  // A member that says it is deflated and is not.
  std::string stored = with(std::string(50, '\xff'), 0);
  stored[stored.find("PK\x01\x02") + 10] = 8;
  member(stored, "deflate stream");
}

TEST_CASE("npz: a member that declares much takes no more memory than it has") {
  const std::string head =
      "\x93NUMPY\x01" + std::string(1, '\0') + little(118, 2) +
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 100000), }";
  const std::string content = head + std::string(128 - head.size(), ' ') + std::string(64, '\0');
  for (const std::uint64_t method : {0, 8})
    rejected<FormatError>([&] { read_npz(bytes(with(content, method)), "x"); }, "x:a", "data");
}

TEST_CASE("npz: what NumPy writes is read") {
  const Folder folder;
  if (!files::python(folder, "numpy", R"(
import numpy as np
np.savez('plain.npz', np.arange(5), x=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
np.savez_compressed('small.npz', x=np.zeros((1000, 100), dtype='>f4'))
)")) {
    return;
  }
  CHECK(npz_names(folder / "plain.npz").size() == 2);
  CHECK(read_npz(folder / "plain.npz", "x").as<double>() == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(read_npz(folder / "plain.npz", "arr_0").count() == 5);
  CHECK(read_npz(folder / "small.npz").shape == std::vector<std::uint64_t>{1000, 100});
}
