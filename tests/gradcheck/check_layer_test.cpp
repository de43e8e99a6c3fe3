// SPDX-License-Identifier: MIT
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <longhand/gradcheck/prove_power.hpp>
#include <longhand/layers/net.hpp>

#include "instantiate/parts.hpp"

using namespace longhand;

namespace {

/// What can be wrong with a layer although its gradient is right where differences look.
enum class Fault {
  none,
  outside,
  ignores_ld,
  adds_dx,
  assigns_always,
  changes_x,
  changes_dy,
  remembers_x,
  clips,
  counts_columns,
  refuses_empty,
  mean_over_batch,
  needs_dx,
  between_blocks,
};

/// y_ij = g_i x_ij, by plain loops: somebody else's layer.
template <class B>
class Gain {
 public:
  using S = typename B::Scalar;
  Gain(ParamLayout& layout, Index size, Fault fault)
      : gain_(layout.add({.outputs = size, .fan_in = 1, .parts = {{"gain", 0, size}}})),
        fault_(fault) {}

  void forward(const Pass<B>& pass, ConstView<B> x, View<B> y) const {
    if (fault_ == Fault::refuses_empty) require(x.cols > 0, "an empty batch");
    if (fault_ == Fault::remembers_x) remembered_ = x;
    if (fault_ == Fault::ignores_ld) x.ld = x.rows;
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) y(i, j) = weight(j) * pass.theta[gain_](0, i) * x(i, j);
    if (fault_ == Fault::changes_x && x.cols > 0) const_cast<S&>(x(0, 0)) += S(1);
  }
  void backward(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy, View<B> dx) const {
    if (fault_ == Fault::remembers_x) x = remembered_;
    if (pass.grads != nullptr) {
      const View<B> dg = (*pass.grads)[gain_];
      const bool assign = pass.grads->next_write(gain_) == Store::assign;
      for (Index i = 0; i < x.rows; ++i) {
        S sum(0);
        for (Index j = 0; j < x.cols; ++j) sum += weight(j) * share(dy(i, j), x.cols) * x(i, j);
        dg(0, i) = assign || fault_ == Fault::assigns_always ? sum : dg(0, i) + sum;
      }
      if (fault_ == Fault::between_blocks) dg.data[x.rows] = S(0);
    }
    if (!dx.present() && fault_ != Fault::needs_dx) return;
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) {
        const S d = weight(j) * pass.theta[gain_](0, i) * share(dy(i, j), x.cols);
        if (dx.present()) dx(i, j) = fault_ == Fault::adds_dx ? dx(i, j) + d : d;
      }
    if (!dx.present()) pass.grads->flat().data[0] = S(0);
    if (fault_ == Fault::outside && dx.ld > dx.rows) dx(dx.rows, 0) = S(0);
    if (fault_ == Fault::changes_dy && dy.cols > 0) const_cast<S&>(dy(0, 0)) += S(1);
  }

 private:
  S share(const S& dy, Index n) const {
    if (fault_ == Fault::clips) return choose(dy > S(2), S(2), dy);
    if (fault_ == Fault::mean_over_batch) return dy / S(static_cast<double>(n));
    return dy;
  }
  S weight(Index j) const { return fault_ == Fault::counts_columns ? S(1.0 + double(j)) : S(1); }

  BlockId gain_{};
  Fault fault_;
  mutable ConstView<B> remembered_;
};

GradientReport check_gain(Fault fault, const CheckOptions& options = {}) {
  return check_layer(
      "gain", [=]<class B>(ParamLayout& layout) { return Gain<B>(layout, 5, fault); },
      {.in = 5, .out = 5}, options);
}

}  // namespace

TEST_CASE("layer check: a stranger's layer passes, and the check has power") {
  const GradientReport report = check_gain(Fault::none);
  LONGHAND_CHECK(report);
  CHECK(report.dual);
  CHECK(report.tensors.size() == 2);
  LONGHAND_CHECK(
      prove_power([](const CheckOptions& options) { return check_gain(Fault::none, options); }));
}

TEST_CASE("layer check: every broken contract is found and named") {
  const auto broken = [](Fault fault, const std::string& says) {
    const GradientReport report = check_gain(fault);
    CHECK(report.verdict == Verdict::fail);
    CHECK_MESSAGE(report.reason.find(says) != std::string::npos, report.text());
  };
  broken(Fault::outside, "backward writes outside of the gradient of 'x'");
  broken(Fault::ignores_ld, "an output is not finite");
  broken(Fault::adds_dx, "the gradient is not finite at x[0] (NaN: never assigned?)");
  broken(Fault::assigns_always, "and twice that of the parameters");
  broken(Fault::changes_x, "forward changes its inputs");
  broken(Fault::changes_dy, "changes the gradient of the outputs");
  broken(Fault::remembers_x, "it must come from the cache of the matching forward");
  broken(Fault::clips, "of -2 dy it is not -2 times that of dy");
  broken(Fault::counts_columns, "is not the sum over its samples");
  broken(Fault::refuses_empty, "batch of 0: a call threw: longhand: an empty batch");
  broken(Fault::mean_over_batch, "batch of 2: wrong by differences");
  broken(Fault::needs_dx, "leaving out the gradient of the inputs changes that of the parameters");
  broken(Fault::between_blocks, "backward writes between the gradients of the parameters");
}

TEST_CASE("layer check: sizes must be known, and a batch must have a sample") {
  const auto make = []<class B>(ParamLayout& layout) { return Gain<B>(layout, 5, Fault::none); };
  CHECK(check_layer("gain", make).reason.find("give their sizes") != std::string::npos);
  const GradientReport empty = check_layer("gain", make, {.in = 5, .out = 5, .batches = {0}});
  CHECK(!empty.passed());
  CHECK(empty.reason.find("nothing was checked") != std::string::npos);
  const GradientReport wrong = check_layer("gain", make, {.in = 5, .out = 6});
  CHECK(!wrong.passed());
}

TEST_CASE("layer check: a layer for one backend only has no second opinion") {
  const GradientReport report = check_layer(
      "gain", [](ParamLayout& layout) { return Gain<Cpu<double>>(layout, 5, Fault::none); },
      {.in = 5, .out = 5});
  LONGHAND_CHECK(report);
  CHECK(!report.dual);
}

TEST_CASE("layer check: has power over a net, whose forward returns its output") {
  LONGHAND_CHECK(prove_power([](const CheckOptions& options) {
    return check_layer(
        "net",
        []<class B>(ParamLayout& layout) {
          return Net<B>(layout, "net", 3, mlp({4}, Tanh{}), outputs(2));
        },
        {}, options);
  }));
}
