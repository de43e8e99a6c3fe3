// SPDX-License-Identifier: MIT
#include "changes.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "failure.hpp"
#include "number.hpp"

namespace longhand::cli {
namespace {

/// What an item of a list is followed by, and where its number goes.
struct Item {
  bool has_number = true;
  double most = 0;
  bool most_is_possible = false;
  bool whole = false;
  std::function<void(double)> set = {};
};

/// Reads "name:number,name" with every name at most once.
void read_items(const std::string& list, const std::map<std::string, Item>& items,
                const std::string& expected) {
  if (list == "none") return;
  std::set<std::string> seen;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    const std::string part = list.substr(start, end - start);
    const std::size_t colon = part.find(':');
    const auto item = items.find(part.substr(0, colon));
    const auto wrong = [&] {
      return Failure(ExitCode::usage, "is '", list, "', expected ", expected,
                     ", with commas between several, or none");
    };
    if (item == items.end() || !seen.insert(item->first).second ||
        item->second.has_number != (colon != part.npos))
      throw wrong();
    double value = 1;
    if (item->second.has_number) {
      const auto parsed = number(part.substr(colon + 1));
      const double most = item->second.most;
      if (!parsed || !(*parsed > 0) ||
          !(*parsed < most || (item->second.most_is_possible && *parsed == most)) ||
          (item->second.whole && *parsed != std::floor(*parsed)))
        throw wrong();
      value = *parsed;
    }
    item->second.set(value);
    start = end + 1;
  }
}

}  // namespace

Augment augment_of(const std::string& list) {
  Augment augment;
  const double any = std::numeric_limits<double>::infinity();
  read_items(list,
             {{"shift", {true, 1 << 20, true, true, [&](double v) { augment.shift = Index(v); }}},
              {"rotate", {true, 180, true, false, [&](double v) { augment.rotate = v; }}},
              {"flip", {false, 0, false, false, [&](double) { augment.flip = true; }}},
              {"noise", {true, any, false, false, [&](double v) { augment.noise = v; }}}},
             "shift:PIXELS, rotate:DEGREES (at most 180), flip or noise:SIGMA");
  return augment;
}

Corrupt corrupt_of(const std::string& list) {
  Corrupt corrupt;
  const double any = std::numeric_limits<double>::infinity();
  read_items(list,
             {{"gaussian", {true, any, false, false, [&](double v) { corrupt.gaussian = v; }}},
              {"mask", {true, 1, false, false, [&](double v) { corrupt.mask = v; }}},
              {"salt", {true, 1, false, false, [&](double v) { corrupt.salt = v; }}}},
             "gaussian:SIGMA, mask:P or salt:P (P between 0 and 1)");
  return corrupt;
}

BatchChanges changes_of(const ChangeOptions& options) {
  BatchChanges changes;
  changes.dequantize = options.dequantize;
  changes.augment = augment_of(options.augment);
  changes.binarize = options.binarize == "static"      ? Binarize::fixed
                     : options.binarize == "dynamic"   ? Binarize::dynamic
                     : options.binarize == "threshold" ? Binarize::threshold
                                                       : Binarize::none;
  changes.corrupt = corrupt_of(options.corrupt);
  return changes;
}

BatchChanges changes_for(const ChangeOptions& options, const DataSet& data) {
  BatchChanges changes = changes_of(options);
  const bool bytes =
      std::visit([](const auto& numbers) { return !numbers.bytes.empty(); }, data.numbers);
  if (changes.dequantize && !bytes)
    throw Failure(ExitCode::usage, "--dequantize is for bytes, and ", data.path, " holds numbers");
  if (!changes.augment.moves()) return changes;
  const auto [height, width, channels] = data.image;
  if (height == 0)
    throw Failure(ExitCode::usage, "--augment ", options.augment, ": ", data.path,
                  " holds no pictures that could be moved (--image HxW says what shape a row has)");
  if (changes.augment.shift >= std::min(height, width))
    throw Failure(ExitCode::usage, "--augment shift:", changes.augment.shift, " moves pictures of ",
                  height, "x", width, " out of sight");
  if (std::visit([](const auto& numbers) { return !numbers.mask.empty(); }, data.numbers))
    throw Failure(ExitCode::usage, "--augment ", options.augment, ": ", data.path,
                  " has missing numbers, and such rows cannot be shifted, rotated or flipped");
  changes.augment.picture = {height, width, channels};
  return changes;
}

}  // namespace longhand::cli
