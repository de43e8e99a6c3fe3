// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "longhand/io/csv.hpp"
#include "longhand/io/npy.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// Which numbers of a data set a file hides: all its zeros and ones, or those of one row for all.
std::vector<bool> hidden_by(const std::string& path, const DataSet& data) {
  require_there(path, "file (--hide)");
  std::vector<double> flags;
  if (ending_of(path) == ".npy")
    flags = io::read_npy(path).as<double>();
  else if (ending_of(path) == ".csv")
    flags = io::read_csv(path).values;
  else
    throw Failure(ExitCode::usage, "--hide is '", path, "', expected a .npy or .csv file");
  const auto dim = static_cast<std::size_t>(data.dim),
             all = dim * static_cast<std::size_t>(data.rows);
  if (flags.size() != all && flags.size() != dim)
    throw Failure(ExitCode::bad_input, path, ": has ", flags.size(), " numbers, expected ", all,
                  ", one for each of ", data.path, ", or ", dim, " for every row alike");
  for (const double flag : flags)
    if (flag != 0 && flag != 1)
      throw Failure(ExitCode::bad_input, path, ": has the number ", flag, ", expected 0 and 1");
  if (std::ranges::find(flags, 1.0) == flags.end())
    throw Failure(ExitCode::bad_input, path, ": has no 1, so that nothing is hidden");
  std::vector<bool> hidden(all);
  for (std::size_t i = 0; i < all; ++i) hidden[i] = flags[i % flags.size()] == 1;
  return hidden;
}

/// How near what was hidden is told, over all hidden numbers whose value is known.
struct Nearness {
  Index known = 0;
  double squares = 0;   ///< of what was told, in the user's units
  double relative = 0;  ///< the same in units of each column's variance over the known numbers

  /// `truth`: all rows; `told`: the first of them.
  Nearness(const Rows& truth, const Rows& told, const std::vector<bool>& was_known,
           const std::vector<bool>& hidden) {
    for (Index i = 0; i < truth.dim; ++i) {
      double sum = 0, sum_of_squares = 0, count = 0, error = 0, cells = 0;
      for (Index row = 0; row < truth.count; ++row) {
        const auto at = static_cast<std::size_t>(row * truth.dim + i);
        if (!was_known[at]) continue;
        count += 1;
        sum += truth(row, i);
        sum_of_squares += truth(row, i) * truth(row, i);
        if (!hidden[at] || row >= told.count) continue;
        cells += 1;
        error += (told(row, i) - truth(row, i)) * (told(row, i) - truth(row, i));
      }
      if (cells == 0) continue;
      known += static_cast<Index>(cells);
      squares += error;
      const double variance = sum_of_squares / count - (sum / count) * (sum / count);
      relative += variance > 0 ? error / variance : 0;
    }
  }
  double rmse() const { return std::sqrt(squares / static_cast<double>(known)); }
  /// 1 is the error of a column's mean.
  double relative_error() const { return relative / static_cast<double>(known); }
};

/// How many numbers are missing and how many there are; of a series every time step counts once.
struct Missing {
  Index missing = 0, numbers = 0;
};
Missing count_missing(const DataSet& data, Range rows) {
  std::vector<double> gone;
  for (Index row = 0; row < rows.count; ++row)
    for (Index i = 0; i < data.dim; ++i) gone.push_back(data.observed(row, i) ? 0 : 1);
  if (data.series && rows.count == data.rows)
    gone = data.series->windows.mean(gone, data.series->channels, 0);
  return {static_cast<Index>(std::ranges::count_if(gone, [](double g) { return g > 0; })),
          static_cast<Index>(gone.size())};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string rounded(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.4g", value);
  return digits;
}

}  // namespace

ExitCode run(const ImputeArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const Format spread_format = output_format(a.spread, "npy csv", "--spread");
  if (!a.spread.empty() && a.draws == 0)
    throw Failure(ExitCode::usage, "--spread needs --draws above 0: one pass has no spread");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (a.draws > 0 && !model->has_draw_weights())
    throw Failure(ExitCode::usage, a.model.path,
                  ": its latents have no density that --draws could be weighed by");
  DataSet data = read_data_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);
  const Range rows{0, std::min(a.count.value_or(data.rows), data.rows)};

  const Rows truth = with_offsets_of(*model, values_of(data, data.all()));
  std::vector<bool> known, hidden;
  for (Index row = 0; row < data.rows; ++row)
    for (Index i = 0; i < data.dim; ++i) known.push_back(data.observed(row, i));
  if (!a.hide.empty()) {
    hidden = hidden_by(a.hide, data);
    hide(data, hidden);
  }
  const auto [missing, numbers] = count_missing(data, rows);
  if (missing == 0)
    throw Failure(ExitCode::bad_input, data.path,
                  ": has no missing numbers to fill in (NaN or an empty field; --hide FILE hides "
                  "some that are there)");

  const ImputedRows found =
      model->impute(data, rows, {.passes = a.passes, .draws = a.draws, .seed = a.seed});
  const Rows filled = with_offsets_of(*model, found.values);
  std::string summary = text("filled in ", missing, " of ", numbers, " numbers");
  nlohmann::ordered_json object;
  object["rows"] = rows.count;
  object["missing"] = missing;
  if (!hidden.empty()) {
    const Nearness nearness(truth, filled, known, hidden);
    object["rmse"] = nullptr;
    if (nearness.known > 0) {
      object["rmse"] = nearness.rmse();
      object["relative_squared_error"] = nearness.relative_error();
      summary += text(", those hidden with an error of ", rounded(nearness.rmse()),
                      " (root mean square), ", rounded(nearness.relative_error()),
                      " of the squared error of the columns' means");
    }
  }
  if (a.draws > 0) {
    std::vector<double> effective;  // of rows with gaps
    for (Index row = 0; row < rows.count; ++row)
      for (Index i = 0; i < data.dim; ++i)
        if (!data.observed(row, i)) {
          effective.push_back(found.effective_draws[static_cast<std::size_t>(row)]);
          break;
        }
    object["effective_draws"] = median(effective);
    object["least_effective_draws"] = *std::ranges::min_element(effective);
    summary += text("; ", rounded(median(effective)), " of ", a.draws,
                    " draws count in the median row with gaps (the rest have little weight)");
  }

  if (format == Format::png) {
    constexpr Index per_line = 8;
    const Index columns = std::min(per_line, rows.count);
    std::vector<Rows> layers;
    if (!hidden.empty()) {
      Rows first = truth;
      first.count = rows.count;
      first.values.resize(static_cast<std::size_t>(rows.count * data.dim));
      layers.push_back(std::move(first));
    }
    layers.push_back(with_offsets_of(*model, values_of(data, rows)));
    layers.push_back(filled);
    write_sheet(a.out, stacked(layers, columns), data.image, columns, model->transform());
    say(a.common, text("wrote ", a.out, " (", rows.count, rows.count == 1 ? " row)" : " rows)"));
  } else if (!a.out.empty() || !a.common.json) {
    CommonOptions quiet = a.common;
    quiet.json = false;
    write_data_rows(a.out, format, quiet, data, filled);
  }
  if (!a.spread.empty()) {
    CommonOptions quiet = a.common;
    quiet.json = false;
    write_data_rows(a.spread, spread_format, quiet, data, found.deviation);
  }
  if (a.common.json) print(json_text(object) + "\n");
  say(a.common, summary);
  return ExitCode::ok;
}

}  // namespace longhand::cli
