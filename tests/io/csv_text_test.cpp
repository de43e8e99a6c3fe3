// SPDX-License-Identifier: MIT
// Tables as other programs write them: separators, decimal commas, encodings, gzip.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "deflated.hpp"
#include "files.hpp"
#include "longhand/io/csv.hpp"

using files::bytes;
using files::raw;
using files::rejected;
using longhand::io::CsvDialect;
using longhand::io::FormatError;
using longhand::io::read_table;
using longhand::io::Table;

namespace {

Table read(const std::string& text, const CsvDialect& dialect = {}) {
  return read_table(bytes(text), "x.csv", {.index = "none", .dialect = dialect}).table;
}

std::string utf16(const std::string& ascii, bool big) {
  std::string out;
  for (const char c : ascii) out += big ? std::string(1, '\0') + c : c + std::string(1, '\0');
  return out;
}

const std::vector<std::string> names = {"height", "width"};
const std::vector<double> values = {1.5, 2, -3.25, 4e3};

void check(const Table& table) {
  CHECK(table.columns == names);
  CHECK(table.values == values);
}

}  // namespace

TEST_CASE("csv: semicolons, tabs and decimal commas are recognised") {
  check(read("height,width\n1.5,2\n-3.25,4e3\n"));
  check(read("height;width\n1.5;2\n-3.25;4e3\n"));
  check(read("height;width\r\n1,5;2\r\n-3,25;4e3\r\n"));
  check(read("height\twidth\n1.5\t2\n-3.25\t4e3"));
  check(read("\"height\";\"width\"\n1,5;2\n-3,25;4,0e3\n"));
  check(read("height\twidth\n1,5\t2\n-3,25\t4000,0\n"));
  CHECK(read("1,5\t2,5\n3,5\t4,5\n").values == std::vector<double>{1.5, 2.5, 3.5, 4.5});
  // Commas with tabs around them stay commas, and a comma in a quoted name is no separator.
  CHECK(read("1,\t2\n3,\t4\n").values == std::vector<double>{1, 2, 3, 4});
  CHECK(read("\"a;b\",c\n1,2\n").columns == std::vector<std::string>{"a;b", "c"});
  CHECK(read("\"a,b\";c, d\n1;2\n").columns == std::vector<std::string>{"a,b", "c, d"});
  CHECK(std::isnan(read("a;b\n1,5;\n").values[1]));
}

TEST_CASE("csv: what is said stands above what is recognised") {
  CHECK(read("a;b,c\n1,2\n", {.separator = ','}).columns == std::vector<std::string>{"a;b", "c"});
  check(read("height;width\n1,5;2\n-3,25;4e3\n", {.separator = ';', .decimal = ','}));
  rejected<FormatError>([] { read("a;b\n1,5;2\n", {.decimal = '.'}); }, "x.csv",
                        "line 2, column 1");
  rejected<FormatError>([] { read("a,b\n1,5\n", {.decimal = ','}); }, "x.csv", "separator");
}

TEST_CASE("csv: mixed signs and thousands are refused, places are the file's") {
  rejected<FormatError>([] { read("a;b\n1,5;2.5\n"); }, "x.csv", "decimal sign");
  CHECK(rejected<FormatError>([] { read("a;b\n1;2\n3;1.234,5\n"); }, "x.csv", "line 3, column 2")
            .find("\"1.234,5\"") != std::string::npos);
  rejected<FormatError>([] { read("a;b\n1;2\n\n3;4\n"); }, "x.csv", "line 3");
  rejected<FormatError>([] { read("a;b\n1;2;3\n"); }, "x.csv", "line 2, column 3");
}

TEST_CASE("csv: UTF-16, Latin-1 and gzip are recognised") {
  const std::string text = "height,width\n1.5,2\n-3.25,4e3\n";
  for (const bool big : {false, true}) {
    CAPTURE(big);
    check(read((big ? "\xfe\xff" : "\xff\xfe") + utf16(text, big)));
    check(read(utf16(text, big)));
  }
  check(read(files::gzip(text)));
  check(read(files::gzip(text) + std::string(700, '\0')));
  check(read(files::gzip("\xff\xfe" + utf16("height\twidth\n1,5\t2\n-3,25\t4e3\n", false))));
  CHECK(read("Gr\xf6\xdf"
             "e,b\n1,2\n")
            .columns.front() == "Größe");
  CHECK(read("Größe,b\n1,2\n").columns.front() == "Größe");
  CHECK(read(raw("\xff\xfe\x3d\xd8\x00\xde,\0b\0\n\0001\0,\0002\0")).columns.front() == "😀");
  rejected<FormatError>([] { read("\xff\xfe" + utf16("1,2", false) + "3"); }, "x.csv", "text");
  rejected<FormatError>([] { read(raw("\xff\xfe\x3d\xd8,\0")); }, "x.csv", "text");
  rejected<FormatError>([&] { read(files::gzip(text).substr(0, 20)); }, "x.csv", "gzip stream");
}
