// SPDX-License-Identifier: MIT
// Usage: codes TRAIN.idx [normal|ring|vae] [EPOCHS]
//
// Trains on rows 0 to 49,999 of a file of pictures, held out rows 50,000 to 59,999, prints what
// every epoch found, and writes codes.npy (of the held-out rows) and samples.npy (10,000) of the
// kept model.
#include <iostream>
#include <longhand/io.hpp>
#include <longhand/longhand.hpp>
#include <string>

using namespace longhand;

namespace {

/// Rows first to last - 1 of an IDX file of bytes.
Data<float> rows(const io::Tensor& pictures, Index first, Index last) {
  const auto values = pictures.as<double>();
  const auto dim = static_cast<Index>(values.size() / pictures.shape.front());
  Samples<float>::Matrix columns(dim, last - first);
  for (Index j = 0; j < columns.cols(); ++j)
    for (Index i = 0; i < dim; ++i)
      columns(i, j) =
          static_cast<float>(values[static_cast<std::size_t>((first + j) * dim + i)]) / 255;
  Data<float> data;
  data.input = Samples<float>(std::move(columns));
  return data;
}

void print(const EpochReport& report) {
  std::cout << (report.split == Split::train ? "training   " : "validation ") << report.epoch;
  for (const auto* values : {&report.terms, &report.diagnostics})
    for (const NamedValue& value : *values) std::cout << "  " << value.name << ' ' << value.value;
  std::cout << std::endl;
}

void write(const std::string& path, const Samples<float>& samples) {
  const auto view = samples.view();
  io::write_npy(path, io::Tensor::of<float>({static_cast<std::uint64_t>(view.cols),
                                             static_cast<std::uint64_t>(view.rows)},
                                            std::span(view.data, view.data + view.size())));
}

template <class M>
void train(M model, TrainOptions options, const Data<float>& data, const Data<float>& held_out) {
  options.on_epoch = print;
  const TrainResult result = Trainer(model, options).fit(data, held_out);
  std::cout << "kept: epoch " << result.best_epoch << '\n';
  write("codes.npy", model.encode(held_out.input));
  write("samples.npy", model.sample(10000, {.seed = 7}));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 4)
    throw std::runtime_error("usage: codes TRAIN.idx [normal|ring|vae] [EPOCHS]");
  const std::string what = argc > 2 ? argv[2] : "normal";
  const io::Tensor pictures = io::read_idx(argv[1]);
  const Data<float> data = rows(pictures, 0, 50000), held_out = rows(pictures, 50000, 60000);
  const auto epochs = [&](Index usual) { return argc > 3 ? std::stol(argv[3]) : usual; };
  const Cpu<float> cpu(1);
  TrainOptions options{.batch = 100};
  options.schedule.kind = LearningRateSchedule::Kind::cosine;
  VaeSpec spec{.input_dim = 784, .hidden = {1000, 1000}};
  if (what == "vae") {
    spec.latent = GaussianLatentSpec{.dim = 8};
    // Pixels that are 0 in every picture would reward a variance of 0 without end; the bound keeps
    // log variances above -4, deviations above 0.14, about the width that the Parzen estimate
    // finds.
    spec.likelihood = LearnedGaussian{.output = OutputMap::sigmoid, .logvar_bound = 4};
    options.epochs = epochs(30);
    options.learning_rate = 5e-4;
    train(Vae<Cpu<float>>(spec, cpu), options, data, held_out);
    return 0;
  }
  if (what != "normal" && what != "ring") throw std::runtime_error(what + ": no such study");
  spec.latent = CodeSpec{what == "ring" ? 2 : 8};
  spec.likelihood = Gaussian{.variance = 0.3 * 0.3, .output = OutputMap::sigmoid};
  AaeSpec adversarial{.autoencoder = spec, .prior = NormalPrior{}, .discriminator = {1000, 1000}};
  if (what == "ring") adversarial.prior = RingPrior{.components = 10};
  options.epochs = epochs(20);
  options.learning_rate = 4e-4;
  for (const char* player : {"discriminator", "generator"})
    options.players[player] = {.optimizer = Adam{.beta1 = 0.5}, .learning_rate = 2e-4};
  train(Aae<Cpu<float>>(adversarial, cpu), options, data, held_out);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
