// SPDX-License-Identifier: MIT
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "changes.hpp"
#include "commands.hpp"
#include "longhand/uses/quality.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// How near rows come to clean ones, means over rows.
struct Quality {
  double psnr = 0;
  std::optional<double> ssim;  ///< of pictures

  Quality(const Rows& clean, const Rows& rows, const std::array<Index, 3>& image, double range) {
    const Picture picture{image[0], image[1], image[2]};
    if (picture.size() > 0) ssim = 0;
    const auto row_of = [](const Rows& all, Index row) {
      return std::span<const double>(all.values)
          .subspan(static_cast<std::size_t>(row * all.dim), static_cast<std::size_t>(all.dim));
    };
    for (Index row = 0; row < clean.count; ++row) {
      const auto wanted = row_of(clean, row), got = row_of(rows, row);
      psnr += longhand::psnr(wanted, got, range) / static_cast<double>(clean.count);
      if (ssim)
        *ssim += longhand::ssim(picture, wanted, got, range) / static_cast<double>(clean.count);
    }
  }
  std::string text() const {
    const auto rounded = [](double v, double step) { return std::round(v / step) * step; };
    std::string all = cli::text("PSNR ", rounded(psnr, 0.01), " dB");
    if (ssim) all += cli::text(", SSIM ", rounded(*ssim, 0.001));
    return all;
  }
  nlohmann::ordered_json json() const {
    nlohmann::ordered_json object;
    object["psnr"] = psnr;
    object["ssim"] = nullptr;
    if (ssim) object["ssim"] = *ssim;
    return object;
  }
};

/// The clean rows, where they are known: those that --corrupt makes worse, or those of --clean.
std::optional<Rows> clean_rows(const DenoiseArguments& a, const Model& model, const DataSet& data,
                               Range rows) {
  if (a.corrupt != "none") {
    if (!a.clean.empty())
      throw Failure(ExitCode::usage,
                    "--corrupt makes clean rows worse, and --clean says that they are noisy: "
                    "expected one of them");
    return values_of(data, rows);
  }
  if (a.clean.empty()) return std::nullopt;
  DataOptions source = a.data;
  source.path = a.clean;
  const DataSet clean = read_data_for(model, source, a.common);
  if (clean.rows != data.rows)
    throw Failure(ExitCode::bad_input, clean.path, ": has ", clean.rows, " rows, expected ",
                  data.rows, ", those of ", data.path);
  return values_of(clean, rows);
}

double range_of(const Rows& rows) {
  const auto [least, most] = std::ranges::minmax(rows.values);
  return most > least ? most - least : 1;
}

}  // namespace

ExitCode run(const DenoiseArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  const DataSet data = read_inputs_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);
  const Range rows{0, std::min(a.count.value_or(data.rows), data.rows)};
  std::optional<Rows> clean = clean_rows(a, *model, data, rows);
  ChangeOptions corrupt;
  corrupt.corrupt = a.corrupt;
  const BatchChanges changes = changes_for(corrupt, data);
  const Rows conditions = conditions_of(data, rows);
  Rows noisy = changes.any() ? model->given(data, rows, changes, a.seed) : values_of(data, rows);
  const Rows denoised = model->decode(model->encode(noisy, conditions), conditions);
  noisy = with_offsets_of(*model, std::move(noisy));

  if (clean) {
    *clean = with_offsets_of(*model, std::move(*clean));
    const double range = range_of(*clean);
    const Quality before(*clean, noisy, data.image, range),
        after(*clean, denoised, data.image, range);
    say(a.common, text("noisy ", before.text(), "; denoised ", after.text(), " (mean of ",
                       rows.count, rows.count == 1 ? " row)" : " rows)"));
    if (a.common.json) {
      nlohmann::ordered_json object;
      object["rows"] = rows.count;
      object["noisy"] = before.json();
      object["denoised"] = after.json();
      print(json_text(object) + "\n");
    }
  }
  const bool said = clean && (a.common.json || a.out.empty());
  if (format == Format::png) {
    constexpr Index per_line = 8;
    const Index columns = std::min(per_line, rows.count);
    std::vector<Rows> layers;
    if (clean) layers.push_back(*std::move(clean));
    layers.push_back(std::move(noisy));
    layers.push_back(denoised);
    write_sheet(a.out, stacked(layers, columns), data.image, columns, model->transform());
  } else if (!a.out.empty() || !said) {
    CommonOptions quiet = a.common;
    if (clean) quiet.json = false;
    write_data_rows(a.out, format, quiet, data, denoised);
    return ExitCode::ok;
  }
  if (!a.out.empty())
    say(a.common, text("wrote ", a.out, " (", rows.count, rows.count == 1 ? " row)" : " rows)"));
  return ExitCode::ok;
}

}  // namespace longhand::cli
