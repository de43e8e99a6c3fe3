// SPDX-License-Identifier: MIT
#include <longhand/gradcheck/check_model.hpp>
#include <longhand/gradcheck/doctest.hpp>

#include "instantiate/parts.hpp"

using namespace longhand;

namespace {

/// A likelihood whose fused call may say something else than its parts.
struct Twofaced : PerElement<BernoulliLogits> {
  double gradient_factor = 1, value_factor = 1;

  template <class B>
  void value_and_gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> output,
                          const Batch<B>& batch, View<B> nll, View<B> doutput) const {
    PerElement::value_and_gradient(pass, w, output, batch, nll, doutput);
    for (Index j = 0; j < doutput.cols; ++j) {
      nll(0, j) *= value_factor;
      doutput(0, j) *= gradient_factor;
    }
  }
};

GradientReport check(double gradient_factor, double value_factor) {
  return check_model("twofaced", [=]<class B>() {
    Twofaced likelihood;
    likelihood.gradient_factor = gradient_factor;
    likelihood.value_factor = value_factor;
    return Vae<B, Twofaced>({.input_dim = 3, .hidden = mlp({4}, Tanh{}), .latent_dim = 2},
                            likelihood);
  });
}

}  // namespace

TEST_CASE("model check: a model with a likelihood of one's own, and its faults") {
  LONGHAND_CHECK(check(1, 1));
  const GradientReport wrong = check(1.001, 1);
  CHECK(wrong.verdict == Verdict::fail);
  CHECK(wrong.reason.find("wrong by differences") != std::string::npos);
  CHECK(check(1, 2).reason.find("step gives other terms than values") != std::string::npos);
}
