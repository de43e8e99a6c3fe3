// SPDX-License-Identifier: MIT
#include "tensorboard.hpp"

#include <algorithm>
#include <chrono>

#include "longhand/io/png.hpp"
#include "output.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

constexpr Index kPictures = 16;  // in a line of the sheets
constexpr Index kCodes = 5000;   // in the projector
constexpr Index kSprite = 8192;  // most pixels of a sprite's side, as the projector's page says

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// One line per row; a tab or a line break within a name would begin another field.
std::string tsv_field(std::string text) {
  for (char& c : text)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return io::printable(text);
}

}  // namespace

void require_folder(const std::string& path) {
  if (is_there(path) && !is_folder(path))
    throw Failure(ExitCode::runtime, path, ": is no folder (--tensorboard)");
}

TensorBoard::TensorBoard(std::string folder, const Model& model, const DataSet& data,
                         std::uint64_t seed)
    : folder_(std::move(folder)), model_(model), data_(data), seed_(seed) {
  train_.emplace(folder_ + "/train", now());
}

EventFile& TensorBoard::file_of(Split split) {
  if (split == Split::train) return *train_;
  if (!validation_) validation_.emplace(folder_ + "/validation", now());
  return *validation_;
}

EncodedPicture TensorBoard::sheet(const Rows& pictures, Index columns) const {
  const io::Image image = sheet_of(pictures, data_.image, columns, model_.transform());
  return {io::encode_png(image), static_cast<std::int64_t>(image.height),
          static_cast<std::int64_t>(image.width), static_cast<std::int64_t>(image.channels)};
}

void TensorBoard::epoch(const EpochReport& report) {
  const bool train = report.split == Split::train;
  EventFile& file = file_of(report.split);
  const double time = now();
  const auto scalar = [&](const std::string& tag, double value) {
    file.scalar(time, report.step, tag, value);
  };
  scalar("loss", report.loss());
  for (const NamedValue& term : report.terms) scalar("terms/" + term.name, term.value);
  if (model_.has_elbo() && !(train && model_.trains_on_surrogate())) scalar("elbo", report.elbo());
  for (const NamedValue& number : report.diagnostics)
    scalar("diagnostics/" + number.name, number.value);
  if (train) {
    for (const NamedValue& schedule : report.schedules)
      scalar("schedules/" + schedule.name, schedule.value);
    for (const PlayerReport& player : report.players) {
      const std::string name = report.players.size() > 1 ? "/" + player.name : "";
      scalar("learning_rate" + name, player.learning_rate);
      scalar("gradient_norm" + name, player.grad_norm);
      if (!name.empty()) scalar("player_loss" + name, player.loss);
    }
    for (const auto& [name, values] : model_.weights())
      file.histogram(time, report.step, "weights/" + name, values);
  }
  if (!train || data_.image[0] == 0) return;
  const Range rows{0, std::min(kPictures, data_.rows)};
  const Rows conditions = conditions_of(data_, rows);
  const Rows given = with_offsets_of(model_, values_of(data_, rows)),
             back = model_.decode(model_.encode(data_, rows), conditions);
  file.picture(time, report.step, "reconstructions",
               sheet(stacked({given, back}, rows.count), rows.count));
  if (model_.has_prior())
    file.picture(time, report.step, "samples",
                 sheet(model_.sample(rows.count, seed_, conditions, false), rows.count));
}

void TensorBoard::finish(const std::vector<std::string>& labels) const {
  const std::string folder = folder_ + "/train";
  const Range rows{0, std::min(kCodes, data_.rows)};
  const Rows z = model_.encode(data_, rows);
  std::string codes, metadata;
  for (Index row = 0; row < z.count; ++row)
    for (Index i = 0; i < z.dim; ++i)
      codes += number_text(z(row, i), true) + (i + 1 < z.dim ? "\t" : "\n");
  write_text(folder + "/codes.tsv", codes);
  std::string config =
      "embeddings {\n  tensor_name: \"posterior means\"\n  tensor_path: \"codes.tsv\"\n";
  if (!labels.empty()) {
    for (Index row = 0; row < z.count; ++row)
      metadata += tsv_field(labels[static_cast<std::size_t>(row)]) + "\n";
    write_text(folder + "/labels.tsv", metadata);
    config += "  metadata_path: \"labels.tsv\"\n";
  }
  const Index columns = square_columns(z.count);
  if (data_.image[0] > 0 && columns * std::max(data_.image[0], data_.image[1]) <= kSprite) {
    const Rows pictures = with_offsets_of(model_, values_of(data_, rows));
    // The projector cuts the sprite into equal parts: no lines between them, as many as columns.
    Rows square(columns * columns, pictures.dim);
    std::ranges::copy(pictures.values, square.values.begin());
    const io::Image sprite = sheet_of(square, data_.image, columns, model_.transform(), 0);
    writing([&] { io::write_png(folder + "/sprite.png", sprite); });
    config +=
        text("  sprite {\n    image_path: \"sprite.png\"\n    single_image_dim: ", data_.image[1],
             "\n    single_image_dim: ", data_.image[0], "\n  }\n");
  }
  write_text(folder + "/projector_config.pbtxt", config + "}\n");
}

}  // namespace longhand::cli
