// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longhand::io {

/// Bytes that a parser consumes strictly in order, from a file, from memory or through gunzip.
/// Parsers ask for as many bytes as the file declares; only here is that held against the bytes
/// that are really there, and before memory is taken for them.
class Source {
 public:
  explicit Source(std::string_view name) : name_(name) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  const std::string& name() const noexcept { return name_; }

  /// Up to into.size() bytes; returns how many. 0 means the end.
  virtual std::size_t read(std::span<std::byte> into) = 0;
  /// How many bytes are left, where that can be known without reading them.
  virtual std::optional<std::uint64_t> remaining() const = 0;
  /// No more than this many are left.
  virtual std::uint64_t most_remaining() const { return *remaining(); }

  /// Exactly `count` bytes, or a FormatError that `field` is truncated.
  std::vector<std::byte> take(std::uint64_t count, std::string_view field);
  /// A FormatError that `field` is followed by something, unless this is the end.
  void expect_end(std::string_view field);

 private:
  std::size_t fill(std::span<std::byte> into);

  std::string name_;
};

/// Bytes of which any may come next.
class SeekableSource : public Source {
 public:
  using Source::Source;
  virtual std::uint64_t size() const = 0;
  /// The next byte is the one at `position`, at most size().
  virtual void seek(std::uint64_t position) = 0;
};

class MemorySource final : public SeekableSource {
 public:
  MemorySource(std::span<const std::byte> bytes, std::string_view name)
      : SeekableSource(name), all_(bytes), bytes_(bytes) {}
  std::size_t read(std::span<std::byte> into) override;
  std::optional<std::uint64_t> remaining() const override { return bytes_.size(); }
  std::uint64_t size() const override { return all_.size(); }
  void seek(std::uint64_t position) override { bytes_ = all_.subspan(position); }

 private:
  std::span<const std::byte> all_;
  std::span<const std::byte> bytes_;
};

/// A regular file; anything else is refused with a FileError.
class FileSource final : public SeekableSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  ~FileSource() override;
  std::size_t read(std::span<std::byte> into) override;
  std::optional<std::uint64_t> remaining() const override { return remaining_; }
  std::uint64_t size() const override { return size_; }
  void seek(std::uint64_t position) override;

 private:
  int descriptor_;
  std::uint64_t size_ = 0;
  std::uint64_t remaining_ = 0;
};

/// Decompressed content: of a gzip file, which may be several gzip streams in a row, or of one bare
/// deflate stream, as archives have it.
class GunzipSource final : public Source {
 public:
  enum class Format { gzip, deflate };
  /// `first` are bytes already consumed from `compressed`.
  GunzipSource(Source& compressed, std::span<const std::byte> first, Format format = Format::gzip);
  ~GunzipSource() override;
  std::size_t read(std::span<std::byte> into) override;
  std::optional<std::uint64_t> remaining() const override { return std::nullopt; }
  std::uint64_t most_remaining() const override;

 private:
  Source& compressed_;
  z_stream stream_{};
  std::array<std::byte, 1 << 16> input_;
  Format format_;
  bool between_streams_ = false;
};

}  // namespace longhand::io
