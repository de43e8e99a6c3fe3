// SPDX-License-Identifier: MIT
// Somebody else's likelihood: a right one passes, and each error is found.
#include <longhand/gradcheck/check_likelihood.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <longhand/gradcheck/prove_power.hpp>

using namespace longhand;

namespace {

enum class Fault { none, ignores_weight, multiplies_by_mask, fused_value, fused_gradient, outside };

/// -log p = (a - t)^2 / 2, by plain loops.
struct Squares {
  Fault fault = Fault::none;

  Index output_rows(Index rows) const { return rows; }

  template <class B>
  void value(const Pass<B>&, ConstView<B> a, const Batch<B>& batch, View<B> nll) const {
    using S = typename B::Scalar;
    for (Index j = 0; j < a.cols; ++j) {
      S sum(0);
      for (Index i = 0; i < a.rows; ++i) {
        const S r = a(i, j) - batch.input(i, j);
        sum += kept(batch, i, j, S(0.5) * r * r);
      }
      nll(0, j) = sum;
    }
  }
  template <class B>
  void gradient(const Pass<B>&, ConstView<B> w, ConstView<B> a, const Batch<B>& batch,
                View<B> da) const {
    using S = typename B::Scalar;
    for (Index j = 0; j < a.cols; ++j)
      for (Index i = 0; i < a.rows; ++i) {
        const S weight = fault == Fault::ignores_weight ? S(1) : w(0, j);
        da(i, j) = kept(batch, i, j, weight * (a(i, j) - batch.input(i, j)));
      }
    if (fault == Fault::outside && da.ld > da.rows) da(da.rows, 0) = S(0);
  }
  template <class B>
  void value_and_gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> a,
                          const Batch<B>& batch, View<B> nll, View<B> da) const {
    value<B>(pass, a, batch, nll);
    gradient<B>(pass, w, a, batch, da);
    if (fault == Fault::fused_value) nll(0, 0) += typename B::Scalar(1);
    if (fault == Fault::fused_gradient) da(0, 0) = -da(0, 0);
  }

 private:
  template <class B, class S>
  S kept(const Batch<B>& batch, Index i, Index j, const S& term) const {
    if (!batch.mask.present()) return term;
    if (fault == Fault::multiplies_by_mask) return batch.mask(i, j) * term;
    return batch.mask(i, j) > S(0) ? term : S(0);
  }
};

}  // namespace

TEST_CASE("likelihood check: a stranger's likelihood, its power and its faults") {
  LONGHAND_CHECK(check_likelihood("squares", Squares{}));
  LONGHAND_CHECK(prove_power([](const CheckOptions& options) {
    return check_likelihood("squares", Squares{}, {}, options);
  }));
  const auto broken = [](Fault fault, const std::string& says) {
    const GradientReport report = check_likelihood("squares", Squares{fault});
    CHECK(report.verdict == Verdict::fail);
    CHECK_MESSAGE(report.reason.find(says) != std::string::npos, report.text());
  };
  broken(Fault::ignores_weight, "batch of 1: wrong by differences");
  broken(Fault::multiplies_by_mask, "choose it away, do not multiply it by 0");
  broken(Fault::fused_value, "value_and_gradient gives another value");
  broken(Fault::fused_gradient, "value_and_gradient gives another gradient");
  broken(Fault::outside, "outside of the gradient of 'output'");
}
