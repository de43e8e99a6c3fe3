// SPDX-License-Identifier: MIT
#include "longhand/io/csv.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

#include "files.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::Hostile;
using files::raw;
using files::rejected;
using files::text;
using longhand::io::CsvHeader;
using longhand::io::encode_csv;
using longhand::io::FormatError;
using longhand::io::read_csv;
using longhand::io::Table;
using longhand::io::write_csv;
using Names = std::vector<std::string>;
using Values = std::vector<double>;

namespace {

Table parse(std::string_view content, CsvHeader header = CsvHeader::detect) {
  return read_csv(bytes(content), "memory", header);
}

}  // namespace

TEST_CASE("csv: with and without a header") {
  const Table named = parse("age,height\n1,2.5\n-3e2,+4\n");
  CHECK(named.columns == Names{"age", "height"});
  CHECK(named.values == Values{1, 2.5, -300, 4});
  CHECK(named.rows() == 2);

  const Table plain = parse("1,2.5\n-3e2,4");
  CHECK(plain.columns == Names{"1", "2"});
  CHECK(plain.values == Values{1, 2.5, -300, 4});

  CHECK(parse("1,2\n3,4\n", CsvHeader::present).columns == Names{"1", "2"});
  CHECK(parse("1,2\n3,4\n", CsvHeader::present).values == Values{3, 4});
  rejected<FormatError>([] { parse("a,b\n3,4\n", CsvHeader::absent); }, "memory",
                        "line 1, column 1");

  CHECK(parse("a,b").rows() == 0);
  CHECK(parse("7").values == Values{7});
}

TEST_CASE("csv: missing, infinite and extreme numbers") {
  const Table table = parse("a,b,c,d\n,nan,NA,NaN\ninf,-inf,1e308,4.9e-324\n");
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::isnan(table.values[i]));
  CHECK(table.values[4] == std::numeric_limits<double>::infinity());
  CHECK(table.values[5] == -std::numeric_limits<double>::infinity());
  CHECK(table.values[6] == 1e308);
  CHECK(table.values[7] == std::numeric_limits<double>::denorm_min());
  // A first row of numbers with a gap is still a row of numbers.
  CHECK(parse("1,NA,\n2,3,4\n").rows() == 2);
}

TEST_CASE("csv: line ends, spaces, quotes and a byte order mark") {
  const Table table =
      parse("\xef\xbb\xbf\"x, y\" ,\t\"say \"\"hi\"\"\",z\r\n 1 , \"2\",3\t\r\n\r\n\n");
  CHECK(table.columns == Names{"x, y", "say \"hi\"", "z"});
  CHECK(table.values == Values{1, 2, 3});
  const Names marked = {"\xef\xbb\xbfmark"};
  CHECK(read_csv(encode_csv(marked, std::span<const double>()), "marked").columns == marked);
  // Quotes mark names, even those that look like numbers.
  CHECK(parse("\"0\",\"1\"\n5,6\n").columns == Names{"0", "1"});
}

TEST_CASE("csv: golden text, and numbers come back to the last bit") {
  const Names names = {"a", "b,c", "7", ""};
  const std::array<double, 8> values = {0.1,
                                        -0.0,
                                        1e300,
                                        5,
                                        std::numeric_limits<double>::denorm_min(),
                                        1.0 / 3,
                                        -std::numeric_limits<double>::infinity(),
                                        1e-5};
  const Bytes golden = encode_csv(names, values);
  CHECK(text(golden) ==
        "a,\"b,c\",\"7\",\"\"\n"
        "0.1,-0,1e+300,5\n"
        "5e-324,0.3333333333333333,-inf,1e-05\n");
  const Table back = read_csv(golden, "golden");
  CHECK(back.columns == names);
  CHECK(std::memcmp(back.values.data(), values.data(), sizeof(values)) == 0);

  const std::array<float, 2> floats = {0.1f, -std::numeric_limits<float>::quiet_NaN()};
  CHECK(text(encode_csv(Names{"x"}, floats)) == "x\n0.1\nnan\n");

  const Folder folder;
  write_csv(folder / "file", names, values);
  CHECK(read_csv(folder / "file").columns == names);
  write_csv(folder / "file", Names{"x"}, floats);
  CHECK(std::isnan(read_csv(folder / "file").values[1]));
}

TEST_CASE("csv: hostile files are refused by line and column") {
  const std::vector<Hostile> corpus = {
      {"empty", "", "line 1"},
      {"only line ends", "\r\n\n", "line 1"},
      {"only a byte order mark", "\xef\xbb\xbf", "line 1"},
      {"empty line inside", "1\n\n2\n", "line 2"},
      {"line ends of old Macs", "a,b\r1,2\r3,4\r", "line 1"},
      {"row too short", "a,b\n1,2\n3\n", "line 3, column 2"},
      {"row too long", "a,b\n1,2\n3,4,5\n", "line 3, column 3"},
      {"comma at the end", "1,2\n3,4,\n", "line 2, column 3"},
      {"a word", "a,b\n1,2\n3,four\n", "line 3, column 2"},
      {"a number with a tail", "1,2\n3,4x\n", "line 2, column 2"},
      {"two numbers in a field", "1,2\n3,4 5\n", "line 2, column 2"},
      {"semicolons", "a;b\n1;2\n", "line 2, column 1"},
      {"hexadecimal", "a\n0x10\n", "line 2, column 1"},
      {"two signs", "a\n+-1\n", "line 2, column 1"},
      {"a lone sign", "a\n+\n", "line 2, column 1"},
      {"decimal comma", "a\n\"1,5\"\n", "line 2, column 1"},
      {"out of range", "1\n1e999\n", "line 2, column 1"},
      {"open quote", "a,b\n1,\"2\n", "line 2, column 2"},
      {"text after a quote", "a,b\n1,\"2\"3\n", "line 2, column 2"},
      {"name twice", "a,b,a\n1,2,3\n", "line 1, column 3"},
      {"NUL bytes", "a\n" + raw("1\0002") + "\n", "line 2, column 1"},
      {"binary", raw("\x93NUMPY\x01\x00\n\xff\xfe"), "line 2, column 1"},
      {"a second header", "a,b\n1,2\na,b\n", "line 3, column 1"},
  };
  files::check_hostile(
      corpus, [](const Bytes& data, std::string_view name) { read_csv(data, name); },
      [](const std::filesystem::path& path) { read_csv(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_csv(path); });
  files::check_no_place([](const std::filesystem::path& path) {
    write_csv(path, Names{"a"}, std::span<const double>());
  });
}

TEST_CASE("csv: messages name cell and expectation") {
  const auto message = [](std::string_view content, std::string_view field) {
    return rejected<FormatError>([&] { parse(content); }, "memory", field);
  };
  CHECK(message("a,b\n1,four\n", "line 2, column 2") ==
        "memory: line 2, column 2 is \"four\", expected a number");
  CHECK(message("a,b\n1\n", "line 2, column 2") ==
        "memory: line 2, column 2 is missing: the row has 1 fields, expected 2");
}

TEST_CASE("csv: what would not read back is not written") {
  const std::array<double, 3> values{};
  const auto refuse = [&](const Names& names, std::string_view field) {
    rejected<FormatError>([&] { encode_csv(names, values, "out"); }, "out", field);
  };
  refuse({}, "values");
  refuse({"a", "b"}, "values");
  refuse({"a", "b", "a"}, "column name");
  refuse({"a", "b", "c\nd"}, "column name");
}
