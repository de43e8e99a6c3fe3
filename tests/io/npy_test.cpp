// SPDX-License-Identifier: MIT
#include "longhand/io/npy.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <numeric>

#include "files.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::Hostile;
using files::raw;
using files::rejected;
using files::text;
using longhand::io::Dtype;
using longhand::io::encode_npy;
using longhand::io::FormatError;
using longhand::io::read_npy;
using longhand::io::Tensor;
using longhand::io::write_npy;

namespace {

/// A version 1 file with this header and data.
std::string npy(std::string_view header, std::string_view data = {}) {
  return raw("\x93NUMPY\x01\x00") + static_cast<char>(header.size() & 0xff) +
         static_cast<char>(header.size() >> 8) + std::string(header) + std::string(data);
}

/// The same for two floats, with `from` in the header replaced by `to`.
std::string altered(std::string_view from, std::string_view to) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  const std::size_t at = header.find(from);
  REQUIRE(at != header.npos);
  return npy(header.replace(at, from.size(), to), std::string(8, '\0'));
}

}  // namespace

TEST_CASE("npy: golden bytes are read and written") {
  const Tensor expected = Tensor::of<float>({2, 1}, std::array<float, 2>{1.0f, -2.0f});
  std::string golden = raw("\x93NUMPY\x01\x00\x76\x00") +
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  golden += std::string(127 - golden.size(), ' ') + "\n" + raw("\x00\x00\x80\x3f\x00\x00\x00\xc0");
  CHECK(text(encode_npy(expected)) == golden);
  CHECK(read_npy(bytes(golden), "golden") == expected);
}

TEST_CASE("npy: every type and rank survives a file, with aligned data") {
  const Folder folder;
  const auto round_trip = [&](auto zero, std::vector<std::uint64_t> shape) {
    using T = decltype(zero);
    std::vector<T> values(std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                                          [](std::size_t a, std::size_t b) { return a * b; }));
    std::iota(values.begin(), values.end(), std::numeric_limits<T>::lowest());
    const Tensor tensor = Tensor::of<T>(std::move(shape), values);
    write_npy(folder / "file", tensor);
    CHECK(read_npy(folder / "file") == tensor);
    CHECK((encode_npy(tensor).size() - tensor.data.size()) % 64 == 0);
  };
  round_trip(std::uint8_t{}, {});
  round_trip(std::int8_t{}, {5});
  round_trip(std::int16_t{}, {2, 3});
  round_trip(std::uint16_t{}, {0, 3});
  round_trip(std::int32_t{}, {1, 2, 3, 4, 5});
  round_trip(std::uint32_t{}, {7});
  round_trip(std::int64_t{}, {2, 2});
  round_trip(std::uint64_t{}, {2, 2});
  round_trip(float{}, {100, 7});
  round_trip(double{}, {1});
  Tensor half = Tensor::of<std::uint16_t>({1}, std::array<std::uint16_t, 1>{0x3c00});
  half.dtype = Dtype::f16;
  CHECK(read_npy(encode_npy(half), "half") == half);
  const Tensor flag{Dtype::boolean, {1}, {std::byte{1}}};
  CHECK(read_npy(encode_npy(flag), "flag") == flag);
}

TEST_CASE("npy: headers in every legal dress") {
  const std::vector<float> expected = {0, 0};
  const auto reads = [&](const std::string& file) {
    CHECK(read_npy(bytes(file), "dress").as<float>() == expected);
  };
  const std::string zeros(8, '\0');
  reads(npy("{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}", zeros));
  reads(npy(" { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) } \n", zeros));
  reads(altered("(2,)", "(1, 2)"));
  reads(altered("(2,)", "(1, 2,)"));
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  for (const std::string& version : {raw("\x02\x00"), raw("\x03\x00")}) {
    reads("\x93NUMPY" + version + static_cast<char>(header.size()) + std::string(3, '\0') + header +
          zeros);
  }
  // The longest header that is allowed, and one byte more.
  reads(npy(header + std::string(4096 - header.size(), ' '), zeros));
  rejected<FormatError>(
      [&] { read_npy(bytes(npy(header + std::string(4097 - header.size(), ' '), zeros)), "long"); },
      "long", "header length");
}

TEST_CASE("npy: Fortran order and big-endian numbers are read as what they stand for") {
  // 100 rows are more than are moved at once; the fastest dimension of the file is the first.
  constexpr std::uint64_t rows = 100, middle = 3, last = 2;
  std::string data(rows * middle * last * 2, '\0');
  std::vector<std::int64_t> expected(rows * middle * last);
  for (std::uint64_t i = 0; i < rows; ++i)
    for (std::uint64_t j = 0; j < middle; ++j)
      for (std::uint64_t k = 0; k < last; ++k) {
        const auto value = static_cast<std::int64_t>(i * 100 + j * 10 + k);
        expected[(i * middle + j) * last + k] = value;
        const std::uint64_t at = (i + rows * (j + middle * k)) * 2;
        data[at] = static_cast<char>(value >> 8);
        data[at + 1] = static_cast<char>(value & 0xff);
      }
  const Tensor tensor = read_npy(
      bytes(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (100, 3, 2), }", data)), "order");
  CHECK(tensor.shape == std::vector<std::uint64_t>{rows, middle, last});
  CHECK(tensor.as<std::int64_t>() == expected);

  const std::string pair = raw("\x40\x00\x00\x00\xc0\x40\x00\x00");
  const std::vector<float> floats = {2, -3};
  CHECK(read_npy(bytes(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", pair)), "a")
            .as<float>() == floats);
  CHECK(read_npy(bytes(npy("{'descr': '>f4', 'fortran_order': True, 'shape': (2,), }", pair)), "b")
            .as<float>() == floats);
  CHECK(read_npy(bytes(npy("{'descr': '>f2', 'fortran_order': False, 'shape': (2,), }",
                           raw("\x40\x00\xc2\x00"))),
                 "half")
            .as<float>() == floats);
  CHECK(read_npy(bytes(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4), }")), "none")
            .count() == 0);
}

TEST_CASE("npy: hostile files are refused by name") {
  const std::vector<Hostile> corpus = {
      {"empty", "", "magic"},
      {"cut magic", "\x93NUM", "magic"},
      {"wrong magic", "\x93NUMPX\x01" + std::string(20, '\0'), "magic"},
      {"a zip archive (npz)", "PK\x03\x04" + std::string(20, '\0'), "magic"},
      {"no version", "\x93NUMPY", "version"},
      {"version 0", raw("\x93NUMPY\x00\x00\x00\x00"), "version"},
      {"version 4", raw("\x93NUMPY\x04\x00\x00\x00\x00\x00"), "version"},
      {"version 1.1", raw("\x93NUMPY\x01\x01\x00\x00"), "version"},
      {"cut header length", raw("\x93NUMPY\x01\x00\x76"), "header length"},
      {"header of 4 GiB", raw("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "header length"},
      {"header beyond the end", raw("\x93NUMPY\x01\x00\x76\x00") + "{'descr'", "header"},
      {"empty header", npy(""), "header"},
      {"no dict", npy("[]"), "header"},
      {"open dict", npy("{'descr': '<f4'"), "header"},
      {"open string", npy("{'descr"), "header"},
      {"nothing in the dict", npy("{}"), "header"},
      {"no descr", altered("'descr': '<f4', ", ""), "header"},
      {"no order", altered("'fortran_order': False, ", ""), "header"},
      {"no shape", altered("'shape': (2,), ", ""), "header"},
      {"descr twice", altered("'shape'", "'descr': '<f4', 'shape'"), "header"},
      {"order twice", altered("'shape'", "'fortran_order': False, 'shape'"), "header"},
      {"shape twice", altered("'shape'", "'shape': (2,), 'shape'"), "header"},
      {"unknown key", altered("'shape'", "'x': 1, 'shape'"), "header"},
      {"text after the dict", altered(", }", "} + evil()"), "header"},
      {"missing comma", altered("False,", "False"), "header"},
      {"order neither True nor False", altered("False", "0"), "header"},
      {"order of a byte", altered("<f4", ">u1"), "descr"},
      {"no order", altered("<f4", "f4"), "descr"},
      {"empty descr", altered("<f4", ""), "descr"},
      {"data one short, in Fortran order", altered("False, 'shape': (2,)", "True, 'shape': (3, 1)"),
       "data"},
      {"a web page", "<!DOCTYPE html><html>", "magic"},
      {"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "magic"},
      {"object array", altered("<f4", "|O"), "descr"},
      {"structured array", altered("'<f4'", "[('a', '<f4')]"), "descr"},
      {"unknown type", altered("<f4", "<f3"), "descr"},
      {"descr with control bytes", altered("<f4", "\x1b[2J\n"), "descr"},
      {"shape is a number", altered("(2,)", "2"), "header"},
      {"shape is a bracketed number", altered("(2,)", "(2)"), "header"},
      {"open shape", altered("(2,), }", "(2,"), "shape"},
      {"negative dimension", altered("2", "-2"), "shape"},
      {"fractional dimension", altered("2", "2.0"), "header"},
      {"dimension of 2^64", altered("2", "18446744073709551616"), "shape"},
      {"empty dimension", altered("2", ""), "shape"},
      {"bytes overflow", altered("2", "4611686018427387904"), "shape"},
      {"product overflows", altered("(2,)", "(4294967296, 4294967296)"), "shape"},
      {"product wraps to 2", altered("(2,)", "(9223372036854775809, 2)"), "shape"},
      {"exabytes of data", altered("2", "1152921504606846976"), "data"},
      {"data one short", altered("2", "3"), "data"},
      {"data too long", altered("2", "1"), "data"},
  };
  files::check_hostile(
      corpus, [](const Bytes& data, std::string_view name) { read_npy(data, name); },
      [](const std::filesystem::path& path) { read_npy(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_npy(path); });
  files::check_no_place(
      [](const std::filesystem::path& path) { write_npy(path, Tensor::of<float>({0}, {})); });
}

TEST_CASE("npy: messages say what to do and cannot write to the terminal") {
  const auto message = [](std::string_view from, std::string_view to, std::string_view field) {
    return rejected<FormatError>([&] { read_npy(bytes(altered(from, to)), "x.npy"); }, "x.npy",
                                 field);
  };
  CHECK(rejected<FormatError>([&] { read_npy(bytes("version https://git-lfs"), "x.npy"); }, "x.npy",
                              "magic")
            .find("git lfs pull") != std::string::npos);
  CHECK(message("<f4", "\x1b[2J", "descr").find('\x1b') == std::string::npos);
  CHECK(message("2", "3", "data") == "x.npy: data is truncated: 8 bytes are left, expected 12");
}

TEST_CASE("npy: what the format cannot hold is not written") {
  const auto refuse = [](const Tensor& tensor, std::string_view field) {
    rejected<FormatError>([&] { encode_npy(tensor, "out"); }, "out", field);
  };
  refuse({Dtype::bf16, {1}, Bytes(2)}, "dtype");
  refuse({Dtype::f32, {2}, Bytes(7)}, "data");
  refuse({Dtype::u8, std::vector<std::uint64_t>(2000, 1), Bytes(1)}, "shape");
}

TEST_CASE("npy: NumPy reads ours and we read NumPy's") {
  const Folder folder;
  write_npy(folder / "ours.npy", Tensor::of<float>({2, 3}, std::array<float, 6>{0, 1, 2, 3, 4, 5}));
  write_npy(folder / "scalar.npy", Tensor::of<double>({}, std::array<double, 1>{2.5}));
  if (!files::python(folder, "numpy", R"(
import numpy as np
ours = np.load('ours.npy')
assert ours.dtype == np.float32 and ours.shape == (2, 3), ours
assert (ours == np.arange(6).reshape(2, 3)).all(), ours
scalar = np.load('scalar.npy')
assert scalar.dtype == np.float64 and scalar.shape == () and scalar == 2.5, scalar
for kind in '|b1 |u1 |i1 <i2 <u2 <f2 <i4 <u4 <f4 <f8 <i8 <u8'.split():
    array = (np.arange(10).reshape(2, 5) % 3).astype(kind)
    np.save(kind[1:] + '.npy', array)
np.save('vector.npy', np.array([1.5, -2.5]))
with open('two.npy', 'wb') as file:
    np.lib.format.write_array(file, np.array([7, 8, 9]), version=(2, 0))
ramp = np.arange(24.0).reshape(2, 3, 4)
np.save('c.npy', ramp)
np.save('fortran.npy', np.asfortranarray(ramp))
np.save('big.npy', ramp.astype('>f8'))
)")) {
    return;
  }
  for (const std::string_view kind :
       {"b1", "u1", "i1", "i2", "u2", "f2", "i4", "u4", "f4", "f8", "i8", "u8"}) {
    CAPTURE(kind);
    const Tensor tensor = read_npy(folder / (std::string(kind) + ".npy"));
    CHECK(tensor.shape == std::vector<std::uint64_t>{2, 5});
    const std::vector<double> values = tensor.as<double>();
    REQUIRE(values.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(values[i] == (kind == "b1" ? (i % 3 != 0) : static_cast<double>(i % 3)));
    }
  }
  CHECK(read_npy(folder / "vector.npy").as<double>() == std::vector<double>{1.5, -2.5});
  CHECK(read_npy(folder / "two.npy").as<std::int64_t>() == std::vector<std::int64_t>{7, 8, 9});
  CHECK(read_npy(folder / "fortran.npy") == read_npy(folder / "c.npy"));
  CHECK(read_npy(folder / "big.npy") == read_npy(folder / "c.npy"));
}
