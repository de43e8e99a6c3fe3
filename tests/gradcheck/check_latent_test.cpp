// SPDX-License-Identifier: MIT
// Somebody else's latent: a right one passes, and each error is found.
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <longhand/gradcheck/prove_power.hpp>

#include "instantiate/parts.hpp"

using namespace longhand;

namespace {

enum class Fault {
  none,
  forgets_kl,
  forgets_z,
  ignores_weight,
  adds_dh,
  ignores_bound,
  prior_sign,
  values_of_another,
  outside,
};

/// A Gaussian latent with an error in it.
template <class B>
class Faulty {
 public:
  using S = typename B::Scalar;
  using Cache = typename GaussianLatent<B>::Cache;

  Faulty(ParamLayout& layout, const GaussianLatentSpec& spec, Index condition_dim, Fault fault)
      : right_(layout, spec, condition_dim), fault_(fault) {
    for (std::size_t b = 0; b < layout.blocks().size(); ++b)
      prior_.push_back(static_cast<BlockId>(b));
  }
  std::vector<Term> terms() const { return right_.terms(); }
  Index head_rows() const { return right_.head_rows(); }
  Index z_rows() const { return right_.z_rows(); }

  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> condition, View<B> z,
               Cache& cache) const {
    right_.forward(pass, h, condition, z, cache);
  }
  void values(const Pass<B>& pass, const Cache& cache, View<B> rows) const {
    right_.values(pass, cache, rows);
    if (fault_ == Fault::values_of_another)
      for (Index j = 0; j < rows.cols; ++j) rows(0, j) = S(2) * rows(0, j);
  }
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> w, ConstView<B> dz,
                View<B> dh, View<B> rows) const {
    const View<B> before = pass.matrix(dh.rows, dh.cols);
    pass.backend.copy(dh, before);
    const View<B> none = pass.matrix(dz.rows, dz.cols), ones = pass.matrix(1, dz.cols);
    pass.backend.fill(none, S(0)), pass.backend.fill(ones, S(1));
    if (fault_ == Fault::forgets_kl) w = {};
    if (fault_ == Fault::forgets_z) dz = none;
    if (fault_ == Fault::ignores_weight) {
      w = ones;
      if (rows.rows == 0) rows = pass.matrix(1, dz.cols);  // nobody wants the KL
    }
    Cache used = cache;
    if (fault_ == Fault::ignores_bound) used.logvar = none;
    right_.backward(pass, used, w, dz, dh, rows);
    if (fault_ == Fault::adds_dh)
      for (Index j = 0; j < dh.cols; ++j) dh(0, j) += before(0, j);
    if (fault_ == Fault::outside && dh.ld > dh.rows) dh(dh.rows, 0) = S(0);
    if (fault_ == Fault::prior_sign && pass.grads != nullptr) {
      const View<B> bias = (*pass.grads)[prior_.back()];
      bias(0, 0) = -bias(0, 0);
    }
  }

 private:
  GaussianLatent<B> right_;
  std::vector<BlockId> prior_;
  Fault fault_;
};

GradientReport check(Fault fault, bool learned = false, bool weighed = true,
                     const CheckOptions& options = {}) {
  GaussianLatentSpec spec{.dim = 3, .logvar_bound = 3};
  if (learned) spec.prior = ConditionalPrior{};
  const Index condition = learned ? 2 : 0;
  return check_latent(
      "latent",
      [=]<class B>(ParamLayout& layout) { return Faulty<B>(layout, spec, condition, fault); },
      {.condition_dim = condition, .weighed = weighed}, options);
}

}  // namespace

TEST_CASE("latent check: a stranger's latent passes, and the check has power") {
  for (const bool learned : {false, true}) {
    const GradientReport report = check(Fault::none, learned);
    LONGHAND_CHECK(report);
    CHECK(report.dual);
    CHECK(report.tensors.size() == (learned ? 3u : 1u));
    LONGHAND_CHECK(prove_power(
        [&](const CheckOptions& options) { return check(Fault::none, learned, true, options); }));
  }
}

TEST_CASE("latent check: without its terms a latent is z alone, and its prior has no gradient") {
  for (const bool learned : {false, true}) {
    const GradientReport report = check(Fault::none, learned, false);
    LONGHAND_CHECK(report);
    CHECK(report.tensors.size() == (learned ? 3u : 1u));
    CHECK(check(Fault::forgets_z, learned, false).verdict == Verdict::fail);
  }
  const GradientReport report = check(Fault::ignores_weight, true, false);
  CHECK(report.tensors[1].verdict == Verdict::fail);  // the prior's weight, as if the KL counted
}

TEST_CASE("latent check: the head must join both gradients, assigned and weighed [ELBO-4]") {
  for (const Fault fault : {Fault::forgets_kl, Fault::forgets_z, Fault::ignores_weight,
                            Fault::adds_dh, Fault::ignores_bound, Fault::values_of_another}) {
    CAPTURE(static_cast<int>(fault));
    CHECK(check(fault).verdict == Verdict::fail);
  }
  CHECK(check(Fault::outside).reason.find("outside of the gradient of 'h'") != std::string::npos);
  // Without a weight nobody asks for the KL.
  LONGHAND_CHECK(check(Fault::forgets_kl, false, false));
}

TEST_CASE("latent check: one wrong number of the prior's gradient [KL-7]") {
  const GradientReport report = check(Fault::prior_sign, true);
  CHECK(report.verdict == Verdict::fail);
  CHECK(report.tensors[0].verdict == Verdict::pass);  // the head
  CHECK(report.tensors[1].verdict == Verdict::pass);  // the prior's weight
  CHECK(report.tensors[2].verdict == Verdict::fail);
}
