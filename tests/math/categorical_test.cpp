// SPDX-License-Identifier: MIT
#include "math/categorical.hpp"

#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/dual.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>

#include "backend/fake_device.hpp"
#include "backend/through.hpp"
#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// u -> g.
struct Noise {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    return {gumbel(x[0])};
  }
};
/// (l, tau, u) -> a.
struct Perturb {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 3>& x) const {
    std::array<T, 1> a;
    PerturbLogit{}(x[0], x[1], x[2], a[0]);
    return a;
  }
};
/// (y, dy, s, tau, dl) -> (y dy, dl).
struct PassDown {
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 5>& x) const {
    std::array<T, 2> r;
    SoftmaxDot{}(x[0], x[1], r[0]);
    SoftmaxBackward{}(x[0], x[1], x[2], x[3], x[4], r[1]);
    return r;
  }
};
constexpr Index kClasses = 7;
/// (l, lse, kl, w) -> (summand of the KL, dl), with q = e^(l - lse).
struct Kl {
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 4>& x) const {
    const T q = exp(x[0] - x[1]);
    std::array<T, 2> r;
    UniformKl::over(kClasses)(q, x[0], x[1], r[0]);
    UniformKlGradient{UniformKl::over(kClasses)}(q, x[0], x[1], x[2], x[3], r[1]);
    return r;
  }
};

/// u + e^-u - 1 to all digits.
long double above_tangent(long double u) {
  if (std::fabs(u) > 1) return u + std::expm1(-u);
  long double term = -u, sum = 0;
  for (int k = 2; k < 32; ++k) sum += term *= -u / k;
  return sum;
}

/// KL of softmax(l) to the uniform distribution, and its gradient, in long double.
struct ExactKl {
  long double kl = 0, lse = 0;
  std::vector<long double> q, dl;

  template <class S>
  ExactKl(const Matrix<S>& l, Index j) {
    const Index classes = l.rows();
    long double largest = l(0, j), sum = 0;
    for (Index i = 0; i < classes; ++i) largest = std::max<long double>(largest, l(i, j));
    for (Index i = 0; i < classes; ++i) sum += std::exp(l(i, j) - largest);
    lse = largest + std::log(sum);
    const long double log_classes = std::log(static_cast<long double>(classes));
    std::vector<long double> u;
    for (Index i = 0; i < classes; ++i) {
      u.push_back(l(i, j) - largest - std::log(sum) + log_classes);
      q.push_back(std::exp(l(i, j) - largest) / sum);
      kl += q.back() == 0 ? 1.0L / classes : q.back() * above_tangent(u.back());
    }
    for (std::size_t i = 0; i < q.size(); ++i) dl.push_back(q[i] * (u[i] - kl));
  }
};

/// What rounding to S may do to a KL of K classes and to an entry of its gradient. Every
/// u = l - lse + log K is off by at most what its three terms and the error of lse are (three
/// roundings; the sum behind lse has K + 6), q by relatively as much as the softmax is.
template <class S>
struct KlBound {
  long double kl, dl;
  KlBound(const ExactKl& exact, const Matrix<S>& l, Index j, std::size_t i) {
    const auto classes = static_cast<long double>(l.rows());
    const long double unit = rounding_unit<S>(), log_classes = std::log(classes);
    long double spread = 0, worst_u = 0, of_kl = 0;
    for (std::size_t k = 0; k < exact.q.size(); ++k)
      spread = std::max(spread, std::fabs(l(static_cast<Index>(k), j) - exact.lse));
    worst_u = unit * (2 * std::fabs(exact.lse) + 2 * spread + 6 * log_classes + classes + 12);
    const long double of_q = unit * (spread + 2 * classes + 20);
    for (std::size_t k = 0; k < exact.q.size(); ++k) {
      const long double u = l(static_cast<Index>(k), j) - exact.lse + log_classes;
      const long double term = exact.q[k] * above_tangent(u);
      const bool near = std::fabs(u) < 0.51L;
      // [CAT-10]: q (e^-u - 1 + u) near 0, q u - q + 1/K elsewhere.
      of_kl += near ? term * (of_q + 8 * unit) + std::fabs(exact.q[k] - 1 / classes) * worst_u +
                          exact.q[k] * worst_u * worst_u
                    : exact.q[k] * (std::fabs(u) + 1) * (of_q + 4 * unit) + 2 * unit / classes +
                          exact.q[k] * worst_u;
    }
    const long double least = 200 * static_cast<long double>(std::numeric_limits<S>::min());
    kl = of_kl + classes * unit * exact.kl + least;
    const long double u = l(static_cast<Index>(i), j) - exact.lse + log_classes;
    dl = exact.q[i] * ((std::fabs(u) + exact.kl) * (of_q + 4 * unit) + worst_u + kl) + least;
  }
};

/// Largest error over bound of the KL and of its gradient, over all columns of l.
template <class B>
double worst_kl(const Matrix<typename B::Scalar>& l, double* least = nullptr) {
  using S = typename B::Scalar;
  CategoricalStep<B> step({l.rows(), 1, l.cols()});
  step.l = l;
  step.u.fill(0.5), step.dy.fill(0), step.w.fill(1);
  step.forward();
  step.backward();
  WorstRatio worst;
  for (Index j = 0; j < l.cols(); ++j) {
    const ExactKl exact(l, j);
    worst.see(step.kl(0, j), exact.kl, KlBound<S>(exact, l, j, 0).kl);
    for (std::size_t i = 0; i < exact.q.size(); ++i)
      worst.see(step.dl(static_cast<Index>(i), j), exact.dl[i], KlBound<S>(exact, l, j, i).dl);
    if (least != nullptr) *least = std::min(*least, static_cast<double>(step.kl(0, j)));
  }
  return worst.worst();
}

void check_near(const char* name, double got, double want) {
  CAPTURE(name);
  CAPTURE(got);
  CAPTURE(want);
  CHECK_FALSE(!(std::abs(got - want) <= 1e-14 * std::max(1.0, std::abs(want))));
}
template <class S>
void check_near(const char* name, const Matrix<S>& got, const std::vector<double>& want) {
  REQUIRE(got.flat().size() == want.size());
  for (std::size_t k = 0; k < want.size(); ++k) check_near(name, got.flat()[k], want[k]);
}
template <class S>
void assign(Matrix<S>& to, const std::vector<double>& numbers) {
  for (std::size_t k = 0; k < numbers.size(); ++k)
    to(static_cast<Index>(k) % to.rows(), static_cast<Index>(k) / to.rows()) =
        static_cast<S>(numbers[k]);
}

/// The page's example: one variable of three classes, two samples.
template <class B>
CategoricalStep<B> page_example() {
  CategoricalStep<B> step({3, 1, 2});
  assign(step.l, {0.5, -0.2, 0.1, 1, 0, -1});
  assign(step.u, {0.3, 0.7, 0.5, 0.9, 0.2, 0.6});
  assign(step.dy, {1, -0.5, 0.25, 0.2, 0.4, -1});
  step.w.fill(0.5);
  step.tau = 0.5;
  step.forward();
  step.backward();
  return step;
}
template <class B>
void check_page_example() {
  const CategoricalStep<B> step = page_example<B>();
  check_near("lse", step.lse, {1.2733000436247917, 1.4076059644443804});
  check_near("q", step.q,
             {0.4614876233887257, 0.22916797165646594, 0.30934440495480836, 0.6652409557748219,
              0.24472847105479764, 0.09003057317038046});
  check_near("a", step.a,
             {0.6287464822752687, 1.6618608663174461, 0.9330258411633287, 6.500734654624891,
              -0.9517699906542212, -0.6565460158157559});
  check_near("y", step.y,
             {0.19359394749778536, 0.5439608598548631, 0.2624451926473516, 0.9986426871763253,
              0.0005791999054783649, 0.0007781129181962983});
  check_near("hard", step.hard, {0, 1, 0, 1, 0, 0});
  check_near("s", step.s, {-0.012775184267808281, 0.1991821044792601});
  check_near("kl", step.kl, {0.041156902901868436, 0.26621670682817083});
  check_near("KL", step.kl_sample, {0.041156902901868436, 0.26621670682817083});
  check_near("w", step.w_variable, {0.5, 0.5});
  check_near("dl", step.dl,
             {0.45770137845943776, -0.5777115977994309, 0.12001021933999319, 0.14292729630104345,
              -0.07015255132260712, -0.07277474497843635});
}

}  // namespace

TEST_CASE(
    "categorical: worked numbers "
    "[CAT-1] [CAT-2] [CAT-3] [CAT-4] [CAT-5] [CAT-6] [CAT-10] [CAT-11]") {
  check_page_example<Reference<double>>();
  check_page_example<Cpu<double>>();
  check_near("gumbel", gumbel(0.3), -0.18562675886236565);
  check_near("gumbel", gumbel(0.7), 1.030930433158723);
  check_near("gumbel", gumbel(0.5), 0.36651292058166435);
  check_near("gumbel", gumbel(0.9), 2.2503673273124454);
  check_near("gumbel", gumbel(0.2), -0.4758849953271106);
  check_near("gumbel", gumbel(0.6), 0.671726992092122);
  const auto step = page_example<Reference<double>>();
  const double terms[2][3] = {{0.021973284768899197, 0.018298928868929636, 0.0008846892640396036},
                              {0.12777808513155164, 0.012985312440207107, 0.12545330925641207}};
  const double slopes[2][3] = {{0.13113417351806775, -0.09529827676562107, -0.035835896752446667},
                               {0.2825874510794423, -0.14077035746963013, -0.14181709360981215}};
  const double through[2][3] = {
      {0.3921342917004039, -0.5300624594166204, 0.13792816771621652},
      {0.0016335707613223172, 0.0002326274122079534, -0.0018661981735302706}};
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < 3; ++i) {
      double term, slope, passed;
      step.prior()(step.q(i, j), step.l(i, j), step.lse(0, j), term);
      UniformKlGradient{step.prior()}(step.q(i, j), step.l(i, j), step.lse(0, j), step.kl(0, j),
                                      1.0, slope);
      SoftmaxBackward{}(step.y(i, j), step.dy(i, j), step.s(0, j), 0.5, 0.0, passed);
      check_near("term", term, terms[j][i]);
      check_near("slope", slope, slopes[j][i]);
      check_near("through", passed, through[j][i]);
    }
}

TEST_CASE("categorical: the same step by the kernels of a GPU [CAT-3] [CAT-10] [CAT-11]") {
  using Device = Through<FakeDevice>;
  const CategoricalShape shape{10, 3, 33};
  const auto run = [&]<class B>(CategoricalStep<B>& step) {
    step.l.randomise(1, -4, 4), step.dy.randomise(2), step.w.randomise(3, 0.5, 2);
    step.tau = typename B::Scalar(0.5);
    step.forward(NoiseKey{.seed = 6, .step = 1, .stream = Stream::latent});
    step.backward();
  };
  CategoricalStep<Device> got(shape);
  CategoricalStep<Reference<double>> want(shape);
  run(got), run(want);
  CHECK(got.hard.flat() == want.hard.flat());
  // |a| <= 42, so that y is off by 42 epsilons and a few; then 1/tau.
  const double eps = std::numeric_limits<float>::epsilon();
  WorstRatio worst;
  const auto see = [&](const Matrix<float>& a, const Matrix<double>& b, double roundings) {
    for (std::size_t k = 0; k < b.flat().size(); ++k)
      worst.see(a.flat()[k], b.flat()[k], roundings * eps * (1 + std::abs(b.flat()[k])));
  };
  see(got.y, want.y, 64), see(got.kl, want.kl, 64), see(got.kl_sample, want.kl_sample, 64);
  see(got.dl, want.dl, 256);
  CAPTURE(worst.worst());
  CHECK_FALSE(!(worst.worst() <= 1));
}

TEST_CASE_TEMPLATE(
    "categorical: within the declared bounds [CAT-3] [CAT-4] [CAT-5] [CAT-10] [CAT-11]", S, float,
    double) {
  const Range unit{0x1p-24, 1 - 0x1p-24};
  const auto noise = [](long double u) { return -std::log(-std::log(u)); };
  check_errors<S>(
      "gumbel", Noise{},
      [&](const auto& x) { return std::array{Exact(noise(x[0]), 1 + std::fabs(noise(x[0])))}; },
      std::array{unit}, std::array{4.});
  check_errors<S>(
      "perturb", Perturb{},
      [&](const auto& x) {
        const long double g = noise(x[2]);
        return std::array{Exact((x[0] + g) / x[1], (std::fabs(x[0]) + 1 + std::fabs(g)) / x[1])};
      },
      std::array{Range{-80, 80}, Range{0.01, 10}, unit}, std::array{6.});
  check_errors<S>(
      "through", PassDown{},
      [](const auto& x) {
        const long double size = std::fabs(x[0]) * (std::fabs(x[1]) + std::fabs(x[2])) / x[3];
        return std::array{Exact(x[0] * x[1]),
                          Exact(x[4] + x[0] * (x[1] - x[2]) / x[3], std::fabs(x[4]) + size)};
      },
      std::array{Range{0, 1}, Range{-10, 10}, Range{-10, 10}, Range{0.01, 10}, Range{-1, 1}},
      std::array{1., 3.});
  check_errors<S>(
      "kl", Kl{},
      [](const auto& x) {
        const long double log_classes = std::log(static_cast<long double>(kClasses));
        const long double d = x[0] - x[1], u = d + log_classes, q = std::exp(d);
        const long double of_u = std::fabs(d) + std::fabs(u) + log_classes, of_q = 3 + std::fabs(d);
        const long double term = q * above_tangent(u);
        // Where the two forms meet, either may be taken.
        const long double size =
            std::fabs(u) < 0.499L
                ? term * of_q + std::fabs(q - 1.0L / kClasses) * of_u
                : term + q * (1 + std::fabs(u)) * of_q + 1.0L / kClasses + q * of_u;
        return std::array{
            Exact(term, size),
            Exact(x[3] * q * (u - x[2]), x[3] * q * ((std::fabs(u) + x[2]) * of_q + of_u))};
      },
      std::array{Range{-40, 0}, Range{0, 2}, Range{0, 2}, Range{0, 1}}, std::array{2., 2.});
}

TEST_CASE_TEMPLATE("categorical: Gumbel noise is finite for every uniform number [CAT-4]", S, float,
                   double) {
  std::vector<std::array<S, 1>> points;
  for (const float u : uniforms()) points.push_back({static_cast<S>(u)});
  CHECK(points[0][0] == S(0x1p-24));
  CHECK(points[4095][0] == 1 - S(0x1p-24));
  const auto exact = [](const auto& x) {
    const long double g = -std::log(-std::log(x[0]));
    return std::array{Exact(g, 1 + std::fabs(g))};
  };
  const double worst = worst_errors<S>(Noise{}, exact, points)[0];
  CAPTURE(worst);
  CHECK_FALSE(!(worst <= 4));
  for (const auto& outputs : {evaluate<1>(Noise{}, points), evaluate<64>(Noise{}, points)}) {
    double low = kInf, high = -kInf;
    for (const auto& g : outputs) {
      low = std::min(low, static_cast<double>(g[0]));
      high = std::max(high, static_cast<double>(g[0]));
      if (!std::isfinite(g[0])) low = -kInf;
    }
    CHECK_FALSE(!(std::abs(low + 2.8115409097662813) <= 1e-5));
    CHECK_FALSE(!(std::abs(high - 16.635532303636364) <= 1e-5));
  }
}

TEST_CASE("categorical: derivatives by differences and by dual numbers [CAT-3] [CAT-11]") {
  constexpr CategoricalShape shape{3, 2, 2};  // 12 logits -> 12 numbers of y, 2 of KL
  const auto run = [&]<class B>(const auto& x, CategoricalStep<B>& step) {
    Matrix<double> u(3, 4);
    u.randomise(21, 0.02, 0.98);
    for (std::size_t k = 0; k < 12; ++k) {
      const Index i = static_cast<Index>(k) % 3, j = static_cast<Index>(k) / 3;
      step.l(i, j) = x[k];
      step.u(i, j) = typename B::Scalar(u(i, j));
      step.dy(i, j) = typename B::Scalar(0);
    }
    for (Index n = 0; n < 2; ++n) step.w(0, n) = typename B::Scalar(1);
    step.tau = typename B::Scalar(0.7);
    step.forward();
    step.values();
  };
  std::vector<std::array<double, 12>> points(3);
  for (std::size_t p = 0; p < points.size(); ++p)
    for (std::size_t k = 0; k < 12; ++k)
      points[p][k] = (p == 0 ? 1e-3 : 2.0) * std::sin(static_cast<double>(7 * k + 3 * p + 1));
  LONGHAND_CHECK(check_formula<12>(
      "categorical", points,
      [&](const auto& x) {
        using T = std::remove_cvref_t<decltype(x[0])>;
        CategoricalStep<Reference<T>> step(shape);
        run(x, step);
        std::array<T, 14> out;
        for (Index k = 0; k < 12; ++k) out[static_cast<std::size_t>(k)] = step.y(k % 3, k / 3);
        out[12] = step.kl_sample(0, 0), out[13] = step.kl_sample(0, 1);
        return out;
      },
      [&](const auto& x, const auto& d) {
        CategoricalStep<Reference<double>> step(shape);
        run(x, step);
        for (Index k = 0; k < 12; ++k) step.dy(k % 3, k / 3) = d[static_cast<std::size_t>(k)];
        step.w(0, 0) = d[12], step.w(0, 1) = d[13];
        step.backward();
        std::array<double, 12> dl;
        for (Index k = 0; k < 12; ++k) dl[static_cast<std::size_t>(k)] = step.dl(k % 3, k / 3);
        return dl;
      }));
}

TEST_CASE("categorical: what the softmax passes is added, and sums to nothing [CAT-3] [CAT-11]") {
  using B = Reference<double>;
  CategoricalStep<B> step({5, 2, 3});
  step.l.randomise(1, -3, 3), step.u.randomise(2, 0.1, 0.9), step.dy.randomise(3);
  step.w.randomise(4, 0.5, 2);
  step.tau = 0.3;
  step.forward();
  step.backward();
  for (Index j = 0; j < 6; ++j) {
    double sum = 0, size = 0;
    for (Index i = 0; i < 5; ++i) {
      double of_kl, both;
      UniformKlGradient{step.prior()}(step.q(i, j), step.l(i, j), step.lse(0, j), step.kl(0, j),
                                      step.w(0, j / 2), of_kl);
      SoftmaxBackward{}(step.y(i, j), step.dy(i, j), step.s(0, j), step.tau, of_kl, both);
      CHECK(step.dl(i, j) == both);
      sum += both, size += std::abs(both);
    }
    CHECK_FALSE(!(std::abs(sum) <= 1e-14 * size));
    CHECK(step.w_variable(0, j) == step.w(0, j / 2));
  }
  for (Index n = 0; n < 3; ++n)
    CHECK(step.kl_sample(0, n) == step.kl(0, 2 * n) + step.kl(0, 2 * n + 1));
}

TEST_CASE_TEMPLATE("categorical: KL against long double, from uniform to one-hot [CAT-10] [CAT-11]",
                   S, float, double) {
  for (const Index classes : {2, 3, 10, 33})
    for (const double size : {1e-6, 1e-3, 0.1, 1.0, 10.0, 80.0}) {
      CAPTURE(classes);
      CAPTURE(size);
      Matrix<S> l(classes, 200);
      l.randomise(5, -size, size);
      double least = kInf;
      const double judge = worst_kl<Reference<S>>(l), packs = worst_kl<Cpu<S>>(l, &least);
      CAPTURE(judge);
      CAPTURE(packs);
      CHECK_FALSE(!(judge <= 1));
      CHECK_FALSE(!(packs <= 1));
      CHECK(least >= 0);
    }
}

TEST_CASE("categorical: near the uniform distribution digits are left [CAT-10]") {
  // Classes at 0.001, 0 and -0.001: KL is 3.3e-7 nats. q log q + log K in float is off by 7%.
  Matrix<float> l(3, 1);
  l(0) = 0.001f, l(1) = 0, l(2) = -0.001f;
  CategoricalStep<Cpu<float>> step({3, 1, 1});
  step.l = l;
  step.u.fill(0.5), step.w.fill(1);
  step.forward();
  step.values();
  const auto exact = static_cast<double>(ExactKl(l, 0).kl);
  CAPTURE(step.kl(0, 0));
  CHECK_FALSE(!(relative_error(step.kl(0, 0), exact) <= 2e-3));
  float naive = std::log(3.0f);
  for (Index i = 0; i < 3; ++i) naive += step.q(i, 0) * std::log(step.q(i, 0));
  CAPTURE(naive);
  CHECK(relative_error(naive, exact) > 0.02);
}

TEST_CASE_TEMPLATE("categorical: KL is 0 at uniform, ln K at one-hot [CAT-10] [CAT-11]", S, float,
                   double) {
  using B = Cpu<S>;
  const S eps = std::numeric_limits<S>::epsilon();
  for (const Index classes : {1, 2, 3, 10, 100}) {
    CAPTURE(classes);
    CategoricalStep<B> step({classes, 1, 4});
    for (Index i = 0; i < classes; ++i) {
      step.l(i, 0) = 0;
      step.l(i, 1) = 7;
      step.l(i, 2) = i == classes / 2 ? S(80) : S(-80);
      step.l(i, 3) = i == 0 ? S(0) : S(-1e4);
    }
    step.u.fill(0.5), step.dy.fill(0), step.w.fill(1);
    step.forward();
    step.backward();
    const S log_classes = std::log(S(classes)), u = 8 * eps * (8 + log_classes);
    for (const Index j : {0, 1}) {
      CHECK(step.kl(0, j) >= 0);
      CHECK_FALSE(!(step.kl(0, j) <= u * u));
      for (Index i = 0; i < classes; ++i) CHECK_FALSE(!(std::abs(step.dl(i, j)) <= u / S(classes)));
    }
    for (const Index j : {2, 3}) {
      CHECK_FALSE(!(std::abs(step.kl(0, j) - log_classes) <=
                    eps * (80 * 2 + 4 * log_classes + S(classes))));
      for (Index i = 0; i < classes; ++i)
        CHECK_FALSE(!(std::abs(step.dl(i, j)) <= 2 * eps * (80 * 2 + 4 * log_classes)));
    }
  }
}

TEST_CASE_TEMPLATE("categorical: a constant on the logits changes nothing [CAT-1] [CAT-11]", S,
                   float, double) {
  using B = Cpu<S>;
  const CategoricalShape shape{10, 3, 5};
  const auto at = [&](double shift) {
    CategoricalStep<B> step(shape);
    step.l.randomise(6, -4, 4), step.u.randomise(7, 0.1, 0.9), step.dy.randomise(8);
    step.w.fill(0.25);
    step.tau = S(0.5);
    for (Index j = 0; j < shape.columns(); ++j)
      for (Index i = 0; i < 10; ++i)  // multiples of 1/64: l + 64 is exact
        step.l(i, j) = std::round(step.l(i, j) * 64) / 64 + static_cast<S>(shift);
    step.forward();
    step.backward();
    return step;
  };
  const CategoricalStep<B> plain = at(0);
  for (const double shift : {64.0, -64.0}) {
    const CategoricalStep<B> moved = at(shift);
    CHECK(moved.q.flat() == plain.q.flat());
    CHECK(moved.hard.flat() == plain.hard.flat());
    // 80 is the largest logit; it is rounded twice, in lse and in l - lse.
    const double near = 2 * 80 * static_cast<double>(std::numeric_limits<S>::epsilon());
    for (Index j = 0; j < shape.columns(); ++j) {
      CHECK_FALSE(!(std::abs(moved.kl(0, j) - plain.kl(0, j)) <= near));
      for (Index i = 0; i < 10; ++i)  // through the softmax once more divided by tau
        CHECK_FALSE(!(std::abs(moved.dl(i, j) - plain.dl(i, j)) <= 8 * near));
    }
  }
}

TEST_CASE("categorical: variables are independent: KL over all their states [CAT-10]") {
  using B = Reference<double>;
  CategoricalStep<B> step({3, 4, 1});
  step.l.randomise(9, -2, 2), step.u.fill(0.5), step.w.fill(1);
  step.forward();
  step.values();
  double total = 0, kl = 0;
  int states = 0;
  for_each_state(3, 4, [&](const std::vector<Index>& state) {
    double q = 1;
    for (Index v = 0; v < 4; ++v) q *= step.q(state[static_cast<std::size_t>(v)], v);
    total += q;
    kl += q * std::log(q * 81);
    ++states;
  });
  CHECK(states == 81);
  check_worked("one", total, 1);
  check_worked("kl", step.kl_sample(0, 0), kl, 1e-13);
}

TEST_CASE("categorical: the largest perturbed logit is a draw from the softmax [CAT-5] [CAT-6]") {
  // 200,000 draws of four variables of five classes, at any temperature.
  using B = Cpu<float>;
  constexpr Index draws = 50'000;
  for (const float tau : {1.0f, 0.1f}) {
    CategoricalStep<B> step({5, 4, draws});
    for (Index j = 0; j < step.shape.columns(); ++j)
      for (Index i = 0; i < 5; ++i)
        step.l(i, j) = 1.5f * std::sin(static_cast<float>(3 * i + 5 * (j % 4)));
    step.tau = tau;
    step.forward(NoiseKey{.seed = 4, .step = 1, .stream = Stream::latent});
    for (Index v = 0; v < 4; ++v)
      for (Index i = 0; i < 5; ++i) {
        double count = 0, wrong = 0;
        for (Index n = 0; n < draws; ++n) {
          count += step.hard(i, 4 * n + v);
          wrong += step.hard(i, 4 * n + v) == 1 && step.y(i, 4 * n + v) < 0.2f;
        }
        const double p = step.q(i, v), deviation = std::sqrt(draws * p * (1 - p));
        CAPTURE(p);
        CAPTURE(count);
        CHECK_FALSE(!(std::abs(count - draws * p) <= 4 * deviation));
        CHECK(wrong == 0);  // of five numbers that sum to 1 the largest is at least 1/5
      }
  }
}

TEST_CASE("categorical: hot is uniform, cold is one-hot [CAT-1] [CAT-5]") {
  using B = Cpu<float>;
  CategoricalStep<B> step({5, 1, 300});
  step.l.randomise(10, -2, 2);
  const NoiseKey key{.seed = 4, .step = 2, .stream = Stream::latent};
  step.tau = 1e4f;
  step.forward(key);
  // |l + g| <= 19, so that a is within 0.0019 of 0 and y within e^0.0038 of 1/5.
  for (const double y : step.y.flat()) CHECK_FALSE(!(std::abs(y - 0.2) <= 0.2 * 0.0039));
  step.tau = 1e-4f;
  step.forward(key);
  int soft = 0;
  for (Index j = 0; j < 300; ++j)
    for (Index i = 0; i < 5; ++i) {
      CHECK(std::isfinite(step.y(i, j)));
      soft += std::abs(step.y(i, j) - step.hard(i, j)) > 1e-3f;
    }
  CHECK(soft <= 4);  // two perturbed logits within 0.0007 of each other
}

TEST_CASE_TEMPLATE("categorical: tails; NaN in, NaN out [CAT-4] [CAT-10] [CAT-11]", S, float,
                   double) {
  check_tail<S>(Noise{}, std::array{0.}, std::array{-kInf});
  check_tail<S>(Noise{}, std::array{1.}, std::array{kInf});
  check_tail<S>(Noise{}, std::array{kNan}, std::array{kNan});
  check_tail<S>(Perturb{}, std::array{80., 0.01, 0.5}, std::array{8036.651292});
  check_tail<S>(Perturb{}, std::array{kNan, 1., 0.5}, std::array{kNan});
  // q = 0: a class without probability is missing from it, 1/K, and has no gradient.
  check_tail<S>(Kl{}, std::array{-1e4, 0., 1., 1.}, std::array{1. / kClasses, 0.});
  check_tail<S>(Kl{}, std::array{0., 0., 0., 1.},
                std::array{std::log(7.) - 1 + 1. / 7, std::log(7.)});
  check_tail<S>(Kl{}, std::array{kNan, 0., 1., 1.}, std::array{kNan, kNan});
  check_tail<S>(Kl{}, std::array{0., kNan, 1., 1.}, std::array{kNan, kNan});
  check_tail<S>(Kl{}, std::array{-kInf, 0., 1., 1.}, std::array{kNan, kNan});
  check_tail<S>(PassDown{}, std::array{kNan, 1., 0., 1., 0.}, std::array{kNan, kNan});
  check_tail<S>(PassDown{}, std::array{0.5, 1., kNan, 1., 0.}, std::array{0.5, kNan});
}
