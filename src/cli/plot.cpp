// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "chart.hpp"
#include "commands.hpp"
#include "condition.hpp"
#include "longhand/io/file.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string file_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return io::printable(name.empty() ? path : name);
}
std::string source_of(const PlotArguments& a, const std::string& what) {
  return text("longhand plot --what ", a.what, ": ", file_name(a.model.path),
              what.empty() ? "" : ", ", what);
}
std::string rows_of(const DataSet& data, Index count) {
  return text(count, " of ", data.rows, data.rows == 1 ? " row of " : " rows of ",
              file_name(data.path));
}

DataSet read(const PlotArguments& a, const Model& model, bool labelled) {
  if (a.data.path.empty())
    throw Failure(ExitCode::usage, "--data is missing, expected the rows that --what ", a.what,
                  " looks at");
  return labelled ? read_labelled_data_for(model, a.data, a.common)
                  : read_data_for(model, a.data, a.common);
}

double variance_of(const Rows& z, Index i) {
  double mean = 0, squares = 0;
  for (Index row = 0; row < z.count; ++row) mean += z(row, i) / static_cast<double>(z.count);
  for (Index row = 0; row < z.count; ++row) squares += (z(row, i) - mean) * (z(row, i) - mean);
  return squares / static_cast<double>(z.count);
}

/// Latents from the one that varies most on.
std::vector<Index> by_variance(const Rows& z) {
  std::vector<Index> order(static_cast<std::size_t>(z.dim));
  std::vector<double> variance;
  for (Index i = 0; i < z.dim; ++i) {
    order[static_cast<std::size_t>(i)] = i;
    variance.push_back(variance_of(z, i));
  }
  std::ranges::stable_sort(order, [&](Index a, Index b) {
    return variance[static_cast<std::size_t>(a)] > variance[static_cast<std::size_t>(b)];
  });
  return order;
}

// ---- what is plotted ----------------------------------------------------------------------------

/// The codes of rows in the two latents that vary most.
void draw_latent(const PlotArguments& a, const Model& model, Canvas& canvas) {
  const bool labelled = has_labels(a.data);
  const DataSet data = read(a, model, labelled);
  const Rows z = model.encode(data, {0, std::min(a.count, data.rows)});
  if (z.dim < 2)
    throw Failure(ExitCode::usage, a.model.path, ": has 1 latent, --what latent needs two");
  const std::vector<Index> order = by_variance(z);
  const Index across = std::min(order[0], order[1]), up = std::max(order[0], order[1]);
  std::vector<Series> series(static_cast<std::size_t>(labelled ? data.classes : 1));
  for (std::size_t k = 0; k < series.size(); ++k) {
    series[k].mark.number = k;
    if (labelled) series[k].name = io::printable(data.class_name(static_cast<Index>(k)));
  }
  for (Index row = 0; row < z.count; ++row) {
    Series& s =
        series[labelled ? static_cast<std::size_t>(data.labels[static_cast<std::size_t>(row)]) : 0];
    s.x.push_back(z(row, across));
    s.y.push_back(z(row, up));
  }
  const std::string which =
      z.dim > 2 ? text(" (the two of ", z.dim, " latents that vary most)") : "";
  draw_series(canvas,
              {"Posterior means" + which, text("z", across), text("z", up),
               source_of(a, rows_of(data, z.count))},
              series);
}

/// Where a standard normal has this much of its probability below it.
double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int k = 0; k < 200; ++k) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

std::uint8_t pixel(double shade) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(shade, 0.0, 1.0) * 255));
}

/// Decoded pictures over the plane of two latents, at equal steps of the prior's probability.
void draw_manifold(const PlotArguments& a, const Model& model, Canvas& canvas) {
  if (model.latents() != 2 || model.classes() > 0)
    throw Failure(ExitCode::usage, a.model.path, ": has ", model.latents(),
                  model.classes() > 0 ? " numbers of categorical latents" : " latents",
                  ", --what manifold needs 2 that are Gaussian");
  const std::array<Index, 3> image =
      a.data.image.empty() ? model.image() : parse_image(a.data.image, model.input_dim());
  if (image[0] == 0)
    throw Failure(ExitCode::usage,
                  "--what manifold needs to know the shape of a picture: --image HxW or HxWx3");
  const auto n = static_cast<Index>(a.steps);
  PictureGrid grid;
  for (Index k = 0; k < n; ++k)
    grid.at.push_back(normal_quantile((static_cast<double>(k) + 0.5) / static_cast<double>(n)));
  Rows z(n * n, 2);
  for (Index line = 0; line < n; ++line)
    for (Index k = 0; k < n; ++k) {
      z(line * n + k, 0) = grid.at[static_cast<std::size_t>(k)];
      z(line * n + k, 1) = grid.at[static_cast<std::size_t>(n - 1 - line)];
    }
  Rows condition;
  if (model.condition_dim() > 0) {
    const Rows one = !model.condition_names().empty()
                         ? mean_condition(model)
                         : condition_of(model, a.label ? require_label(model, *a.label) : 0, 1);
    condition = Rows(z.count, one.dim);
    for (Index row = 0; row < z.count; ++row)
      for (Index i = 0; i < one.dim; ++i) condition(row, i) = one(0, i);
  } else if (a.label) {
    require_label(model, *a.label);
  }
  const Rows pictures = model.decode(z, condition);
  const Shades shades = shades_of(model.transform());
  grid.height = static_cast<int>(image[0]);
  grid.width = static_cast<int>(image[1]);
  grid.channels = static_cast<int>(image[2]);
  for (Index row = 0; row < pictures.count; ++row) {
    auto& pixels = grid.pictures.emplace_back();
    for (Index i = 0; i < pictures.dim; ++i) pixels.push_back(pixel(shades.of(pictures(row, i))));
  }
  draw_grid(canvas,
            {text("What the decoder makes of codes", a.label ? text(", class ", *a.label) : ""),
             "z0, at equal steps of the prior's probability", "z1, likewise", source_of(a, "")},
            grid);
}

/// Every number of the training over its epochs.
void draw_curves(const PlotArguments& a, Canvas& canvas) {
  const std::string path =
      (std::filesystem::path(a.model.path).parent_path() / "metrics.jsonl").string();
  if (!is_there(path))
    throw Failure(ExitCode::bad_input, path,
                  ": no such file, expected the metrics of the training beside the model");
  const std::vector<std::byte> bytes = io::read_file(path);
  std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  const std::vector<std::string> wanted{"loss", "log_likelihood_term", "kl"};
  std::map<std::string, std::map<std::string, Series>> found;  // by split, by number
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("epoch") || !json.contains("split"))
      throw Failure(ExitCode::bad_input, path, ": line ", number,
                    " is no object as `longhand train` writes it");
    for (const std::string& name : wanted) {
      if (!json.contains(name) || !json[name].is_number()) continue;
      Series& s = found[json["split"].get<std::string>()][name];
      s.x.push_back(json["epoch"].get<double>());
      // The log-likelihood as what is lost by it, so that all curves fall.
      s.y.push_back((name == "log_likelihood_term" ? -1 : 1) * json[name].get<double>());
    }
  }
  std::vector<Series> series;
  for (std::size_t k = 0; k < wanted.size(); ++k)
    for (const char* split : {"train", "validation"}) {
      if (!found.contains(split) || !found[split].contains(wanted[k])) continue;
      Series s = found[split][wanted[k]];
      const bool train = std::string_view(split) == "train";
      s.name = text(k == 1 ? "-log p(x | z)" : k == 2 ? "KL" : "loss", train ? "" : ", validation");
      s.mark.number = k;
      s.joined = true;
      s.dash = train ? 0 : 4;
      series.push_back(std::move(s));
    }
  if (series.empty())
    throw Failure(ExitCode::bad_input, path, ": has no epoch, expected at least one");
  draw_series(canvas, {"Training", "epoch", "nats per row", source_of(a, file_name(path))}, series);
}

/// The correlation of two columns; NaN where one is constant.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) mean_x += x[k] / n, mean_y += y[k] / n;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double dx = x[k] - mean_x, dy = y[k] - mean_y;
    xx += dx * dx, yy += dy * dy, xy += dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : kNaN;
}

/// What each latent goes with: the labels where there are some, else the columns.
void draw_correlation(const PlotArguments& a, const Model& model, Canvas& canvas) {
  const bool labelled = has_labels(a.data);
  const DataSet data = read(a, model, labelled);
  constexpr Index most = 40;
  if (!labelled && data.dim > most)
    throw Failure(
        ExitCode::usage, data.path, ": has ", data.dim,
        " columns, a table of correlations is legible up to ", most,
        data.series ? ": expected fewer --columns" : ": expected --labels, or fewer --columns");
  const Range range{0, data.rows};
  const Rows z = model.encode(data, range);
  std::vector<Index> latents = by_variance(z);
  if (static_cast<Index>(latents.size()) > most) latents.resize(static_cast<std::size_t>(most));
  std::ranges::sort(latents);
  Table table;
  std::vector<std::vector<double>> columns;
  const auto add = [&](const std::string& name, const auto& value) {
    table.columns.push_back(name);
    auto& column = columns.emplace_back();
    for (Index row = 0; row < data.rows; ++row) column.push_back(value(row));
  };
  if (labelled) {
    for (Index k = 0; k < data.classes; ++k)
      add(io::printable(data.class_name(k)),
          [&](Index row) { return data.labels[static_cast<std::size_t>(row)] == k ? 1.0 : 0.0; });
  } else {
    for (Index i = 0; i < data.dim; ++i)
      add(io::printable(data.names[static_cast<std::size_t>(i)]),
          [&](Index row) { return data.value(row, i); });
  }
  for (const Index latent : latents) {
    table.rows.push_back(text("z", latent));
    std::vector<double> codes;
    for (Index row = 0; row < z.count; ++row) codes.push_back(z(row, latent));
    for (const auto& column : columns) table.values.push_back(correlation(codes, column));
  }
  const std::string which = static_cast<Index>(latents.size()) < z.dim
                                ? text(" (the ", latents.size(), " that vary most)")
                                : "";
  draw_table(
      canvas,
      {text("Correlation of latents", which, labelled ? " with labels" : " with columns"),
       labelled ? "label" : "column", "posterior mean", source_of(a, rows_of(data, data.rows))},
      table);
}

}  // namespace

ExitCode run(const PlotArguments& a) {
  if (a.out.empty())
    throw Failure(ExitCode::usage, "--out is missing, expected a .png or .svg file to write");
  const bool svg = ending_of(a.out) == ".svg";
  output_format(a.out, "png svg");
  if (a.what == "curves" && !a.data.path.empty())
    throw Failure(ExitCode::usage,
                  "--what curves reads the metrics beside the model and no --data");
  Canvas canvas(560, a.what == "latent" ? 540 : a.what == "manifold" ? 586 : 420, svg);
  if (a.what == "curves") {
    require_there(a.model.path, "file");
    draw_curves(a, canvas);
  } else {
    const std::unique_ptr<Model> model = load_model(a.model, a.common);
    if (a.what == "latent") draw_latent(a, *model, canvas);
    if (a.what == "manifold") draw_manifold(a, *model, canvas);
    if (a.what == "correlation") draw_correlation(a, *model, canvas);
  }
  const std::vector<std::byte> bytes = canvas.bytes();
  writing([&] { io::write_file(a.out, bytes); });
  say(a.common, text("wrote ", a.out));
  if (a.common.json) {
    nlohmann::ordered_json object;
    object["out"] = a.out;
    object["what"] = a.what;
    print(json_text(object) + "\n");
  }
  return ExitCode::ok;
}

}  // namespace longhand::cli
