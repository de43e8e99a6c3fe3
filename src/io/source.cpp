// SPDX-License-Identifier: MIT
#include "source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

#include "longhand/io/error.hpp"
#include "message.hpp"

namespace longhand::io {
namespace {

constexpr std::uint64_t chunk = 1 << 20;

/// allocate(), with an error that names the field.
template <class Allocate>
void take_memory(std::uint64_t size, const std::string& name, std::string_view field,
                 const Allocate& allocate) {
  try {
    allocate();
  } catch (const std::bad_alloc&) {
    throw MemoryError(name, field, cat("needs ", size, " bytes, more memory than there is"));
  } catch (const std::length_error&) {
    throw MemoryError(name, field, cat("needs ", size, " bytes, more memory than there is"));
  }
}

}  // namespace

std::size_t Source::fill(std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::size_t got = read(into.subspan(filled));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

std::vector<std::byte> Source::take(std::uint64_t count, std::string_view field) {
  const auto truncated = [&](std::uint64_t there) {
    return FormatError(name(), field,
                       cat("is truncated: ", there, " bytes are left, expected ", count));
  };
  if (remaining() && *remaining() < count) throw truncated(*remaining());

  // Where the size is only declared, memory is used as it fills. It is set aside at once if so much
  // can come at all: growing would copy it, and hold it twice meanwhile.
  std::vector<std::byte> data;
  if (count <= most_remaining()) take_memory(count, name(), field, [&] { data.reserve(count); });
  std::uint64_t done = 0;
  while (done < count) {
    const std::uint64_t next = remaining() ? count : std::min(count, done + std::max(done, chunk));
    take_memory(next, name(), field, [&] { data.resize(next); });
    done += fill(std::span(data).subspan(done));
    if (done < next) throw truncated(done);
  }
  return data;
}

void Source::expect_end(std::string_view field) {
  std::array<std::byte, 1> extra;
  if (read(extra) != 0) {
    throw FormatError(name(), field, "is followed by more bytes, expected the end of the file");
  }
}

std::size_t MemorySource::read(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), bytes_.size());
  std::copy_n(bytes_.begin(), count, into.begin());
  bytes_ = bytes_.subspan(count);
  return count;
}

// O_NONBLOCK, so that a pipe without a writer is refused instead of waited for.
FileSource::FileSource(const std::filesystem::path& path)
    : SeekableSource(path.string()),
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  if (descriptor_ < 0) {
    throw FileError(name(), "file",
                    cat("cannot be opened (", std::generic_category().message(errno),
                        "), expected a readable file"));
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw FileError(name(), "file",
                    S_ISDIR(status.st_mode) ? "is a folder, expected a regular file"
                                            : "is a pipe or device, expected a regular file");
  }
  size_ = remaining_ = static_cast<std::uint64_t>(status.st_size);
}

void FileSource::seek(std::uint64_t position) {
  if (::lseek(descriptor_, static_cast<off_t>(position), SEEK_SET) < 0) {
    throw FileError(name(), "file",
                    cat("cannot be read (", std::generic_category().message(errno),
                        "), expected to reach byte ", position));
  }
  remaining_ = size_ - position;
}

FileSource::~FileSource() { ::close(descriptor_); }

std::size_t FileSource::read(std::span<std::byte> into) {
  // At most 1 GiB at once: Linux itself stops a little below 2 GiB.
  const std::size_t wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>({into.size(), remaining_, std::uint64_t{1} << 30}));
  if (wanted == 0) return 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, into.data(), wanted);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    throw FileError(name(), "file",
                    cat("cannot be read (", std::generic_category().message(errno), "), expected ",
                        remaining_, " more bytes"));
  }
  remaining_ -= static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

GunzipSource::GunzipSource(Source& compressed, std::span<const std::byte> first, Format format)
    : Source(compressed.name()), compressed_(compressed), format_(format) {
  std::copy(first.begin(), first.end(), input_.begin());
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(first.size());
  constexpr int gzip_only = 15 + 16, deflate_only = -15;
  if (::inflateInit2(&stream_, format == Format::gzip ? gzip_only : deflate_only) != Z_OK)
    throw std::bad_alloc();
}

GunzipSource::~GunzipSource() { ::inflateEnd(&stream_); }

std::uint64_t GunzipSource::most_remaining() const {
  constexpr std::uint64_t best_ratio = 1032;  // of deflate: 258 bytes for two bits
  const std::uint64_t compressed = compressed_.most_remaining() + stream_.avail_in;
  constexpr std::uint64_t window = 1 << 15;  // decompressed, not yet handed out
  return compressed > UINT64_MAX / best_ratio - window ? UINT64_MAX
                                                       : compressed * best_ratio + window;
}

std::size_t GunzipSource::read(std::span<std::byte> into) {
  const uInt wanted = static_cast<uInt>(std::min<std::size_t>(into.size(), chunk));
  if (wanted == 0 || (between_streams_ && format_ == Format::deflate)) return 0;
  const std::string_view field = format_ == Format::gzip ? "gzip stream" : "deflate stream";
  stream_.next_out = reinterpret_cast<Bytef*>(into.data());
  stream_.avail_out = wanted;
  while (stream_.avail_out == wanted) {
    if (stream_.avail_in == 0) {
      const std::size_t got = compressed_.read(input_);
      if (got == 0) {
        if (between_streams_) break;
        throw FormatError(name(), field, "ends early, expected more compressed data");
      }
      stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
      stream_.avail_in = static_cast<uInt>(got);
    }
    // tar and tapes fill the last block with zeros, which no gzip stream begins with.
    if (between_streams_ && *stream_.next_in == 0) {
      while (stream_.avail_in > 0 && *stream_.next_in == 0) ++stream_.next_in, --stream_.avail_in;
      if (stream_.avail_in == 0) continue;
      throw FormatError(name(), field, "is followed by zeros and other bytes, expected its end");
    }
    between_streams_ = false;
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      between_streams_ = true;
      if (format_ == Format::deflate) break;
      ::inflateReset(&stream_);
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw FormatError(name(), field,
                        cat("is damaged (", stream_.msg != nullptr ? stream_.msg : "no detail",
                            "), expected valid compressed data"));
    }
  }
  return wanted - stream_.avail_out;
}

}  // namespace longhand::io
