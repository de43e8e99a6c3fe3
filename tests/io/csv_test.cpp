// SPDX-License-Identifier: MIT
#include "longhand/io/csv.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "files.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::Hostile;
using files::raw;
using files::rejected;
using files::text;
using longhand::io::CsvHeader;
using longhand::io::CsvOptions;
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

namespace {

/// What a file holds: the reader that tests trust, which knows numbers and commas alone.
Values plain_numbers(const std::string& content, bool header) {
  Values values;
  std::istringstream lines(content);
  std::string line, cell;
  for (bool first = true; std::getline(lines, line); first = false) {
    if (first && header) continue;
    std::istringstream cells(line);
    while (std::getline(cells, cell, ',')) values.push_back(std::strtod(cell.c_str(), nullptr));
  }
  return values;
}

struct Honest {
  const char* name;
  std::string content;
  bool header;
};

std::string grid(const std::string& head, int rows, int columns, double (*value)(int, int)) {
  std::ostringstream out;
  out << head;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) out << value(r, c) << (c + 1 < columns ? ',' : '\n');
  return out.str();
}

bool same_bits(const Values& a, const Values& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

bool mentions(const Names& notes, std::string_view words) {
  return std::ranges::any_of(notes, [&](const std::string& n) { return n.find(words) != n.npos; });
}

longhand::io::CsvContent table(std::string_view content, const CsvOptions& options = {}) {
  return longhand::io::read_table(bytes(content), "memory", options);
}

}  // namespace

TEST_CASE("csv: honest files are read to the last bit, by either reader") {
  const std::vector<Honest> files = {
      {"words above numbers", "age,height\n31,1.5\n40,1.75\n", true},
      {"names with digits", "x1,x2,x3\n1,2,3\n4,6,5\n", true},
      {"names that begin with a digit", "1stFlrSF,2ndFlrSF\n856,854\n1262,0\n", true},
      {"one letter each", "a,b,c\n0,1,2\n3,5,4\n", true},
      {"one named column", "x\n1\n2\n3\n", true},
      {"a named row number that is data", "id,x\n1,0.5\n2,0.25\n3,4\n4,1\n5,2\n6,1\n", true},
      {"a named row number from 0", "t,x\n0,0.5\n1,0.25\n2,4\n3,1\n4,2\n5,1\n", true},
      {"identifiers that are data", "user,item\n1001,7\n1002,7\n1003,9\n1004,8\n1005,1\n", true},
      {"years that are data", "year,rain\n1990,3.5\n1991,2.5\n1992,4\n1993,1\n1994,2\n", true},
      {"a column of one value", "a,b\n1,1\n1,2\n1,3\n", true},
      {"words and a year", "region,kind,2020\n1,2,3.5\n2,1,4.5\n4,4,5.5\n", true},
      {"words and years", "region,2019,2020,2021\n7,10,11,13\n9,20,23,21\n", true},
      {"a name that is a number, among words", "a,b,3,d\n1,2,3,4\n5,6,2,8\n", true},
      {"no header, decimals", "0.5,0.25\n0.75,1.5\n0.125,2\n", false},
      {"no header, one column", "3\n1\n2\n", false},
      {"no header, one column that counts", "1\n2\n3\n4\n5\n6\n", false},
      {"no header, one row", "0,1,2,3,4\n", false},
      {"no header, two rows", "0,1\n5,7\n", false},
      {"bits, a first row 0,1", "0,1\n1,1\n0,0\n1,0\n", false},
      {"bits, wide", "0,1,0,1,1\n1,1,0,0,1\n0,0,0,0,1\n", false},
      {"ones and twos", "1,2\n2,1\n1,1\n2,2\n", false},
      {"a first row that counts, as all do", "0,1,2,3\n4,5,6,7\n8,9,10,11\n", false},
      {"a first row that counts, among permutations",
       "1,2,3,4,5\n3,1,2,5,4\n5,4,3,2,1\n2,1,4,3,5\n", false},
      {"measurements sorted by time", "0,1,2,3\n0.1,1.1,2.1,3.1\n0.2,1.2,2.2,3.2\n", false},
      {"measurements that fall", "9,10,11,12\n8.5,9.5,10.5,11.5\n8.25,9.25,10.25,11.25\n", false},
      {"multiples", "1,2,3,4\n2,4,6,8\n3,6,9,12\n", false},
      {"a first row of whole numbers", "1,2,4\n0.5,0.5,3\n1.5,2.5,3.5\n", false},
      {"counts of things", "3,0,1,7,2\n0,0,4,1,1\n2,5,0,0,3\n", false},
      {"a row number as data, no header", "1,0.5\n2,0.25\n3,4\n4,1\n5,2\n6,1\n", false},
      {"years as rows", "1999,2000,2001\n2005,2006,2007\n2010,2011,2012\n", false},
      {"years as data, no header", "1990,3.5\n1991,2.5\n1992,4\n1993,1\n1994,2\n", false},
      {"exponents", "1e3,2e3\n1e-3,2e-3\n5e0,6e0\n", false},
      {"signs", "-1,0,1\n+2,-0,3\n-4,5,-6\n", false},
      {"infinities", "inf,1\n2,-inf\n3,4\n", false},
      {"equal steps, three columns", "10,20,30\n15,3,9\n11,40,2\n", false},
      {"a wide table",
       grid("", 12, 300, [](int r, int c) { return ((r * 7 + c * 13) % 101) / 8.0; }), false},
      {"a wide table with names",
       grid("p0,p1,p2,p3,p4\n", 40, 5, [](int r, int c) { return double((r * 31 + c * 17) % 16); }),
       true},
  };
  CHECK(files.size() >= 30);
  for (const Honest& file : files) {
    CAPTURE(file.name);
    const Values numbers = plain_numbers(file.content, file.header);
    CHECK(same_bits(parse(file.content).values, numbers));
    const auto content = table(file.content);
    CHECK(same_bits(content.table.values, numbers));
    CHECK(content.header == file.header);
  }
}

TEST_CASE(
    "csv: a first line of numbers is names where it counts and the lines below are unlike it") {
  const std::vector<std::pair<const char*, std::string>> files = {
      {"decimals below", "0,1\n0.5,0.25\n1.5,3.5\n0.75,1.0\n"},
      {"decimals below, from 1", "1,2,3\n0.5,0.25,1.0\n1.5,3.5,2.0\n0.75,1.0,9.5\n"},
      {"pixels below", grid("0,1,2,3,4,5,6,7,8,9\n", 20, 10,
                            [](int r, int c) { return double((r * 5 + c * 3) % 4); })},
      {"years above shares", "2019,2020,2021\n0.5,0.25,0.125\n0.75,0.5,0.0625\n"},
      {"wavelengths", "350,360,370,380,390,400,410,420\n" +
                          grid("", 5, 8, [](int r, int c) { return 0.01 * (r * 3 + c * 5 % 7); })},
      {"beside a nameless index", ",0,1,2\n0,5,6,9\n1,7,1,4\n2,3,2,2\n"},
  };
  for (const auto& file : files) {
    CAPTURE(file.first);
    const std::string& text = file.second;
    const auto content = table(text);
    CHECK(content.header);
    CHECK(mentions(content.notes, "header: yes; line 1 counts"));
    CHECK_FALSE(table(text, {.header = CsvHeader::absent, .index = "none"}).header);
  }
  // Where it may be data, it is, and the user hears of it.
  const auto doubtful = table("1,2,3,4,5\n3,1,2,5,4\n5,4,3,2,1\n");
  CHECK_FALSE(doubtful.header);
  CHECK(mentions(doubtful.notes, "header: no; line 1 counts 1, 2, 3, … but may be data"));
}

TEST_CASE("csv: a gap or a slip in the first line makes it no header") {
  for (const char* const gap : {"?", "NA", "null", "None", "N/A", "nan", ""}) {
    CAPTURE(gap);
    const auto content = table(std::string("1.5,") + gap + ",2.5\n3.5,4,5\n1,2,3\n");
    CHECK_FALSE(content.header);
    CHECK(std::isnan(content.table.values.at(1)));
  }
  for (const char* const slip : {"2..5", "1O.5", "1.5x", "x", "2024-01-01", "--1"}) {
    CAPTURE(slip);
    const std::string text = std::string("1.5,") + slip + ",2.5\n3.5,4.5,5.5\n1.0,2.0,3.0\n";
    rejected<FormatError>([&] { table(text); }, "memory", "line 1, column 2");
  }
  rejected<FormatError>([] { table("1.2.3\n1.5\n2.5\n"); }, "memory", "line 1, column 1");
  // A table of measurements whose last column is a word has no header either.
  rejected<FormatError>([] { table("5.5,3.5,blue\n4.5,3.0,red\n6.5,3.0,red\n"); }, "memory",
                        "line 1, column 3");
  CHECK(table("5.5,3.5,blue\n4.5,3.0,red\n6.5,3.0,red\n", {.labels = "3"}).labels ==
        Names{"blue", "red", "red"});
  const auto mixed = table("a,b,2020\n1,2,3\n2,1,3\n");
  CHECK(mixed.header);
  CHECK(mentions(mixed.notes, "header: yes; line 1 has 2 words and 1 number"));
}

TEST_CASE("csv: a column that numbers the rows is left out, or the user hears of it") {
  const std::string taken = "column 1 looks like a row number: left out, --index none keeps it";
  for (const char* const text : {",a,b\n0,1.5,2\n1,3.5,4\n2,5,6.5\n",  // pandas
                                 "\"\",\"a\",\"b\"\n\"1\",1.5,2\n\"2\",3.5,4\n\"3\",5,6.5\n",  // R
                                 "Unnamed: 0,a,b\n0,1.5,2\n1,3.5,4\n2,5,6.5\n",
                                 ",a,b\n17,1.5,2\n4,3.5,4\n9,5,6.5\n",  // shuffled
                                 ",a,b\nMazda,1.5,2\nFiat,3.5,4\nOpel,5,6.5\n"}) {
    CAPTURE(text);
    const auto content = table(text);
    CHECK(content.table.columns == Names{"a", "b"});
    CHECK(content.table.values == Values{1.5, 2, 3.5, 4, 5, 6.5});
    CHECK(mentions(content.notes, taken));
  }
  CHECK(table(",a\n0,1.5\n1,3.5\n", {.index = "none"}).table.columns == Names{"", "a"});
  CHECK(table(",a\n0.5,1.5\n0.25,3.5\n").table.columns == Names{"", "a"});
  const auto kept = table("id,a\n1,4\n2,2\n3,9\n4,1\n5,5\n");
  CHECK(kept.table.columns == Names{"id", "a"});
  CHECK(mentions(kept.notes, "column 1, \"id\", counts the rows: read as data, --index id"));
  CHECK(table("id,a\n1,4\n2,2\n", {.index = "id"}).table.columns == Names{"a"});
  CHECK(table("1,4.5\n2,2.5\n", {.index = "1"}).table.values == Values{4.5, 2.5});
  CHECK(table("year,a\n1990,4\n1991,2\n1992,9\n1993,1\n1994,5\n").notes.empty());
}

TEST_CASE("csv: columns by name") {
  const std::string text = "a,when,b,kind\n1,mon,2,x\n3,tue,4,y\n";
  CHECK(table(text, {.columns = {"b", "a"}}).table.values == Values{2, 1, 4, 3});
  CHECK(table(text, {.drop = {"when", "kind"}}).table.values == Values{1, 2, 3, 4});
  const auto labelled = table(text, {.drop = {"when"}, .labels = "kind"});
  CHECK(labelled.labels == Names{"x", "y"});
  CHECK(labelled.table.columns == Names{"a", "b"});
  rejected<FormatError>([&] { table(text, {.columns = {"c"}}); }, "memory", "column \"c\"");
  rejected<FormatError>([&] { table(text, {.drop = {"9"}}); }, "memory", "column \"9\"");
  rejected<FormatError>([&] { table(text, {.columns = {"a", "a"}}); }, "memory", "column \"a\"");
  rejected<FormatError>([&] { table("a\n1\n", {.drop = {"a"}}); }, "memory", "line 1");
}

TEST_CASE("csv: the columns of a model") {
  const CsvOptions model{.wanted = {"p", "q"}};
  CHECK(table("q,p\n1,2\n3,4\n", model).table.values == Values{2, 1, 4, 3});
  CHECK(table("q,p\n1,2\n3,4\n", model).notes.empty());
  const auto more = table("q,note,p\n1,hot,2\n3,cold,4\n", model);
  CHECK(more.table.columns == Names{"p", "q"});
  CHECK(more.table.values == Values{2, 1, 4, 3});
  CHECK(mentions(more.notes, "column \"note\" is ignored: the model does not have it"));
  rejected<FormatError>([&] { table("p,r\n1,2\n", model); }, "memory", "column \"q\"");
  const auto plain = table("1.5,2\n3,4\n", model);
  CHECK(plain.table.columns == Names{"p", "q"});
  CHECK(
      mentions(plain.notes, "has no header: its columns are taken in their order as \"p\", \"q\""));
  rejected<FormatError>([&] { table("1,2,3\n", model); }, "memory", "line 1");
  // Names that look like numbers are known again.
  CHECK(table("1,0\n5,6\n", {.wanted = {"0", "1"}}).table.values == Values{6, 5});
}

TEST_CASE("csv: names are text that a terminal can show") {
  rejected<FormatError>([] { table("a\x1b[31m,b\n1,2\n"); }, "memory", "line 1, column 1");
  const auto latin = table(
      "Gr\xf6\xdf"
      "e,b\n1,2\n");
  CHECK(latin.table.columns.front() == "Gr\u00f6\u00dfe");
  CHECK(mentions(latin.notes, "Latin-1"));
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
      {"semicolons and commas in numbers", "a;b\n1,2,3;4\n", "line 2, column 1"},
      {"hexadecimal", "a\n0x10\n", "line 2, column 1"},
      {"two signs", "a\n+-1\n", "line 2, column 1"},
      {"a lone sign", "a\n+\n", "line 2, column 1"},
      {"decimal comma", "a\n\"1,5\"\n", "line 2, column 1"},
      {"out of range", "1\n1e999\n", "line 2, column 1"},
      {"open quote", "a,b\n1,\"2\n", "line 2, column 2"},
      {"text after a quote", "a,b\n1,\"2\"3\n", "line 2, column 2"},
      {"name twice", "a,b,a\n1,2,3\n", "line 1, column 3"},
      {"NUL bytes", "a\n" + raw("1\0002") + "\n", "line 2, column 1"},
      {"binary", raw("\x93NUMPY\x01\x00\n\xff\xfe"), "line 1, column 1"},
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
  CHECK(message("a,b\n1;2\n", "line 2, column 2").ends_with("not by semicolons"));
  CHECK(message("a\tb,c\n1,2\n", "line 1, column 1").ends_with("columns separated by commas"));
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
