// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// What a training tells TensorBoard (docs/guides/tensorboard.md): records of protobuf messages,
/// each framed by its length and two checksums, written as they come so that a training can be
/// watched.
namespace longhand::cli {

/// The CRC-32C of bytes, turned by 15 bits and with a constant added, as the frames have it.
std::uint32_t masked_crc(std::span<const std::byte> bytes);

/// A PNG and its extent.
struct EncodedPicture {
  std::vector<std::byte> png;
  std::int64_t height = 0, width = 0, channels = 1;
};

class EventFile {
 public:
  /// Begins a file events.out.tfevents.SECONDS.longhand in a folder, which is made if it is not
  /// there. Throws Failure (runtime).
  EventFile(const std::string& folder, double seconds);

  void scalar(double seconds, std::int64_t step, const std::string& tag, double value);
  void picture(double seconds, std::int64_t step, const std::string& tag,
               const EncodedPicture& picture);
  /// Numbers that are not finite are left out.
  void histogram(double seconds, std::int64_t step, const std::string& tag,
                 std::span<const double> values);
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void record(const std::string& event);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace longhand::cli
