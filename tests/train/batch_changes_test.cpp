// SPDX-License-Identifier: MIT
// What a model is given: the order of the changes, their keys, and who sees them.
#include "longhand/train/batch_changes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "longhand/backend/cpu.hpp"
#include "longhand/core/normal.hpp"
#include "longhand/core/uniform.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/given.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Cpu<double>;
using Column = std::vector<double>;

constexpr Index kHeight = 6, kWidth = 5, kDim = kHeight * kWidth;
constexpr std::uint64_t kSeed = 11;

Data<double> bytes(Index count) {
  Samples<std::uint8_t>::Matrix columns(kDim, count);
  for (Index k = 0; k < columns.size(); ++k)
    columns.data()[k] = static_cast<std::uint8_t>(k * k * 31 + 7 * k);
  Data<double> data;
  data.input = Samples<std::uint8_t>(std::move(columns));
  return data;
}
VaeSpec gaussian_spec() {
  VaeSpec spec{.input_dim = kDim, .hidden = {8}, .latent_dim = 2};
  spec.likelihood = Gaussian{.variance = 0.1};
  spec.transform = {InputTransform::Kind::symmetric, {0.5}, {0.5}};
  return spec;
}
VaeSpec bernoulli_spec() { return {.input_dim = kDim, .hidden = {8}, .latent_dim = 2}; }

BatchChanges everything() {
  BatchChanges changes;
  changes.dequantize = true;
  changes.augment = {
      .picture = {kHeight, kWidth}, .shift = 2, .rotate = 30, .flip = true, .noise = 0.05};
  changes.corrupt = {.gaussian = 0.3, .mask = 0.2, .salt = 0.1};
  return changes;
}

Column uniforms(Stream stream, std::uint16_t draw, Index sample, Index n) {
  Column u(static_cast<std::size_t>(n));
  uniform_column(NoiseKey{.seed = kSeed, .stream = stream, .draw = draw}, sample, n, u.data());
  return u;
}
Column normals(Stream stream, std::uint16_t draw, Index sample, Index n) {
  Column eps(static_cast<std::size_t>(n));
  normal_column(NoiseKey{.seed = kSeed, .stream = stream, .draw = draw}, sample, n, eps.data());
  return eps;
}

double largest_difference(const Samples<double>& given, Index sample, const Column& want) {
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    worst = std::max(worst, std::abs(given.view()(static_cast<Index>(i), sample) - want[i]));
  return worst;
}
bool same(const Samples<double>& a, const Samples<double>& b) {
  return a.in_columns() == b.in_columns();
}

Batch<B> gathered(const Vae<B>& model, const Data<double>& data, const BatchChanges& changes,
                  Workspace<B>& workspace, Mode mode, const std::vector<std::uint32_t>& ids) {
  const ResidentData<B> resident(model.backend(), data);
  const BatchSource<B> source(resident, changes);
  const Pass<B> pass{.backend = model.backend(),
                     .theta = model.params(),
                     .workspace = workspace,
                     .key = {.seed = kSeed},
                     .sample_ids = {ids.data(), 1, static_cast<Index>(ids.size()), 1},
                     .mode = mode};
  return source.gather(model, pass);
}

}  // namespace

TEST_CASE("changes: bytes, moves, units, noise, then the input's own, in the order of the page") {
  const Vae<B> model(gaussian_spec());
  const Data<double> data = bytes(4);
  const BatchChanges changes = everything();
  const Samples<double> given = given_inputs(model, data, changes, kSeed);
  for (Index sample = 0; sample < 4; ++sample) {
    const Column cell = uniforms(Stream::dequantize, 0, sample, kDim),
                 move = uniforms(Stream::augment, 0, sample, kMoveNumbers),
                 noise = normals(Stream::augment_noise, 0, sample, kDim),
                 gauss = normals(Stream::input_noise, 0, sample, kDim),
                 mask = uniforms(Stream::input_noise, 1, sample, kDim),
                 salt = uniforms(Stream::input_noise, 2, sample, kDim);
    Column x(kDim), y(kDim);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = (255 * data.input(static_cast<Index>(i), sample) + cell[i]) / 256;
    move_picture(changes.augment.picture_moves(), move.data(), x.data(), y.data());
    for (std::size_t i = 0; i < y.size(); ++i) {
      double v = 2 * y[i] - 1 + 0.05 * noise[i] + 0.3 * gauss[i];
      if (mask[i] < 0.2) v = 0;
      if (salt[i] < 0.1) v = salt[i] < 0.05 ? -1 : 1;
      y[i] = 0.5 * v + 0.5;
    }
    CAPTURE(sample);
    CHECK(largest_difference(given, sample, y) < 1e-12);
  }
}

TEST_CASE("changes: pictures move while they are grey, and become binary after it") {
  const Vae<B> model(bernoulli_spec());
  const Data<double> data = bytes(3);
  BatchChanges changes;
  changes.augment = {.picture = {kHeight, kWidth}, .shift = 1, .noise = 0.2};
  for (const Binarize binarize : {Binarize::dynamic, Binarize::threshold}) {
    changes.binarize = binarize;
    const Samples<double> given = given_inputs(model, data, changes, kSeed);
    for (Index sample = 0; sample < 3; ++sample) {
      const Column move = uniforms(Stream::augment, 0, sample, kMoveNumbers),
                   noise = normals(Stream::augment_noise, 0, sample, kDim),
                   pixel = uniforms(Stream::binarize, 0, sample, kDim);
      Column x(kDim), y(kDim);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = data.input(static_cast<Index>(i), sample);
      move_picture(changes.augment.picture_moves(), move.data(), x.data(), y.data());
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double grey = std::clamp(y[i] + 0.2 * noise[i], 0., 1.);
        y[i] = grey > (binarize == Binarize::dynamic ? pixel[i] : 0.5) ? 1 : 0;
      }
      CHECK(largest_difference(given, sample, y) == 0);
    }
  }
}

TEST_CASE("changes: a sample is given the same numbers in any company and on any threads") {
  const Data<double> data = bytes(1500), few = bytes(700);
  const Samples<double> one = given_inputs(Vae<B>(gaussian_spec(), B(1)), data, everything(), 3);
  for (const int threads : {2, 4})
    CHECK(same(given_inputs(Vae<B>(gaussian_spec(), B(threads)), data, everything(), 3), one));
  const Samples<double> some = given_inputs(Vae<B>(gaussian_spec(), B(1)), few, everything(), 3);
  CHECK(some.in_columns() == one.in_columns().leftCols(700));
}

TEST_CASE("changes: input and target are augmented alike, and the input alone is corrupted") {
  const Vae<B> model(gaussian_spec());
  Data<double> data = bytes(8);
  data.target = bytes(8).input;
  Workspace<B> workspace;
  const std::vector<std::uint32_t> ids{5, 2, 7};
  BatchChanges changes = everything();
  changes.corrupt = {};
  Batch<B> batch = gathered(model, data, changes, workspace, Mode::train, ids);
  for (Index j = 0; j < 3; ++j)
    for (Index i = 0; i < kDim; ++i) CHECK(batch.input(i, j) == batch.target(i, j));

  for (const bool with_target : {true, false}) {
    if (!with_target) data.target = {};
    const Batch<B> clean = gathered(model, data, changes, workspace, Mode::train, ids);
    BatchChanges corrupting = changes;
    corrupting.corrupt = {.gaussian = 0.1};
    const Batch<B> worse = gathered(model, data, corrupting, workspace, Mode::train, ids);
    double off = 0;
    for (Index j = 0; j < 3; ++j)
      for (Index i = 0; i < kDim; ++i) {
        CHECK(worse.target(i, j) == clean.input(i, j));
        off += std::abs(worse.input(i, j) - clean.input(i, j));
      }
    CHECK(off > 0);
  }
}

TEST_CASE("changes: what is not trained on is not augmented, and its draws repeat") {
  const Vae<B> model(gaussian_spec());
  const Data<double> data = bytes(5);
  BatchChanges augment;
  augment.augment = everything().augment;
  CHECK(same(given_inputs(model, data, augment, 1, Mode::eval),
             given_inputs(model, data, {}, 1, Mode::eval)));
  BatchChanges others = everything();
  others.augment = {};
  const Samples<double> held_out = given_inputs(model, data, others, 1, Mode::eval);
  CHECK(same(held_out, given_inputs(model, data, others, 1, Mode::eval)));
  CHECK_FALSE(same(held_out, given_inputs(model, data, others, 1, Mode::train)));
  const EvaluateOptions options{.changes = everything()};
  CHECK(evaluate(model, data, options).log_likelihood_term() ==
        evaluate(model, data, options).log_likelihood_term());
}

TEST_CASE("changes: training draws each of them afresh in every epoch, a threshold never") {
  VaeSpec spec = bernoulli_spec();
  spec.latent = CodeSpec{2};  // no other noise
  // Steps too small to be seen, so that the batches alone can change the loss.
  const auto moves_on = [&](const BatchChanges& changes) {
    Vae<B> model(spec);
    Trainer trainer(model, {.batch = 8, .learning_rate = 1e-300, .changes = changes});
    const double first = trainer.step(bytes(8)).term("nll");
    return trainer.step(bytes(8)).term("nll") != first;
  };
  const Picture picture{kHeight, kWidth};
  CHECK(moves_on({.dequantize = true}));
  CHECK(moves_on({.augment = {.picture = picture, .shift = 1}}));
  CHECK(moves_on({.augment = {.picture = picture, .rotate = 20}}));
  CHECK(moves_on({.augment = {.picture = picture, .flip = true}}));
  CHECK(moves_on({.augment = {.noise = 0.1}}));
  CHECK(moves_on({.corrupt = {.gaussian = 0.1}}));
  CHECK(moves_on({.corrupt = {.mask = 0.3}}));
  CHECK(moves_on({.corrupt = {.salt = 0.3}}));
  CHECK_FALSE(moves_on({.binarize = Binarize::threshold}));
  CHECK_FALSE(moves_on({}));
}

TEST_CASE("changes: what does not suit the data is one sentence") {
  const Vae<B> model(gaussian_spec());
  const Data<double> data = bytes(2);
  Data<double> numbers;
  numbers.input = data.input.numbers();
  const auto problem = [&](const BatchChanges& changes, const Data<double>& with) {
    try {
      given_inputs(model, with, changes, 1);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(problem({.dequantize = true}, numbers) ==
        "longhand: dequantize is for bytes, and these samples are numbers");
  CHECK(problem({.augment = {.shift = 1}}, data) ==
        "longhand: augment: shift, rotate and flip need the shape of the pictures");
  CHECK(problem({.augment = {.picture = {7, 5}, .flip = true}}, data) ==
        "longhand: augment: pictures of 7x5x1 have 35 numbers, the samples 30");
  CHECK(problem({.augment = {.picture = {6, 5}, .shift = 5}}, data) ==
        "longhand: augment: shift is 5, which moves pictures of 6x5 out of sight");
  CHECK(problem({.augment = {.picture = {6, 5}, .rotate = 181}}, data) ==
        "longhand: augment: rotate is 181, expected 0 to 180 degrees");
  CHECK(problem({.corrupt = {.mask = 1}}, data) ==
        "longhand: corrupt: mask is 1, expected a probability in [0, 1)");
  CHECK(problem({.corrupt = {.gaussian = -1}}, data) ==
        "longhand: corrupt: gaussian is -1, expected 0 or more");
  Data<double> gaps;
  gaps.input = data.input.numbers();
  gaps.mask = Samples<double>(Samples<double>::Matrix::Ones(kDim, 2));
  CHECK(problem({.augment = {.picture = {6, 5}, .flip = true}}, gaps) ==
        "longhand: augment: samples with missing numbers cannot be shifted, turned or flipped");
  Vae<B> own(gaussian_spec());
  Trainer stream(own, {.batch = 2, .changes = {.dequantize = true}});
  stream.step(data);
  CHECK_THROWS_AS(stream.step(numbers), std::invalid_argument);
  CHECK_THROWS_AS(Trainer(own, {.changes = {.corrupt = {.salt = 2}}}), std::invalid_argument);
}
