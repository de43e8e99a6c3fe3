// SPDX-License-Identifier: MIT
// A condition in the user's units: whatever a model does with it, it does to the bit what the same
// model without a transform does with a condition that was transformed before.
#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "longhand/models/vae.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Cpu<float>;
using Matrix = Samples<float>::Matrix;
constexpr Index kRows = 40;

/// Powers of two: to transform is then exact, in whatever order.
const InputTransform kTransform{InputTransform::Kind::standardize, {1024, -0.25}, {256, 0.5}};

VaeSpec spec_with(InputTransform transform) {
  VaeSpec spec{.input_dim = 5, .hidden = {8}, .latent_dim = 2, .condition_dim = 2, .seed = 3};
  spec.latent = GaussianLatentSpec{.prior = ConditionalPrior{}};
  spec.condition_names = {"dose", "age"};
  spec.condition_transform = std::move(transform);
  return spec;
}
Matrix conditions(bool transformed) {
  Matrix c(2, kRows);
  for (Index j = 0; j < kRows; ++j) {
    const float a = static_cast<float>(j % 7), b = static_cast<float>(j % 5);
    c.col(j) << (transformed ? a / 4 : 1024 + 64 * a), (transformed ? b : -0.25f + b / 2);
  }
  return c;
}
Data<float> data_with(bool transformed) {
  Matrix x(5, kRows);
  for (Index j = 0; j < kRows; ++j)
    for (Index i = 0; i < 5; ++i) x(i, j) = static_cast<float>((3 * i + j) % 8) / 8;
  Data<float> data;
  data.input = Samples<float>(std::move(x));
  data.condition = Samples<float>(conditions(transformed));
  return data;
}

struct Trained {
  Vae<B> model;
  Data<float> data;
  TrainResult result;
};
Trained trained(bool transformed) {
  Trained t{
      Vae<B>(spec_with(transformed ? InputTransform() : kTransform)), data_with(transformed), {}};
  Trainer trainer(t.model, {.epochs = 3, .batch = 16, .validation = 0.25, .seed = 5});
  t.result = trainer.fit(t.data);
  return t;
}
bool same(const Samples<float>& a, const Samples<float>& b) {
  const auto x = a.view(), y = b.view();
  return x.rows == y.rows && x.cols == y.cols && std::equal(x.data, x.data + x.size(), y.data);
}

}  // namespace

TEST_CASE("condition units: training and every verb take the condition as the user has it") {
  const Trained own = trained(false), before = trained(true);
  CHECK(own.result.history.back().loss() == before.result.history.back().loss());
  const auto weights = own.model.params().flat(), others = before.model.params().flat();
  CHECK(std::equal(weights.data, weights.data + weights.size(), others.data));

  const Samples<float>& c = own.data.condition;
  const Samples<float>& d = before.data.condition;
  const AnySamplesView<float> x = own.data.input;
  const Samples<float> z = own.model.encode(x, c);
  CHECK(same(z, before.model.encode(x, d)));
  CHECK(same(own.model.encode_logvar(x, c), before.model.encode_logvar(x, d)));
  CHECK(same(own.model.decode(z, c), before.model.decode(z, d)));
  CHECK(same(own.model.reconstruct(x, c), before.model.reconstruct(x, d)));
  for (const bool draw : {false, true})
    CHECK(same(own.model.sample(kRows, {.seed = 1, .draw = draw, .condition = c.view()}),
               before.model.sample(kRows, {.seed = 1, .draw = draw, .condition = d.view()})));
  CHECK(own.model.elbo(x, {.condition = c.view()}) ==
        before.model.elbo(x, {.condition = d.view()}));
  CHECK(evaluate(own.model, own.data, {.importance = 3}).importance_bound ==
        evaluate(before.model, before.data, {.importance = 3}).importance_bound);
  // What is left out of it would be seen: the condition matters.
  CHECK_FALSE(same(z, own.model.encode(x, d)));
}

TEST_CASE("condition units: a clone has them, and they can be replaced") {
  Vae<B> model(spec_with(kTransform));
  const Data<float> own = data_with(false), before = data_with(true);
  CHECK(
      same(model.clone().encode(own.input, own.condition), model.encode(own.input, own.condition)));
  model.set_condition_transform({});
  CHECK(model.spec().condition_transform.identity());
  CHECK(same(model.encode(own.input, before.condition),
             Vae<B>(spec_with(kTransform)).encode(own.input, own.condition)));
}

TEST_CASE("condition units: what is wrong with a condition is one sentence") {
  VaeSpec both = spec_with({});
  both.class_names = {"a", "b"};
  CHECK_THROWS_WITH(Vae<B>{both}, doctest::Contains("class_names and condition_names"));
  VaeSpec none = spec_with(kTransform);
  none.condition_dim = 0;
  none.condition_names.clear();
  none.latent = GaussianLatentSpec{};
  CHECK_THROWS_WITH(Vae<B>{none}, doctest::Contains("condition_transform is there"));
  VaeSpec few = spec_with({InputTransform::Kind::standardize, {1, 2, 3}, {1}});
  CHECK_THROWS_WITH(Vae<B>{few}, doctest::Contains("has 3 entries, expected 1 or 2"));

  Vae<B> model(spec_with(kTransform));
  Data<float> data = data_with(false);
  Matrix c = conditions(false);
  c(1, 4) = std::numeric_limits<float>::quiet_NaN();
  data.condition = Samples<float>(std::move(c));
  CHECK_THROWS_WITH(Trainer(model, {.epochs = 1}).fit(data),
                    doctest::Contains("the condition: row 4, column 1 is nan"));
}
