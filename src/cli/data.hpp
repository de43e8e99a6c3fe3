// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "longhand/models/input_transform.hpp"
#include "longhand/train/data.hpp"
#include "longhand/uses/windows.hpp"
#include "options.hpp"

namespace longhand::cli {

/// Rows first .. first + count - 1 of a data set.
struct Range {
  Index first = 0;
  Index count = 0;
};

/// The numbers of a data set, row after row, in the precision of the model or as bytes.
template <class S>
struct Numbers {
  Index dim = 0;
  Index condition_dim = 0;
  std::vector<S> input;          ///< rows x dim, or empty: they are bytes
  std::vector<std::byte> bytes;  ///< rows x dim, or empty
  std::vector<S> mask;           ///< rows x dim, or empty: nothing is missing
  std::vector<S> condition;      ///< rows x condition_dim, or empty

  /// Borrows.
  Data<S> data(Range rows) const;
};

/// The series that windows were cut from.
struct SeriesFacts {
  Windows windows;
  Index channels = 0;
  std::vector<std::string> names;  ///< of the channels; empty where nothing names them
  std::vector<std::string> times;  ///< the stamp of each row of the series; empty without
};

/// A data set and what its files say about it. Values are in the user's units: a byte stands for
/// itself divided by 255, everything else is as it was.
struct DataSet {
  std::string path;   ///< the file of the rows, for messages
  std::string split;  ///< "train" or "test" of an IDX folder, else "all"
  Index rows = 0;
  Index rows_in_file = 0;
  /// Their numbers in the file, ascending; empty: they are all of it.
  std::vector<std::uint32_t> row_numbers;
  std::vector<std::uint32_t> test_rows;      ///< kept out
  std::uint32_t first_row = 0, end_row = 0;  ///< between which all of them are
  Index dim = 0;
  Index classes = 0;                         ///< of the labels, 0 without
  std::array<Index, 3> image{};              ///< height, width, channels; zeros = no pictures
  std::vector<std::string> names;            ///< of the columns; empty where nothing names them
  bool named = false;                        ///< the names come from the data or from the model
  std::vector<std::string> class_names;      ///< empty: class k is called k
  std::vector<std::string> condition_names;  ///< of a condition of numbers; empty without
  std::optional<SeriesFacts> series;         ///< rows are windows of it
  InputTransform transform;                  ///< as fitted, or the model's
  InputTransform condition_transform;        ///< likewise, of a condition of numbers
  std::vector<std::string> notes;  ///< what the user should know of how the files were read
  std::vector<std::int64_t> labels;
  bool binary = false;  ///< every number is 0 or 1
  std::variant<Numbers<float>, Numbers<double>> numbers;

  Range all() const { return {0, rows}; }
  /// What a class is called.
  std::string class_name(std::int64_t label) const {
    return class_names.empty() ? std::to_string(label)
                               : class_names[static_cast<std::size_t>(label)];
  }
  /// One element in the user's units, without the offset that was taken off its column; 0 in the
  /// model's where it is missing.
  double value(Index row, Index column) const;
  bool observed(Index row, Index column) const;
  /// Numbers of the condition, which is the class as ones and zeros or numbers without the offsets
  /// that were taken off them; 0 without one.
  Index condition_dim() const;
  double condition(Index row, Index column) const;
};

/// What a command wants of the labels.
inline constexpr Index kNoLabels = 0;
inline constexpr Index kCountClasses = -1;  ///< the classes are the labels that occur

/// What is asked of a data set.
struct DataRequest {
  std::string split = "train";     ///< part of an IDX folder, used when options.split is empty
  std::string scalar = "float32";  ///< or "float64"
  Index classes = kNoLabels;       ///< or kCountClasses, or the number of classes of a model
  std::vector<std::string> names;  ///< of a model's columns, empty if it has none
  Index window = 0;                ///< of a model: time steps of a row
  std::vector<std::string> class_names;  ///< of a model's classes, likewise
  /// Whether the rows have a condition of numbers, and what a model calls them (empty: the file
  /// says it, and a transform that standardises them is fitted).
  bool numeric_condition = false;
  bool or_numbers = false;  ///< it may have one instead of the labels that are missing
  std::vector<std::string> condition_names;
  InputTransform condition_transform;
  /// The model's, or absent: one of `kind` is fitted to all rows, missing elements left out.
  std::optional<InputTransform> transform;
  std::string kind = "none";
  bool binary = false;              ///< the likelihood is one of 0 and 1
  double test = 0;                  ///< fraction of the rows that are not read, but listed
  std::uint64_t seed = 0;           ///< which ones
  std::vector<std::uint32_t> only;  ///< rows of the file, ascending; empty: all
  Index rows_in_file = 0;           ///< that it must have for them
};

/// Whether rows have labels that a command can use: the ones of an IDX folder lie beside them,
/// others are named by --labels.
bool has_labels(const DataOptions& options);

/// Reads rows, and labels if they are asked for. Rows count from 0 among those of options.rows.
/// Throws Failure (bad_input, usage) and io::Error.
DataSet read_data(const DataOptions& options, const DataRequest& request);

/// Gives missing elements the value that the transform takes to 0. (For standardised columns that
/// is their mean.)
void fill_missing(DataSet& data);

/// Hides numbers: true = missing from now on. They get the value that fill_missing() gives. One
/// number for every row and column.
void hide(DataSet& data, const std::vector<bool>& hidden);

/// "28x28" or "32x32x3". Throws Failure unless that makes rows of `dim` numbers.
std::array<Index, 3> parse_image(const std::string& shape, Index dim);

/// "0 to 9", or "one of red, green": the classes of a model, for messages.
std::string classes_text(const std::vector<std::string>& names, Index classes);

/// "name0", "name1", …
std::vector<std::string> numbered(const std::string& name, Index count);

}  // namespace longhand::cli
