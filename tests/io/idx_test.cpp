// SPDX-License-Identifier: MIT
#include "longhand/io/idx.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
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
using longhand::io::encode_idx;
using longhand::io::FormatError;
using longhand::io::read_idx;
using longhand::io::Tensor;
using longhand::io::write_idx;

namespace {

std::string gzip(std::string_view plain) {
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, plain.size()), '\0');
  std::string in(plain);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

const std::string two_by_three = raw("\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03") + "abcdef";

}  // namespace

TEST_CASE("idx: golden bytes are read and written") {
  const Tensor expected =
      Tensor::of<std::uint8_t>({2, 3}, std::array<std::uint8_t, 6>{'a', 'b', 'c', 'd', 'e', 'f'});
  CHECK(read_idx(bytes(two_by_three), "golden") == expected);
  CHECK(text(encode_idx(expected)) == two_by_three);

  // -2 and 1 as big-endian 16-bit integers; 1.5f and 1.5 as big-endian floats.
  const std::string shorts = raw("\x00\x00\x0b\x01\x00\x00\x00\x02\xff\xfe\x00\x01");
  CHECK(read_idx(bytes(shorts), "i16").as<std::int64_t>() == std::vector<std::int64_t>{-2, 1});
  const std::string single = raw("\x00\x00\x0d\x01\x00\x00\x00\x01\x3f\xc0\x00\x00");
  CHECK(read_idx(bytes(single), "f32").as<float>() == std::vector<float>{1.5f});
  const std::string twice = raw("\x00\x00\x0e\x01\x00\x00\x00\x01\x3f\xf8\x00\x00\x00\x00\x00\x00");
  CHECK(read_idx(bytes(twice), "f64").as<double>() == std::vector<double>{1.5});
  CHECK(text(encode_idx(read_idx(bytes(twice), "f64"))) == twice);
}

TEST_CASE("idx: every type and rank survives a file") {
  const Folder folder;
  const auto round_trip = [&](auto zero, std::vector<std::uint64_t> shape) {
    using T = decltype(zero);
    std::vector<T> values(24);
    std::iota(values.begin(), values.end(), T{1});
    const Tensor tensor = Tensor::of<T>(std::move(shape), values);
    write_idx(folder / "file", tensor);
    CHECK(read_idx(folder / "file") == tensor);
  };
  round_trip(std::uint8_t{}, {24});
  round_trip(std::int8_t{}, {4, 6});
  round_trip(std::int16_t{}, {2, 3, 4});
  round_trip(std::int32_t{}, {1, 2, 3, 4});
  round_trip(float{}, {24, 1});
  round_trip(double{}, {3, 8});
}

TEST_CASE("idx: compressed files read as plain ones, in several streams too") {
  const Folder folder;
  const Tensor expected = read_idx(bytes(two_by_three), "plain");
  CHECK(read_idx(bytes(gzip(two_by_three)), "gz") == expected);
  const std::string joined = gzip(two_by_three.substr(0, 7)) + gzip(two_by_three.substr(7));
  CHECK(read_idx(bytes(joined), "gz") == expected);
  // The name does not matter, the content does.
  longhand::io::write_file(folder / "no-suffix", bytes(gzip(two_by_three)));
  CHECK(read_idx(folder / "no-suffix") == expected);

  // More than one step of growth and of compressed input.
  std::vector<std::uint8_t> noise(5'000'000);
  std::uint32_t state = 1;
  for (std::uint8_t& value : noise) {
    value = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  }
  const Tensor large = Tensor::of<std::uint8_t>({5000, 1000}, noise);
  longhand::io::write_file(folder / "large", bytes(gzip(text(encode_idx(large)))));
  CHECK(read_idx(folder / "large") == large);
}

TEST_CASE("idx: an empty data set is legal") {
  const Tensor none = Tensor::of<std::uint8_t>({0, 28, 28}, {});
  CHECK(read_idx(encode_idx(none), "none") == none);
}

TEST_CASE("idx: hostile files are refused by name") {
  const std::string gz = gzip(two_by_three);
  const std::string joined = gzip(two_by_three.substr(0, 7)) + gzip(two_by_three.substr(7));
  std::string bad_sum = gz;
  bad_sum[bad_sum.size() - 5] = static_cast<char>(bad_sum[bad_sum.size() - 5] ^ 1);
  std::string bad_data = gz;
  bad_data[10] = static_cast<char>(0x07);  // a block type that does not exist
  const std::vector<Hostile> corpus = {
      {"empty", "", "magic"},
      {"one byte", raw("\x00"), "magic"},
      {"cut magic", raw("\x00\x00\x08"), "magic"},
      {"all zeros", std::string(16, '\0'), "magic"},
      {"first bytes not zero", raw("\x01\x00\x08\x01\x00\x00\x00\x00"), "magic"},
      {"unknown type", raw("\x00\x00\x0a\x01\x00\x00\x00\x00"), "magic"},
      {"rank 0", raw("\x00\x00\x08\x00") + "a", "magic"},
      {"rank 5", raw("\x00\x00\x08\x05") + std::string(20, '\0'), "magic"},
      {"rank 255", raw("\x00\x00\x08\xff"), "magic"},
      {"cut shape", raw("\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00"), "shape"},
      {"2^64 elements", raw("\x00\x00\x08\x02") + std::string(8, '\xff') + "a", "data"},
      {"overflowing product", raw("\x00\x00\x0e\x03") + std::string(12, '\xff'), "shape"},
      {"product that wraps to 1",
       raw("\x00\x00\x08\x04\x80\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x01a"),
       "shape"},
      {"data one short", two_by_three.substr(0, two_by_three.size() - 1), "data"},
      {"data one long", two_by_three + "g", "data"},
      {"gzip header alone", raw("\x1f\x8b"), "gzip stream"},
      {"gzip cut in the middle", gz.substr(0, gz.size() / 2), "gzip stream"},
      {"gzip without its last byte", gz.substr(0, gz.size() - 1), "gzip stream"},
      {"second gzip stream without its last byte", joined.substr(0, joined.size() - 1),
       "gzip stream"},
      {"gzip with a wrong checksum", bad_sum, "gzip stream"},
      {"gzip with a broken block", bad_data, "gzip stream"},
      {"gzip, then rubbish", gz + "rubbish", "gzip stream"},
      {"gzip of nothing", gzip(""), "magic"},
      {"gzip of too little", gzip(two_by_three.substr(0, 14)), "data"},
      {"gzip of too much", gzip(two_by_three + "g"), "data"},
      {"small gzip that claims 4 TiB",
       gzip(raw("\x00\x00\x08\x02\x00\x10\x00\x00\x00\x40\x00\x00a")), "data"},
      {"gzip within gzip", gzip(gz), "magic"},
  };
  files::check_hostile(
      corpus, [](const Bytes& data, std::string_view name) { read_idx(data, name); },
      [](const std::filesystem::path& path) { read_idx(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_idx(path); });
  files::check_no_place(
      [](const std::filesystem::path& path) { write_idx(path, Tensor::of<float>({0}, {})); });
}

TEST_CASE("idx: the message is one sentence with file, field and expectation") {
  const std::string message =
      rejected<FormatError>([] { read_idx(bytes(std::string(8, '\0')), "a.gz"); }, "a.gz", "magic");
  CHECK(message ==
        "a.gz: magic is 0x00000000, expected 0x000008NN (unsigned bytes; or 09, 0b, 0c, 0d, 0e for "
        "other types) with NN = 01 to 04 dimensions");
}

TEST_CASE("idx: what the format cannot hold is not written") {
  const auto refuse = [](const Tensor& tensor, std::string_view field) {
    rejected<FormatError>([&] { encode_idx(tensor, "out"); }, "out", field);
  };
  refuse(Tensor::of<std::uint64_t>({0}, {}), "dtype");
  refuse(Tensor::of<float>({}, std::array<float, 1>{}), "shape");
  refuse(Tensor::of<float>({1, 1, 1, 1, 1}, std::array<float, 1>{}), "shape");
  refuse(Tensor::of<float>({0, std::uint64_t{1} << 32}, {}), "shape");
  refuse({Dtype::f32, {2}, Bytes(7)}, "data");
}
