// SPDX-License-Identifier: MIT
#include "event_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "failure.hpp"

namespace longhand::cli {
namespace {

// ---- protobuf: a key of field number and wire type, then the value
// -------------------------------

class Message {
 public:
  const std::string& bytes() const { return bytes_; }

  Message& whole(unsigned field, std::int64_t value) {
    varint(field << 3);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& number(unsigned field, double value) {
    varint(field << 3 | 1);
    return raw(&value, sizeof value);
  }
  Message& single(unsigned field, float value) {
    varint(field << 3 | 5);
    return raw(&value, sizeof value);
  }
  Message& text(unsigned field, const std::string& value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
  Message& packed(unsigned field, const std::vector<double>& values) {
    varint(field << 3 | 2);
    varint(values.size() * sizeof(double));
    return raw(values.data(), values.size() * sizeof(double));
  }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  /// Both the file and every machine that this is compiled for have the low byte first.
  Message& raw(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    return *this;
  }
  std::string bytes_;
};

/// tensorboard/compat/proto/event.proto: wall time, step, summary of one value.
Message event(double seconds, std::int64_t step, const Message& value) {
  Message summary, all;
  summary.message(1, value);
  all.number(1, seconds).whole(2, step).message(5, summary);
  return all;
}

/// Ends of buckets that grow by a tenth, on both sides of 0, as TensorBoard's own writers have
/// them.
const std::vector<double>& bucket_ends() {
  static const std::vector<double> ends = [] {
    std::vector<double> up;
    for (double v = 1e-12; v < 1e20; v *= 1.1) up.push_back(v);
    std::vector<double> all;
    for (auto v = up.rbegin(); v != up.rend(); ++v) all.push_back(-*v);
    all.push_back(0);
    all.insert(all.end(), up.begin(), up.end());
    all.push_back(1.79e308);
    return all;
  }();
  return ends;
}

}  // namespace

std::uint32_t masked_crc(std::span<const std::byte> bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
      made[n] = c;
    }
    return made;
  }();
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes)
    crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 255] ^ crc >> 8;
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

EventFile::EventFile(const std::string& folder, double seconds) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) throw Failure(ExitCode::runtime, folder, ": cannot be made, ", problem.message());
  // Two trainings that begin in one second have files of their own.
  const std::string start = folder + "/events.out.tfevents." +
                            std::to_string(static_cast<std::int64_t>(seconds)) + ".longhand";
  for (int k = 0; !file_ && k < 1000; ++k) {
    path_ = start + (k > 0 ? "." + std::to_string(k) : "");
    file_.reset(std::fopen(path_.c_str(), "wbx"));
    if (!file_ && errno != EEXIST) break;
  }
  if (!file_)
    throw Failure(ExitCode::runtime, path_, ": cannot be written, ", std::strerror(errno));
  Message version;
  version.number(1, seconds).text(3, "brain.Event:2");
  record(version.bytes());
}

void EventFile::scalar(double seconds, std::int64_t step, const std::string& tag, double value) {
  Message one;
  one.text(1, tag).single(2, static_cast<float>(value));
  record(event(seconds, step, one).bytes());
}

void EventFile::picture(double seconds, std::int64_t step, const std::string& tag,
                        const EncodedPicture& picture) {
  Message image, one;
  image.whole(1, picture.height).whole(2, picture.width).whole(3, picture.channels);
  image.text(4, {reinterpret_cast<const char*>(picture.png.data()), picture.png.size()});
  one.text(1, tag).message(4, image);
  record(event(seconds, step, one).bytes());
}

void EventFile::histogram(double seconds, std::int64_t step, const std::string& tag,
                          std::span<const double> values) {
  const std::vector<double>& all = bucket_ends();
  std::vector<double> counts(all.size());
  double least = HUGE_VAL, most = -HUGE_VAL, count = 0, sum = 0, squares = 0;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    least = std::min(least, v);
    most = std::max(most, v);
    count += 1, sum += v, squares += v * v;
    const auto end = std::ranges::upper_bound(all, v) - all.begin();
    counts[std::min(static_cast<std::size_t>(end), all.size() - 1)] += 1;
  }
  if (count == 0) return;
  // Empty buckets at both ends are left out, but for one that says where the first begins.
  std::size_t first = 0, last = all.size() - 1;
  while (first + 1 < last && counts[first + 1] == 0) ++first;
  while (last > first + 1 && counts[last] == 0) --last;
  const auto part = [&](const std::vector<double>& from) {
    return std::vector<double>(from.begin() + static_cast<std::ptrdiff_t>(first),
                               from.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  };
  Message histogram, one;
  histogram.number(1, least).number(2, most).number(3, count).number(4, sum).number(5, squares);
  histogram.packed(6, part(all)).packed(7, part(counts));
  one.text(1, tag).message(5, histogram);
  record(event(seconds, step, one).bytes());
}

void EventFile::record(const std::string& event) {
  const auto crc_of = [](const void* data, std::size_t size) {
    return masked_crc({static_cast<const std::byte*>(data), size});
  };
  const std::uint64_t length = event.size();
  const std::uint32_t of_length = crc_of(&length, sizeof length),
                      of_event = crc_of(event.data(), event.size());
  std::string frame(reinterpret_cast<const char*>(&length), sizeof length);
  frame.append(reinterpret_cast<const char*>(&of_length), sizeof of_length);
  frame += event;
  frame.append(reinterpret_cast<const char*>(&of_event), sizeof of_event);
  if (std::fwrite(frame.data(), 1, frame.size(), file_.get()) != frame.size() ||
      std::fflush(file_.get()) != 0)
    throw Failure(ExitCode::runtime, path_, ": cannot be written, ", std::strerror(errno));
}

}  // namespace longhand::cli
