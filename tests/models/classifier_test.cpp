// SPDX-License-Identifier: MIT
#include "longhand/models/classifier.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "longhand/gradcheck/check_model.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using Matrix = Samples<double>::Matrix;

/// Samples on a circle in three thirds of it, and which third.
struct Thirds {
  Data<double> data;
  std::vector<Index> labels;
  explicit Thirds(Index n) {
    Matrix x(2, n);
    for (Index j = 0; j < n; ++j) {
      const double angle = 2 * 3.141592653589793 * static_cast<double>(j) / static_cast<double>(n);
      x.col(j) << std::cos(angle), std::sin(angle);
      labels.push_back(3 * j / n);
    }
    data.input = Samples<double>(std::move(x));
    data.condition = one_hot<double>(labels, 3);
  }
};

}  // namespace

TEST_CASE("classifier: its gradient under the checker [CLS-3]") {
  for (const NetSpec& hidden : {NetSpec{}, mlp({5}, Tanh{})})
    LONGHAND_CHECK(check_model("classifier",
                               [&]<class B>() {
                                 return Classifier<B>(
                                     {.input_dim = 4, .classes = 3, .hidden = hidden, .seed = 2});
                               },
                               {.labels = true}));
}

TEST_CASE("classifier: it learns three thirds of a circle, and says how sure it is [CLS-4]") {
  using B = Cpu<double>;
  const Thirds thirds(300);
  Classifier<B> model({.input_dim = 2, .classes = 3, .seed = 1});
  Trainer trainer(model, {.epochs = 60, .batch = 300, .learning_rate = 0.1});
  const TrainResult result = trainer.fit(thirds.data);
  CHECK(result.history.back().term("nll") < 0.3);
  const Evaluation seen = evaluate(model, thirds.data);
  CHECK(seen.term("accuracy") > 0.97);
  Matrix two(2, 2);
  two << 1, 0, 0, -3;
  const Samples<double> p = model.probabilities(Samples<double>(std::move(two)));
  double right = 0;
  for (Index k = 0; k < 3; ++k) right += p.view()(k, 0);
  CHECK(right == doctest::Approx(1).epsilon(1e-14));
  // (0, -3) lies at three quarters of the circle.
  CHECK(p.view()(2, 1) > 0.9);
}

TEST_CASE("classifier: its terms by hand [CLS-1] [CLS-2] [CLS-4]") {
  using B = Cpu<double>;
  Classifier<B> model({.input_dim = 2, .classes = 3, .seed = 1});
  const Thirds thirds(6);
  const Evaluation all = evaluate(model, thirds.data);
  const View<B> w = model.params()[BlockId{0}], b = model.params()[BlockId{1}];
  double nll = 0, right = 0;
  for (Index j = 0; j < 6; ++j) {
    const auto x = [&](Index i) { return thirds.data.input(i, j); };
    double logits[3], sum = 0;
    Index best = 0;
    for (Index k = 0; k < 3; ++k) {
      logits[k] = b(0, k) + w(0, k) * x(0) + w(1, k) * x(1);
      sum += std::exp(logits[k]);
      if (logits[k] > logits[best]) best = k;
    }
    const Index label = thirds.labels[static_cast<std::size_t>(j)];
    nll += std::log(sum) - logits[label];
    right += best == label;
    Matrix one(2, 1);
    one << x(0), x(1);
    const Samples<double> p = model.probabilities(Samples<double>(std::move(one)));
    for (Index k = 0; k < 3; ++k)
      CHECK(p.view()(k, 0) == doctest::Approx(std::exp(logits[k]) / sum).epsilon(1e-13));
  }
  CHECK(all.term("nll") == doctest::Approx(nll / 6).epsilon(1e-13));
  CHECK(all.term("accuracy") == doctest::Approx(right / 6).epsilon(1e-15));
}

TEST_CASE("classifier: what is wrong is one sentence") {
  using B = Cpu<double>;
  CHECK_THROWS_WITH(Classifier<B>({.input_dim = 0, .classes = 3}), doctest::Contains("input_dim"));
  CHECK_THROWS_WITH(Classifier<B>({.input_dim = 2, .classes = 1}),
                    doctest::Contains("classes is 1"));
  Classifier<B> model({.input_dim = 3, .classes = 3});
  CHECK_THROWS_WITH(model.probabilities(Samples<double>(Matrix(2, 1))),
                    doctest::Contains("has 2 numbers, expected 3"));
  Thirds thirds(30);
  thirds.data.condition = {};
  Classifier<B> two({.input_dim = 2, .classes = 3});
  CHECK_THROWS_WITH(Trainer(two, {.epochs = 1}).fit(thirds.data), doctest::Contains("condition"));
}
