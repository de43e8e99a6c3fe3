// SPDX-License-Identifier: MIT
#include "longhand/latent/prior_fit.hpp"

#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "math/formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

using Codes = Eigen::MatrixXd;

/// Codes drawn from a mixture, the same ones with every standard library.
class Draws {
 public:
  explicit Draws(unsigned seed) : random_(seed) {}
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  double normal() {
    const double r = std::sqrt(-2 * std::log(uniform()));
    return r * std::cos(2 * std::numbers::pi * uniform());
  }
  Codes from(const EqualMixture& p, Index n) {
    Codes z(p.dim, n);
    for (Index j = 0; j < n; ++j) {
      const auto k = static_cast<Index>(uniform() * static_cast<double>(p.components()));
      for (Index i = 0; i < p.dim; ++i) z(i, j) = p.mean(i, k) + p.deviation * normal();
    }
    return z;
  }

 private:
  std::mt19937_64 random_;
};

EqualMixture normal(Index dim, double scale = 1) { return mixture_of(NormalPrior{scale}, dim); }
EqualMixture ring(Index components, double radius, double deviation) {
  return mixture_of(RingPrior{components, radius, deviation}, 2);
}

struct Fit {
  double mean_gap, covariance_gap, mmd;
  Fit(const Codes& codes, const EqualMixture& p) {
    const NamedValues all = prior_fit(codes, p);
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "mean_gap");
    CHECK(all[1].name == "covariance_gap");
    CHECK(all[2].name == "mmd");
    mean_gap = all[0].value, covariance_gap = all[1].value, mmd = all[2].value;
  }
};

void check_near(const Fit& got, const Fit& want, double tolerance) {
  const auto near = [&](const char* name, double a, double b) {
    CAPTURE(name);
    CAPTURE(a);
    CAPTURE(b);
    CHECK_FALSE(!(std::abs(a - b) <= tolerance));
  };
  near("mean_gap", got.mean_gap, want.mean_gap);
  near("covariance_gap", got.covariance_gap, want.covariance_gap);
  near("mmd", got.mmd, want.mmd);
}

/// The kernel of the page, of two codes at this squared distance.
long double kernel(long double square, long double v) {
  long double sum = 0;
  for (const long double c : {0.25L, 1.0L, 4.0L}) sum += std::exp(-square / (2 * c * v)) / 3;
  return sum;
}
/// The kernel's mean where each of its J coordinates is a normal number of this variance, around a
/// distance whose square is given.
long double mean_kernel(long double square, long double v, long double variance, long double J) {
  long double sum = 0;
  for (const long double c : {0.25L, 1.0L, 4.0L})
    sum += std::pow(c * v / (c * v + variance), J / 2) *
           std::exp(-square / (2 * (c * v + variance))) / 3;
  return sum;
}

}  // namespace

TEST_CASE("prior fit: worked numbers of the page [ADV-11] [ADV-12] [ADV-13]") {
  Codes line(1, 3);
  line << 2, 1.5, 3;
  const Fit one(line, normal(1));
  check_worked("adv_mmd(prior=normal)", one.mmd, 0.5506841857467875);
  check_worked("adv_mean_gap(prior=normal)", one.mean_gap, 2.1666666666666665);
  check_worked("adv_covariance_gap(prior=normal)", one.covariance_gap, 0.4166666666666667);

  Codes plane(2, 3);
  plane << 2.5, -1, -0.5,  //
      0, 1.5, -2;
  const Fit two(plane, ring(3, 2, 0.5));
  check_worked("adv_mmd(prior=ring)", two.mmd, -0.20668330276936225);
  check_worked("adv_mean_gap(prior=ring)", two.mean_gap, 0.2222222222222222);
  check_worked("adv_covariance_gap(prior=ring)", two.covariance_gap, 0.5925925925925926);

  const auto point = [](double x, double y, const EqualMixture& p) {
    Codes same(2, 4);
    same.colwise() = Eigen::Vector2d(x, y);
    return Fit(same, p).mmd;
  };
  check_worked("adv_mmd_point(at=(0, 0), prior=normal)", point(0, 0, normal(2)),
               0.24074074074074073);
  check_worked("adv_mmd_point(at=(1, -2), prior=normal)", point(1, -2, normal(2)),
               0.8160046602421566);
  check_worked("adv_mmd_point(at=(0, 0), prior=ring)", point(0, 0, ring(3, 2, 0.5)),
               0.37423947389034595);
}

TEST_CASE("prior fit: means of the ring, mean and covariance of a mixture [ADV-2] [ADV-12]") {
  const EqualMixture three = ring(3, 2, 0.5);
  const double root = 1.7320508075688772;
  check_worked("adv_ring_mean[0,0](K=3, radius=2)", three.mean(0, 0), 2);
  check_worked("adv_ring_mean[1,0](K=3, radius=2)", three.mean(1, 0), 0);
  check_worked("adv_ring_mean[0,1](K=3, radius=2)", three.mean(0, 1), -1);
  check_worked("adv_ring_mean[1,1](K=3, radius=2)", three.mean(1, 1), root);
  check_worked("adv_ring_mean[0,2](K=3, radius=2)", three.mean(0, 2), -1);
  check_worked("adv_ring_mean[1,2](K=3, radius=2)", three.mean(1, 2), -root);

  for (const Index components : {2, 3, 4, 5, 10, 33}) {
    CAPTURE(components);
    const EqualMixture p = ring(components, 4, 0.5);
    CHECK_FALSE(!(mean_of(p).cwiseAbs().maxCoeff() <= 1e-14));
    // Two means stand on the first axis; three or more are as wide in every direction.
    Eigen::Matrix2d want = Eigen::Matrix2d::Identity() * (8 + 0.25);
    if (components == 2) want << 16.25, 0, 0, 0.25;
    CHECK_FALSE(!((covariance_of(p) - want).cwiseAbs().maxCoeff() <= 1e-13));
  }
  CHECK(mean_of(normal(3, 0.5)) == Eigen::VectorXd::Zero(3));
  CHECK(covariance_of(normal(3, 0.5)) == 0.25 * Eigen::MatrixXd::Identity(3, 3));
  const EqualMixture skew{2, {1, 2, 3, -4}, 0.5};
  CHECK(mean_of(skew) == Eigen::Vector2d(2, -1));
  CHECK(covariance_of(skew) == (Eigen::Matrix2d() << 1.25, -3, -3, 9.25).finished());
}

TEST_CASE("prior fit: codes that are all equal, in closed form [ADV-11] [ADV-12] [ADV-13]") {
  for (const Index J : {1, 2, 7, 50})
    for (const double scale : {1.0, 0.3})
      for (const Index n : {2, 5}) {
        CAPTURE(J);
        CAPTURE(scale);
        CAPTURE(n);
        Codes same(J, n);
        long double square = 0;
        for (Index i = 0; i < J; ++i) {
          same.row(i).setConstant(scale * std::sin(static_cast<double>(i + 1)));
          square += static_cast<long double>(same(i, 0)) * same(i, 0);
        }
        const long double s2 = static_cast<long double>(scale) * scale, v = s2 * J;
        const long double want =
            1 - 2 * mean_kernel(square, v, s2, J) + mean_kernel(0, v, 2 * s2, J);
        const Fit got(same, normal(J, scale));
        CHECK_FALSE(!(std::abs(got.mmd - static_cast<double>(want)) <= 1e-14));
        CHECK_FALSE(!(std::abs(got.covariance_gap - 1) <= 1e-14));  // no variance at all
        double largest = 0;
        for (Index i = 0; i < J; ++i) largest = std::max(largest, std::abs(same(i, 0)) / scale);
        CHECK_FALSE(!(std::abs(got.mean_gap - largest) <= 1e-14));
      }
}

TEST_CASE("prior fit: the prior's expectations of the kernel, by quadrature [ADV-13]") {
  // A mixture that is not symmetric in one dimension, whose density the trapezoids sum.
  const EqualMixture p{1, {-1, 0.25, 3}, 0.7};
  const auto v = static_cast<long double>(covariance_of(p)(0, 0));
  const auto density = [&](long double z, long double variance) {
    return std::exp(-z * z / (2 * variance)) /
           std::sqrt(2 * std::numbers::pi_v<long double> * variance);
  };
  const long double s2 = 0.7L * 0.7L, step = 1.0L / 64;
  const auto to_prior = [&](long double code) {
    long double sum = 0;
    for (long double z = -20; z <= 20; z += step)
      for (const double m : p.means)
        sum += step * kernel((code - z) * (code - z), v) * density(z - m, s2) / 3;
    return sum;
  };
  long double within_prior = 0;  // the difference of two draws is a normal number, too
  for (long double z = -20; z <= 20; z += step)
    for (const double m : p.means)
      for (const double l : p.means)
        within_prior += step * kernel(z * z, v) * density(z - (m - l), 2 * s2) / 9;
  Codes codes(1, 2);
  codes << -0.3, 1.9;
  const long double want =
      kernel(2.2L * 2.2L, v) - to_prior(codes(0)) - to_prior(codes(1)) + within_prior;
  CHECK_FALSE(!(std::abs(squared_mmd(codes, p) - static_cast<double>(want)) <= 1e-13));
}

TEST_CASE("prior fit: codes drawn from the prior fit it [ADV-11] [ADV-12] [ADV-13]") {
  Draws draws(1);
  constexpr Index n = 1000;
  for (const EqualMixture& p : {normal(1), normal(2, 3), normal(8), ring(10, 4, 0.5), ring(3, 1, 1),
                                EqualMixture{2, {5, 1, 5, 2, -1, 0}, 0.4}}) {
    CAPTURE(p.dim);
    CAPTURE(p.components());
    const Fit fit(draws.from(p, n), p);
    CAPTURE(fit.mean_gap);
    CAPTURE(fit.covariance_gap);
    CAPTURE(fit.mmd);
    // Five standard errors: a mean's is sqrt(1/n), a normal variance's sqrt(2/n). The estimate's
    // standard deviation is 0.4/n at most.
    CHECK_FALSE(!(fit.mean_gap <= 5 / std::sqrt(double{n})));
    CHECK_FALSE(!(fit.covariance_gap <= 5 * std::sqrt(2 / double{n})));
    CHECK_FALSE(!(std::abs(fit.mmd) <= 2 / double{n}));
  }
}

TEST_CASE("prior fit: the estimate has no bias, however few the codes [ADV-13]") {
  Draws draws(2);
  const EqualMixture p = ring(4, 2, 0.5);
  for (const Index n : {2, 10}) {
    CAPTURE(n);
    double sum = 0, squares = 0;
    constexpr int times = 4000;
    for (int t = 0; t < times; ++t) {
      const double mmd = squared_mmd(draws.from(p, n), p);
      sum += mmd, squares += mmd * mmd;
    }
    const double mean = sum / times, error = std::sqrt((squares / times - mean * mean) / times);
    CAPTURE(mean);
    CAPTURE(error);
    // With equal pairs among the pairs, or 1/n^2, it would be off by 0.5/n: 15 errors and more.
    CHECK_FALSE(!(std::abs(mean) <= 4 * error));
    CHECK(error < 0.5 / double(n) / 15);
  }
}

TEST_CASE("prior fit: each figure sees what it is for [ADV-11] [ADV-12] [ADV-13]") {
  Draws draws(3);
  constexpr Index n = 1000;
  const EqualMixture p = normal(2), circle = ring(10, 4, 0.5);
  const Codes fitting = draws.from(p, n);
  const Fit fit(fitting, p);

  Codes moved = fitting;
  moved.row(1).array() -= 1;
  const Fit off(moved, p);
  CHECK_FALSE(!(std::abs(off.mean_gap - 1) <= fit.mean_gap + 1e-12));
  CHECK(off.covariance_gap == doctest::Approx(fit.covariance_gap));
  CHECK_FALSE(!(std::abs(off.mmd - 0.0893) <= 0.02));

  const Fit wide(2 * fitting, p);  // variances of 4: three more than 1
  CHECK_FALSE(!(std::abs(wide.covariance_gap - 3) <= 4 * fit.covariance_gap + 1e-12));
  CHECK_FALSE(!(std::abs(wide.mmd - 0.0916) <= 0.02));

  Codes tilted = fitting;  // variances stay, a covariance of 0.8
  tilted.row(1) = 0.8 * fitting.row(0) + 0.6 * fitting.row(1);
  CHECK_FALSE(!(std::abs(Fit(tilted, p).covariance_gap - 0.8) <= 0.1));

  // A normal distribution with the ring's mean and covariance: only the third figure tells.
  const Codes round = draws.from(normal(2, std::sqrt(8.25)), n);
  const Fit ringed(round, circle);
  CHECK_FALSE(!(ringed.mean_gap <= 5 / std::sqrt(double{n})));
  CHECK_FALSE(!(ringed.covariance_gap <= 5 * std::sqrt(2 / double{n})));
  CHECK_FALSE(!(std::abs(ringed.mmd - 0.0207) <= 0.004));
}

TEST_CASE(
    "prior fit: order, place and units of the codes do not matter [ADV-11] [ADV-12] [ADV-13]") {
  Draws draws(4);
  const EqualMixture p = ring(5, 2, 0.5);
  const Codes codes = 1.3 * draws.from(p, 200);
  const Fit plain(codes, p);

  check_near(Fit(codes.rowwise().reverse(), p), plain, 1e-13);
  Codes shuffled(codes.rows(), codes.cols());
  for (Index j = 0; j < codes.cols(); ++j) shuffled.col(j) = codes.col((j * 77 + 5) % 200);
  check_near(Fit(shuffled, p), plain, 1e-13);

  // Codes and means moved together.
  EqualMixture there = p;
  for (std::size_t k = 0; k < there.means.size(); ++k) there.means[k] += k % 2 == 0 ? 7 : -3;
  check_near(Fit(codes.colwise() + Eigen::Vector2d(7, -3), there), plain, 1e-12);

  // Everything twice as large: every ratio is the same, to the last bit.
  EqualMixture large = p;
  for (double& m : large.means) m *= 2;
  large.deviation *= 2;
  const Fit doubled(2 * codes, large);
  CHECK(doubled.mean_gap == plain.mean_gap);
  CHECK(doubled.covariance_gap == plain.covariance_gap);
  CHECK(doubled.mmd == plain.mmd);
}

TEST_CASE(
    "prior fit: NaN for fewer than two codes or codes that are not finite "
    "[ADV-11] [ADV-12] [ADV-13]") {
  const auto check_nothing = [](const Codes& codes) {
    const Fit fit(codes, normal(2));
    CHECK(std::isnan(fit.mean_gap));
    CHECK(std::isnan(fit.covariance_gap));
    CHECK(std::isnan(fit.mmd));
  };
  check_nothing(Codes(2, 0));
  check_nothing(Codes::Zero(2, 1));
  for (const double bad : {kNan, kInf, -kInf}) {
    Codes codes = Codes::Random(2, 5);
    codes(1, 3) = bad;
    check_nothing(codes);
  }
  const Fit two(Codes::Zero(2, 2), normal(2));
  CHECK(std::isfinite(two.mmd));
  // Codes that are far away are as far as can be, and nothing overflows.
  Codes far(2, 2);
  far << 1e100, -1e100, 0, 1;
  const double want = static_cast<double>(mean_kernel(0, 2, 2, 2));
  CHECK(Fit(far, normal(2)).mmd == doctest::Approx(want));
}

TEST_CASE("prior fit: many codes are thinned out evenly") {
  Eigen::MatrixXd codes(1, 10);
  for (Eigen::Index j = 0; j < 10; ++j) codes(0, j) = double(j);
  CHECK(detail::thinned(codes, 10) == codes);
  const Eigen::MatrixXd some = detail::thinned(codes, 4);
  REQUIRE(some.cols() == 4);
  for (Eigen::Index j = 0; j < 4; ++j) CHECK(some(0, j) == double(3 * j));
}
