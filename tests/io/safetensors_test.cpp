// SPDX-License-Identifier: MIT
#include "longhand/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

#include "files.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::Hostile;
using files::raw;
using files::rejected;
using files::text;
using longhand::io::data_checksum;
using longhand::io::Dtype;
using longhand::io::encode_safetensors;
using longhand::io::FormatError;
using longhand::io::read_safetensors;
using longhand::io::Safetensors;
using longhand::io::Tensor;
using longhand::io::write_safetensors;

namespace {

std::string little_endian(std::uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// A file with this header, its true length, and data.
std::string file(std::string_view header, std::string_view data = {}) {
  return little_endian(header.size()) + std::string(header) + std::string(data);
}

/// A file whose only tensor "w" is described by this object.
std::string one(std::string_view entry, std::size_t data) {
  return file("{\"w\":" + std::string(entry) + "}", std::string(data, 'x'));
}

Safetensors parse(std::string_view content) { return read_safetensors(bytes(content), "memory"); }

Safetensors example() {
  Safetensors content;
  content.tensors["b"] = Tensor::of<float>({2}, std::array<float, 2>{1.0f, -2.0f});
  content.tensors["a"] = Tensor::of<float>({1, 1}, std::array<float, 1>{0.5f});
  content.tensors["n"] = Tensor::of<std::int64_t>({}, std::array<std::int64_t, 1>{7});
  content.metadata = {{"longhand", "{\"format\":1}"}};
  return content;
}

const std::string example_header = R"({"__metadata__":{"longhand":"{\"format\":1}"},)"
                                   R"("n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                                   R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
                                   R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})";
const std::string example_data = raw("\x07\x00\x00\x00\x00\x00\x00\x00")  // 7
                                 + raw("\x00\x00\x00\x3f")                // 0.5
                                 + raw("\x00\x00\x80\x3f\x00\x00\x00\xc0");

}  // namespace

TEST_CASE("safetensors: golden bytes are written and read") {
  std::string padded = example_header;
  while (padded.size() % 8 != 0) padded += ' ';
  const std::string golden = file(padded, example_data);
  CHECK(text(encode_safetensors(example())) == golden);
  CHECK(parse(golden) == example());
  CHECK(text(encode_safetensors({})) == raw("\x08\x00\x00\x00\x00\x00\x00\x00{}      "));
}

TEST_CASE("safetensors: every type, scalars, empty tensors and odd names survive a file") {
  Safetensors content;
  for (int i = 0; i <= static_cast<int>(Dtype::u64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const std::size_t size = longhand::io::dtype_size(dtype);
    Bytes data(6 * size);
    for (std::size_t k = 0; k < data.size(); ++k) data[k] = static_cast<std::byte>(k + size);
    content.tensors[std::string(dtype_name(dtype))] = {dtype, {2, 3}, data};
  }
  content.tensors["scalar"] = Tensor::of<double>({}, std::array<double, 1>{1e300});
  content.tensors["none"] = Tensor::of<float>({0, 7}, {});
  content.tensors["also none"] = Tensor::of<std::uint8_t>({0}, {});
  content.tensors[""] = Tensor::of<float>({1}, std::array<float, 1>{3});
  content.tensors["../潜在/\"z\"\n\\"] = Tensor::of<float>({1}, std::array<float, 1>{4});
  content.metadata = {{"", "empty key"}, {"key", ""}, {"ключ", "\t\"\\"}};
  const Folder folder;
  write_safetensors(folder / "file", content);
  CHECK(read_safetensors(folder / "file") == content);
  CHECK(folder.entries() == 1);
  CHECK(encode_safetensors(content) == encode_safetensors(read_safetensors(folder / "file")));
}

TEST_CASE("safetensors: foreign files in other orders and without alignment") {
  // A header of odd length, keys and tensors in any order, spaces, data at an odd offset.
  const std::string foreign = file(
      "{ \"b\" : { \"shape\" : [ 1 ], \"data_offsets\" : [ 1, 5 ], \"dtype\" : \"F32\" } ,\n"
      "\"a\":{\"data_offsets\":[0,1],\"dtype\":\"U8\",\"shape\":[1]},"
      "\"e\":{\"data_offsets\":[1,1],\"dtype\":\"F64\",\"shape\":[3,0]},\"__metadata__\":{}}  ",
      raw("\x09\x00\x00\x80\x3f"));
  const Safetensors content = parse(foreign);
  CHECK(content.tensors.size() == 3);
  CHECK(content.tensors.at("b").as<float>() == std::vector<float>{1.0f});
  CHECK(content.tensors.at("a").as<std::int64_t>() == std::vector<std::int64_t>{9});
  CHECK(content.tensors.at("e").shape == std::vector<std::uint64_t>{3, 0});
  CHECK(parse(file("{}")) == Safetensors{});
}

TEST_CASE("safetensors: the checksum is that of the data section, in any file order") {
  // zlib.crc32 in Python over the golden data section above.
  CHECK(data_checksum(example().tensors) == 0xb9bccb22u);
  CHECK(data_checksum({}) == 0);
  const std::string reordered =
      file(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
           R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
           R"("e":{"dtype":"F32","shape":[0],"data_offsets":[12,12]},)"
           R"("n":{"dtype":"I64","shape":[],"data_offsets":[12,20]}})",
           example_data.substr(12) + example_data.substr(8, 4) + example_data.substr(0, 8));
  CHECK(data_checksum(parse(reordered).tensors) == data_checksum(example().tensors));
  Safetensors changed = example();
  changed.tensors["a"].data[0] ^= std::byte{1};
  CHECK(data_checksum(changed.tensors) != data_checksum(example().tensors));
}

TEST_CASE("safetensors: hostile files are refused by name") {
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const auto two = [](std::string_view first, std::string_view second, std::size_t data) {
    return file(R"({"a":{"dtype":"U8","shape":)" + std::string(first) +
                    R"(},"b":{"dtype":"U8","shape":)" + std::string(second) + "}}",
                std::string(data, 'x'));
  };
  REQUIRE(parse(one(entry, 8)).tensors.size() == 1);
  const std::vector<Hostile> corpus = {
      {"empty", "", "header length"},
      {"seven bytes", std::string(7, '\0'), "header length"},
      {"header of 0 bytes", std::string(8, '\0'), "header"},
      {"header longer than the file", little_endian(100) + "{}", "header"},
      {"a file of torch.save", "PK\x03\x04" + std::string(60, '\b'), "magic"},
      {"a pickle", "\x80\x02}q" + std::string(60, '.'), "magic"},
      {"a short pickle", raw("\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00") + "}.", "magic"},
      {"a web page", "<!DOCTYPE html>\n<html></html>", "magic"},
      {"a web page without its type", "<html><body></body></html>", "magic"},
      {"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "magic"},
      {"an HDF5 file", "\x89HDF\r\n\x1a\n" + std::string(60, '\1'), "magic"},
      {"header just above 100 MB", little_endian(100'000'001) + "{}", "header length"},
      {"header of 2^64 - 1", std::string(8, '\xff') + "{}", "header length"},
      {"header of 2^64 - 8", little_endian(~std::uint64_t{7}) + "{}", "header length"},
      {"header length one short", little_endian(1) + "{}", "header"},
      {"space before the header", file(" {}"), "header"},
      {"byte order mark", file("\xef\xbb\xbf{}"), "header"},
      {"a list", file("[]"), "header"},
      {"cut JSON", file("{\"w\":"), "header"},
      {"text after the object", file("{}{}"), "header"},
      {"NUL after the object", file(raw("{}\0{}")), "header"},
      {"NUL padding", file(raw("{}\0\0\0\0\0\0")), "header"},
      {"comment", file("{/*x*/}"), "header"},
      {"comma at the end", file("{\"w\":" + entry + ",}", std::string(8, 'x')), "header"},
      {"not UTF-8", file("{\"\xff\":" + entry + "}", std::string(8, 'x')), "header"},
      {"lone surrogate", file(R"({"\ud800":)" + entry + "}", std::string(8, 'x')), "header"},
      {"deep nesting", file("{\"w\":" + std::string(100'000, '[')), "\"w\""},
      {"deep objects", file([] {
         std::string deep = "{";
         for (int i = 0; i < 100'000; ++i) deep += "\"w\":{";
         return deep;
       }()),
       "\"w\""},
      {"tensor twice", file("{\"w\":" + entry + ",\"w\":" + entry + "}", std::string(8, 'x')),
       "\"w\""},
      {"tensor twice, once escaped",
       file("{\"w\":" + entry + ",\"\\u0077\":" + entry + "}", std::string(8, 'x')), "\"w\""},
      {"metadata twice", file(R"({"__metadata__":{},"__metadata__":{}})"), "\"__metadata__\""},
      {"metadata key twice", file(R"({"__metadata__":{"k":"1","k":"2"}})"), "__metadata__ \"k\""},
      {"metadata number", file(R"({"__metadata__":{"k":1}})"), "__metadata__ \"k\""},
      {"metadata object", file(R"({"__metadata__":{"k":{}}})"), "__metadata__ \"k\""},
      {"metadata null", file(R"({"__metadata__":null})"), "\"__metadata__\""},
      {"tensor is a number", one("3", 0), "\"w\""},
      {"tensor is a string", one("\"F32\"", 0), "\"w\""},
      {"tensor is true", one("true", 0), "\"w\""},
      {"no dtype", one(R"({"shape":[2],"data_offsets":[0,8]})", 8), "\"w\""},
      {"no shape", one(R"({"dtype":"F32","data_offsets":[0,8]})", 8), "\"w\""},
      {"no offsets", one(R"({"dtype":"F32","shape":[2]})", 8), "\"w\""},
      {"one offset", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8]})", 8), "\"w\""},
      {"three offsets", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", 8), "\"w\""},
      {"unknown key", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]})", 8),
       "\"w\""},
      {"dtype twice", one(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})", 8),
       "\"w\" dtype"},
      {"shape twice", one(R"({"shape":[2],"shape":[2],"dtype":"F32","data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"unknown dtype", one(R"({"dtype":"F31","shape":[2],"data_offsets":[0,8]})", 8),
       "\"w\" dtype"},
      {"dtype in small letters", one(R"({"dtype":"f32","shape":[2],"data_offsets":[0,8]})", 8),
       "\"w\" dtype"},
      {"dtype is a number", one(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})", 8),
       "\"w\" dtype"},
      {"dtype is a list", one(R"({"dtype":["F32"],"shape":[2],"data_offsets":[0,8]})", 8),
       "\"w\" dtype"},
      {"shape is a number", one(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"shape is null", one(R"({"dtype":"F32","shape":null,"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"negative dimension", one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"fractional dimension", one(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"dimension is a string", one(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"nested shape", one(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"dimension of 2^64",
       one(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]})", 8),
       "\"w\" shape"},
      {"offset of 1e999", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,1e999]})", 8),
       "header"},
      {"shape overflows",
       one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})", 8),
       "\"w\" data_offsets"},
      {"shape wraps to 8 bytes",
       one(R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})", 8),
       "\"w\" data_offsets"},
      {"shape wraps, then 0",
       one(R"({"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})", 0),
       "\"w\" data_offsets"},
      {"shape smaller than the data", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})", 8),
       "\"w\" data_offsets"},
      {"shape larger than the data", one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8),
       "\"w\" data_offsets"},
      {"offsets reversed", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", 8),
       "\"w\" data_offsets"},
      {"end before begin", two(R"([2],"data_offsets":[0,2])", R"([0],"data_offsets":[2,1])", 2),
       "\"b\" data_offsets"},
      {"exabytes of data",
       one(R"({"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,1152921504606846976]})",
           8),
       "\"w\" data"},
      {"hole at the start", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,16]})", 16),
       "\"w\" data_offsets"},
      {"hole between", two(R"([2],"data_offsets":[0,2])", R"([2],"data_offsets":[3,5])", 5),
       "\"b\" data_offsets"},
      {"overlap", two(R"([2],"data_offsets":[0,2])", R"([2],"data_offsets":[1,3])", 3),
       "\"b\" data_offsets"},
      {"two tensors on the same bytes",
       two(R"([2],"data_offsets":[0,2])", R"([2],"data_offsets":[0,2])", 2), "\"b\" data_offsets"},
      {"data one short", one(entry, 7), "\"w\" data"},
      {"no data", one(entry, 0), "\"w\" data"},
      {"data one long", one(entry, 9), "data section"},
      {"data without tensors", file("{}", "x"), "data section"},
  };
  files::check_hostile(
      corpus, [](const Bytes& data, std::string_view name) { read_safetensors(data, name); },
      [](const std::filesystem::path& path) { read_safetensors(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_safetensors(path); });
  files::check_no_place(
      [](const std::filesystem::path& path) { write_safetensors(path, example()); });
}

TEST_CASE("safetensors: messages name tensor, part and expectation") {
  const auto message = [](const std::string& content, std::string_view field) {
    return rejected<FormatError>([&] { parse(content); }, "memory", field);
  };
  CHECK(message(one(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", 12),
                "\"w\" data_offsets") ==
        "memory: \"w\" data_offsets are [4,12], expected to begin at 0 (hole)");
  CHECK(message(one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})", 8), "\"w\" shape") ==
        "memory: \"w\" shape holds a fraction or too large a number, expected integers from 0 to "
        "2^64 - 1");
  CHECK(message(one(R"({"dtype":7})", 0), "\"w\" dtype") ==
        "memory: \"w\" dtype is a number, expected a string");
}

TEST_CASE("safetensors: what the format cannot hold is not written, and the old file stays") {
  const Folder folder;
  const std::filesystem::path path = folder / "model";
  write_safetensors(path, example());
  const auto refuse = [&](const Safetensors& content, std::string_view field) {
    rejected<FormatError>([&] { write_safetensors(path, content); }, path.string(), field);
    CHECK(read_safetensors(path) == example());
    CHECK(folder.entries() == 1);
  };
  const Tensor fine = Tensor::of<float>({0}, {});
  refuse({{{"w", {Dtype::f32, {2}, Bytes(7)}}}, {}}, "\"w\" data");
  refuse({{{"__metadata__", fine}}, {}}, "\"__metadata__\"");
  refuse({{{"\xff", fine}}, {}}, "header");
  refuse({{{"w", fine}}, {{"k", "\xc3("}}}, "header");
}

TEST_CASE("safetensors: the reference reads ours, writes the same bytes, and we read them") {
  const Folder folder;
  Safetensors content = example();
  for (const auto& [name, dtype] : {std::pair{"u8", Dtype::u8},
                                    {"bool", Dtype::boolean},
                                    {"i8", Dtype::i8},
                                    {"i16", Dtype::i16},
                                    {"u16", Dtype::u16},
                                    {"f16", Dtype::f16},
                                    {"i32", Dtype::i32},
                                    {"u32", Dtype::u32},
                                    {"f64", Dtype::f64},
                                    {"u64", Dtype::u64}}) {
    content.tensors[name] = {dtype, {1, 3}, Bytes(3 * longhand::io::dtype_size(dtype))};
  }
  content.tensors["none"] = Tensor::of<float>({0, 3}, {});
  write_safetensors(folder / "ours", content);
  if (!files::python(folder, "safetensors.numpy", R"(
import safetensors.numpy as st
from safetensors import safe_open
tensors = st.load_file('ours')
assert tensors['b'].tolist() == [1.0, -2.0] and tensors['b'].dtype == 'float32', tensors['b']
assert tensors['n'].tolist() == 7 and tensors['n'].shape == (), tensors['n']
assert len(tensors) == 14, len(tensors)
with safe_open('ours', 'np') as file:
    metadata = file.metadata()
assert metadata == {'longhand': '{"format":1}'}, metadata
st.save_file(tensors, 'theirs', metadata)
)")) {
    return;
  }
  CHECK(longhand::io::read_file(folder / "theirs") == longhand::io::read_file(folder / "ours"));
  CHECK(read_safetensors(folder / "theirs") == content);
}
