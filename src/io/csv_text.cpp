// SPDX-License-Identifier: MIT
#include "csv_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "longhand/io/error.hpp"
#include "message.hpp"
#include "source.hpp"

namespace longhand::io {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string unpacked(std::span<const std::byte> bytes, std::string_view file) {
  MemorySource source(bytes, file);
  GunzipSource plain(source, {});
  std::string text;
  std::vector<std::byte> part(1 << 16);
  for (std::size_t got = plain.read(part); got > 0; got = plain.read(part))
    text += as_text(std::span(part).first(got));
  return text;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c >= 0x10000) {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
  } else if (c >= 0x800) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
  } else {
    put(0xc0 | c >> 6);
  }
  put(0x80 | (c & 0x3f));
}

/// UTF-16 is recognised by its mark, or by every other byte of the beginning being 0: in no other
/// encoding of a table is there a 0.
std::optional<bool> utf16_is_big(std::string_view text) {
  if (text.starts_with("\xff\xfe")) return false;
  if (text.starts_with("\xfe\xff")) return true;
  if (text.size() < 4 || text.size() % 2 != 0) return std::nullopt;
  const bool big = text[0] == '\0';
  for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 16); ++i)
    if ((text[i] == '\0') != ((i % 2 == 0) == big)) return std::nullopt;
  return big;
}

std::string from_utf16(std::string_view text, bool big, std::string_view file) {
  if (text.size() % 2 != 0)
    throw FormatError(file, "text",
                      "is UTF-16 with half a character at its end, expected all of it");
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(text[i]), b = static_cast<unsigned char>(text[i + 1]);
    return static_cast<std::uint32_t>(big ? a << 8 | b : b << 8 | a);
  };
  const auto half = [](std::uint32_t c, std::uint32_t from) {
    return c >= from && c < from + 0x400;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    std::uint32_t c = unit(i);
    if (half(c, 0xd800) && i + 2 < text.size() && half(unit(i + 2), 0xdc00)) {
      c = 0x10000 + ((c - 0xd800) << 10) + (unit(i + 2) - 0xdc00);
      i += 2;
    } else if (half(c, 0xd800) || half(c, 0xdc00)) {
      throw FormatError(
          file, "text",
          cat("is UTF-16 with half a character at byte ", i, ", expected both halves"));
    }
    append_utf8(out, c);
  }
  return out;
}

bool is_utf8(std::string_view text) {
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    // Nearly all of it is ASCII, and looked at by eights.
    for (std::uint64_t eight = 0; i + sizeof eight <= text.size(); i += sizeof eight) {
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080u) != 0) break;
    }
    if (i == text.size()) break;
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4) return false;
    for (int k = 0; k < more; ++k)
      if (!continues(++i)) return false;
  }
  return true;
}

std::string from_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

/// The fields of a line, as they stand between separators outside of quotes.
std::vector<std::string_view> fields_of(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] != separator || quoted) continue;
    fields.push_back(line.substr(start, i - start));
    start = i + 1;
  }
  fields.push_back(line.substr(start));
  return fields;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A number with this sign between its whole and its other digits, and that sign is there.
bool has_decimal(std::string_view field, char decimal) {
  field = trim(field);
  if (std::ranges::count(field, decimal) != 1) return false;
  std::string text(field);
  std::ranges::replace(text, decimal, '.');
  if (text.starts_with('+')) text.erase(0, 1);
  double ignored = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, ignored);
  return error == std::errc() && stop == end;
}

std::string_view line_at(std::string_view text, std::size_t start) {
  const std::string_view line =
      text.substr(start, std::min(text.find('\n', start), text.size()) - start);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// A semicolon in the first line separates, since no number has one. So does a tab without commas
/// beside it, or where all commas are then within numbers.
char separator_of(std::string_view line) {
  if (fields_of(line, ';').size() > 1) return ';';
  const std::vector<std::string_view> fields = fields_of(line, '\t');
  if (fields.size() < 2) return ',';
  const auto good = [](std::string_view field) {
    return !trim(field).empty() && (field.find(',') == field.npos || has_decimal(field, ','));
  };
  return std::ranges::all_of(fields, good) ? '\t' : ',';
}

}  // namespace

CsvText::CsvText(std::span<const std::byte> bytes, std::string_view file, const CsvDialect& dialect)
    : text_(as_text(bytes)) {
  const auto take = [&](std::string text) {
    own_ = std::move(text);
    text_ = own_;
  };
  if (text_.starts_with("\x1f\x8b")) take(unpacked(bytes, file));
  if (const std::optional<bool> big = utf16_is_big(text_))
    take(from_utf16(text_, *big, file));
  else if (latin1_ = !is_utf8(text_); latin1_)
    take(from_latin1(text_));

  std::string_view body = text_;
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
  const char separator =
      dialect.separator != 0 ? dialect.separator : separator_of(line_at(body, 0));
  if (dialect.decimal == ',' && separator == ',')
    throw FormatError(file, "separator", "is a comma as the decimal sign is, expected another");
  if (separator == ',') return;

  // A decimal comma is recognised where a number has one and none has a point.
  std::size_t points = 0, commas = 0;
  for (std::size_t at = 0; at < body.size() && dialect.decimal == 0;) {
    const std::string_view line = line_at(body, at);
    for (const std::string_view field : fields_of(line, separator)) {
      points += has_decimal(field, '.');
      commas += has_decimal(field, ',');
    }
    at = std::min(body.find('\n', at), body.size() - 1) + 1;
  }
  if (points > 0 && commas > 0)
    throw FormatError(file, "decimal sign",
                      "is a point in some numbers and a comma in others, expected one of them (or "
                      "--decimal)");
  const bool comma = dialect.decimal == ',' || commas > 0;
  std::string out;
  out.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    const std::string_view line = line_at(body, at);
    bool first = true;
    for (const std::string_view field : fields_of(line, separator)) {
      if (!first) out += ',';
      first = false;
      if (field.find(',') == field.npos || trim(field).starts_with('"')) {
        out += field;
      } else if (comma && has_decimal(field, ',')) {
        const std::size_t from = out.size();
        out += field;
        std::ranges::replace(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), ',', '.');
      } else {  // text with a comma in it
        out += '"';
        for (const char c : field) out.append(c == '"' ? 2 : 1, c);
        out += '"';
      }
    }
    const std::size_t end = std::min(body.find('\n', at), body.size());
    if (end > at + line.size()) out += '\r';
    if (end < body.size()) out += '\n';
    at = end + 1;
  }
  take(std::move(out));
}

}  // namespace longhand::io
