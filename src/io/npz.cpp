// SPDX-License-Identifier: MIT
#include "longhand/io/npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "longhand/io/error.hpp"
#include "message.hpp"
#include "parse_npy.hpp"
#include "source.hpp"

namespace longhand::io {
namespace {

// The format is PKWARE's APPNOTE: a directory at the end says where the members are. What NumPy
// writes is read, with the 64-bit extension; encryption and archives in several parts are not.

constexpr std::uint64_t most_members = 65535;
constexpr std::uint64_t most_directory = 64u << 20;
constexpr std::uint32_t moved = 0xffffffff;  ///< stands where a number needs 64 bits

/// Little-endian numbers of a record, one after the other.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const std::string& file, std::string_view field)
      : bytes_(bytes), file_(file), field_(field) {}

  std::span<const std::byte> bytes(std::uint64_t count) {
    if (count > bytes_.size()) throw FormatError(file_, field_, "is truncated, expected all of it");
    const std::span<const std::byte> taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const std::span<const std::byte> taken = bytes(size);
    for (std::size_t i = size; i-- > 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(taken[i]);
    return value;
  }
  void expect(std::uint32_t signature) {
    if (number(4) != signature)
      throw FormatError(file_, field_,
                        cat("does not begin with ", hex(signature, 8),
                            ", expected an archive as numpy.savez writes it"));
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::string_view field_;
};

struct Member {
  std::string name;  ///< as in the archive, "x.npy"
  std::uint64_t method = 0;
  std::uint64_t flags = 0;
  std::uint64_t checksum = 0;
  std::uint64_t compressed = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  ///< where its own header stands
};

std::vector<std::byte> take_at(SeekableSource& file, std::uint64_t position, std::uint64_t count,
                               std::string_view field) {
  if (position > file.size() || count > file.size() - position)
    throw FormatError(file.name(), field, "lies beyond the end of the file, expected it within");
  file.seek(position);
  return file.take(count, field);
}

/// Sizes and place of a member that need 64 bits stand in an extra field, those alone, in order.
void read_extra(Member& member, Fields extra) {
  while (!extra.empty()) {
    const std::uint64_t id = extra.number(2);
    const std::uint64_t length = extra.number(2);
    if (id != 1) {
      extra.bytes(length);
      continue;
    }
    for (std::uint64_t* number : {&member.size, &member.compressed, &member.header})
      if (*number == moved) *number = extra.number(8);
    return;
  }
}

struct Directory {
  std::uint64_t members = 0, size = 0, offset = 0;
};

/// The end of the archive, and with numbers that need 64 bits the record before it.
Directory find_directory(SeekableSource& file) {
  constexpr std::string_view field = "end of the archive";
  constexpr std::uint64_t record = 22, comment = 65535, locator = 20;
  const std::uint64_t length = std::min(file.size(), record + comment);
  const std::vector<std::byte> tail = take_at(file, file.size() - length, length, field);
  constexpr std::array<std::byte, 4> signature = {std::byte{'P'}, std::byte{'K'}, std::byte{5},
                                                  std::byte{6}};
  const auto found = std::find_end(tail.begin(), tail.end(), signature.begin(), signature.end());
  if (found == tail.end())
    throw FormatError(file.name(), field, "is missing, expected a zip archive (.npz)");
  const auto at = static_cast<std::uint64_t>(found - tail.begin());
  Fields end(std::span<const std::byte>(tail).subspan(at), file.name(), field);
  end.expect(0x06054b50);
  end.number(4);  // the numbers of two parts
  end.number(2);
  Directory directory;
  directory.members = end.number(2);
  directory.size = end.number(4);
  directory.offset = end.number(4);
  const std::uint64_t position = file.size() - length + at;
  if (directory.offset == moved || directory.size == moved || directory.members == 0xffff) {
    if (position < locator)
      throw FormatError(file.name(), field, "lacks its 64-bit part, expected it");
    const std::vector<std::byte> bytes = take_at(file, position - locator, locator, field);
    Fields where(bytes, file.name(), field);
    where.expect(0x07064b50);
    where.number(4);
    const std::vector<std::byte> wide = take_at(file, where.number(8), 56, field);
    Fields numbers(wide, file.name(), field);
    numbers.expect(0x06064b50);
    numbers.bytes(28);  // its size, versions, the numbers of parts, members in this part
    directory.members = numbers.number(8);
    directory.size = numbers.number(8);
    directory.offset = numbers.number(8);
  }
  if (directory.members > most_members || directory.size > most_directory)
    throw FormatError(file.name(), field,
                      cat("declares ", directory.members, " members, expected at most ",
                          most_members, " in ", most_directory, " bytes"));
  return directory;
}

std::vector<Member> members_of(SeekableSource& file) {
  constexpr std::string_view field = "directory";
  const Directory directory = find_directory(file);
  const std::vector<std::byte> bytes = take_at(file, directory.offset, directory.size, field);
  Fields record(bytes, file.name(), field);
  std::vector<Member> members;
  for (std::uint64_t i = 0; i < directory.members; ++i) {
    record.expect(0x02014b50);
    Member member;
    record.number(4);  // versions
    member.flags = record.number(2);
    member.method = record.number(2);
    record.number(4);  // time and date
    member.checksum = record.number(4);
    member.compressed = record.number(4);
    member.size = record.number(4);
    const std::uint64_t name = record.number(2), extra = record.number(2),
                        comment = record.number(2);
    record.number(8);  // part, attributes
    member.header = record.number(4);
    const std::span<const std::byte> text = record.bytes(name);
    member.name.assign(reinterpret_cast<const char*>(text.data()), text.size());
    read_extra(member, Fields(record.bytes(extra), file.name(), field));
    record.bytes(comment);
    if (member.name.ends_with(".npy")) members.push_back(std::move(member));
  }
  if (members.empty())
    throw FormatError(
        file.name(), field,
        "has no member that ends in .npy, expected arrays as numpy.savez writes them");
  return members;
}

std::string array_name(const Member& member) {
  return member.name.substr(0, member.name.size() - std::string_view(".npy").size());
}

/// A number of bytes of another source.
class Part final : public Source {
 public:
  Part(Source& whole, std::uint64_t count, std::string_view name)
      : Source(name), whole_(whole), remaining_(count) {}
  std::size_t read(std::span<std::byte> into) override {
    const auto wanted = std::min<std::uint64_t>(into.size(), remaining_);
    const std::size_t got = whole_.read(into.first(static_cast<std::size_t>(wanted)));
    remaining_ -= got;
    return got;
  }
  std::optional<std::uint64_t> remaining() const override { return remaining_; }

 private:
  Source& whole_;
  std::uint64_t remaining_;
};

/// The content of a member, whose checksum is right once its end was seen.
class Checked final : public Source {
 public:
  Checked(Source& content, std::uint64_t checksum, std::string_view name)
      : Source(name), content_(content), expected_(checksum) {}
  std::size_t read(std::span<std::byte> into) override {
    const std::size_t got = content_.read(into);
    if (got > 0)
      sum_ = ::crc32_z(sum_, reinterpret_cast<const Bytef*>(into.data()), got);
    else if (!into.empty() && sum_ != expected_)
      throw FormatError(
          name(), "checksum",
          cat("is ", hex(sum_, 8), ", expected ", hex(expected_, 8), ": the archive is damaged"));
    return got;
  }
  std::optional<std::uint64_t> remaining() const override { return content_.remaining(); }
  std::uint64_t most_remaining() const override { return content_.most_remaining(); }

 private:
  Source& content_;
  std::uint64_t expected_;
  uLong sum_ = ::crc32_z(0, nullptr, 0);
};

Tensor read_member(SeekableSource& file, const Member& member) {
  const std::string name = cat(file.name(), ":", array_name(member));
  constexpr std::string_view field = "member";
  constexpr std::uint64_t encrypted = 1, stored = 0, deflated = 8;
  if ((member.flags & encrypted) != 0)
    throw FormatError(name, field, "is encrypted, expected a plain archive");
  if (member.method != stored && member.method != deflated)
    throw FormatError(name, field,
                      cat("is compressed by method ", member.method,
                          ", expected 0 (stored) or 8 (deflate), as NumPy writes"));
  const std::vector<std::byte> bytes = take_at(file, member.header, 30, field);
  Fields header(bytes, file.name(), field);
  header.expect(0x04034b50);
  header.bytes(22);  // again what the directory says
  const std::uint64_t before = header.number(2) + header.number(2);
  const std::uint64_t start = member.header + 30 + before;
  if (start > file.size() || member.compressed > file.size() - start)
    throw FormatError(name, field, "lies beyond the end of the file, expected it within");
  file.seek(start);
  Part part(file, member.compressed, name);
  std::unique_ptr<GunzipSource> plain;
  if (member.method == deflated)
    plain = std::make_unique<GunzipSource>(part, std::span<const std::byte>(),
                                           GunzipSource::Format::deflate);
  Checked content(plain ? static_cast<Source&>(*plain) : part, member.checksum, name);
  return parse_npy(content);
}

std::string listed(const std::vector<Member>& members) {
  constexpr std::size_t most = 16;
  std::string out;
  for (std::size_t i = 0; i < std::min(members.size(), most); ++i)
    out += (i > 0 ? ", " : "") + shown(array_name(members[i]));
  return members.size() > most ? cat(out, " and ", members.size() - most, " more") : out;
}

Tensor read(SeekableSource& file, std::string_view array) {
  const std::vector<Member> members = members_of(file);
  if (array.empty() && members.size() == 1) return read_member(file, members.front());
  if (array.empty())
    throw FormatError(
        file.name(), "archive",
        cat("has the arrays ", listed(members), ", expected the name of one of them"));
  const auto found = std::ranges::find(members, array, array_name);
  if (found == members.end())
    throw FormatError(file.name(), "archive",
                      cat("has no array ", shown(array), ", expected one of ", listed(members)));
  return read_member(file, *found);
}

std::vector<std::string> names(SeekableSource& file) {
  std::vector<std::string> all;
  for (const Member& member : members_of(file)) all.push_back(array_name(member));
  return all;
}

}  // namespace

std::vector<std::string> npz_names(const std::filesystem::path& path) {
  FileSource source(path);
  return names(source);
}

std::vector<std::string> npz_names(std::span<const std::byte> bytes, std::string_view name) {
  MemorySource source(bytes, name);
  return names(source);
}

Tensor read_npz(const std::filesystem::path& path, std::string_view array) {
  FileSource source(path);
  return read(source, array);
}

Tensor read_npz(std::span<const std::byte> bytes, std::string_view name, std::string_view array) {
  MemorySource source(bytes, name);
  return read(source, array);
}

}  // namespace longhand::io
