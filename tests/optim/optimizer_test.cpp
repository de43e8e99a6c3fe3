// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/optim/optimizer.hpp>

#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// What an optimizer reads of its player, in memory of its own.
template <class S>
struct Numbers {
  S learning_rate = S(0.01), correction1 = 1, correction2 = 1, clip = 1, finite = 1;
  PlayerScalars<S> view() { return {&learning_rate, &correction1, &correction2, &clip, &finite}; }
};

std::vector<ParamRange> all_of(const ParamLayout& layout) { return {{0, layout.size()}}; }

/// Two blocks with padding between and behind: 5 x 7 and 1 x 3.
template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  OptimizerState<B> state;
  Numbers<S> scalars;
  int t = 0;
  explicit Fixture(const Optimizer& optimizer, B on = B())
      : Bench<B>(on), state(optimizer, all_of(make_layout(this->layout))) {
    this->ready();
  }
  static const ParamLayout& make_layout(ParamLayout& layout) {
    layout.add({.inner = {5}, .outputs = 7, .fan_in = 5, .parts = {{"W", 0, 7}}});
    layout.add({.outputs = 3, .fan_in = 5, .parts = {{"b", 0, 3}}});
    return layout;
  }
  /// Gradients of step k; padding stays zero.
  void set_gradients(int k) {
    for (std::size_t b = 0; b < 2; ++b) {
      const View<B> g = this->grads[static_cast<BlockId>(b)];
      Matrix<S> values(g.rows, g.cols);
      values.randomise(static_cast<unsigned>(100 * k) + static_cast<unsigned>(b), -2, 2);
      this->backend.copy(values.view(), g);
    }
  }
  /// The next step, on the gradients that are there.
  void step() {
    const auto [c1, c2] = state.corrections(++t);
    scalars.correction1 = S(c1), scalars.correction2 = S(c2);
    state.step(this->backend, this->theta, this->grads, scalars.view());
  }
  void step(int k) {
    set_gradients(k);
    step();
  }
  std::vector<double> numbers() const { return flat(this->theta.flat()); }
};

/// The same optimizer written straight from the page, in long double, one number at a time.
struct Plain {
  Optimizer optimizer;
  std::vector<long double> theta, first, second;
  int t = 0;
  void step(const std::vector<double>& gradients, long double lr, long double clip) {
    ++t;
    first.resize(theta.size()), second.resize(theta.size());
    for (std::size_t k = 0; k < theta.size(); ++k)
      std::visit(
          [&](const auto& o) { one(o, gradients[k] * clip, lr, theta[k], first[k], second[k]); },
          optimizer);
  }
  static long double penalised(const Penalty& p, long double g, long double theta) {
    return g + p.l2 * theta + p.l1 * (theta > 0 ? 1 : theta < 0 ? -1 : 0);
  }
  void one(const Sgd& o, long double g, long double lr, long double& x, long double&,
           long double&) {
    x -= lr * penalised(o.penalty, g, x);
  }
  void one(const Momentum& o, long double g, long double lr, long double& x, long double& u,
           long double&) {
    u = o.rho * u + penalised(o.penalty, g, x);
    x -= lr * u;
  }
  void one(const RmsProp& o, long double g, long double lr, long double& x, long double& v,
           long double&) {
    g = penalised(o.penalty, g, x);
    v = o.alpha * v + (1 - static_cast<long double>(o.alpha)) * g * g;
    x -= lr * g / (std::sqrt(v) + o.epsilon);
  }
  void one(const Adam& o, long double g, long double lr, long double& x, long double& m,
           long double& v) {
    const long double b1 = o.beta1, b2 = o.beta2;
    g = penalised(o.penalty, g, x);
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    x -= lr * o.weight_decay * x;
    x -= lr * (m / (1 - std::pow(b1, t))) / (std::sqrt(v / (1 - std::pow(b2, t))) + o.epsilon);
  }
};

const Penalty penalty{.l1 = 0.003, .l2 = 0.02};
const Optimizer all_optimizers[] = {
    Sgd{},
    Sgd{penalty},
    Momentum{},
    Momentum{penalty, 0.8},
    RmsProp{},
    RmsProp{penalty, 0.9, 1e-6},
    Adam{},
    Adam{.penalty = penalty, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-4, .weight_decay = 0.05}};

template <class B>
void check_50_steps(double tolerance) {
  for (const Optimizer& optimizer : all_optimizers) {
    Fixture<B> f(optimizer);
    f.scalars.clip = typename B::Scalar(0.75);
    Plain plain{optimizer, {}, {}, {}};
    for (const double v : f.numbers()) plain.theta.push_back(v);
    for (int t = 1; t <= 50; ++t) {
      f.scalars.learning_rate = typename B::Scalar(t < 25 ? 0.01 : 0.002);
      f.step(t);
      plain.step(flat(f.grads.flat()), static_cast<long double>(f.scalars.learning_rate), 0.75L);
    }
    double worst = 0;
    const std::vector<double> got = f.numbers();
    for (std::size_t k = 0; k < got.size(); ++k) {
      const double error = static_cast<double>(std::fabs(got[k] - plain.theta[k]));
      if (!(error <= worst)) worst = error;
    }
    CAPTURE(optimizer.index());
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= tolerance));
  }
}

}  // namespace

// 50 steps round theta (at most 2 in size) and a step (at most 1/10, from moments with a few
// roundings each): 50 (2 + 1/10 * 8) epsilons are never exceeded.
TEST_CASE_TEMPLATE(
    "optimizer: 50 steps against the page in long double [OPT-1] [OPT-2] [OPT-3] [OPT-4]", B,
    Reference<double>, Cpu<double>) {
  check_50_steps<B>(140 * std::numeric_limits<double>::epsilon());
}
TEST_CASE("optimizer: 50 steps in float [OPT-5] [OPT-6] [OPT-7] [OPT-8] [OPT-9]") {
  check_50_steps<Cpu<float>>(140 * std::numeric_limits<float>::epsilon());
}

TEST_CASE_TEMPLATE("optimizer: worked numbers over the flat buffer [OPT-5] [OPT-6]", B,
                   Reference<double>, Cpu<double>) {
  const double gradients[] = {0.5, -1, 0.25},
               adam[] = {0.900000002, 0.9366103542405656, 0.9502794203389764},
               adamw[] = {0.899000002, 0.9347113542385656, 0.9474457089827378};
  const auto check = [&](const Optimizer& optimizer, const double(&want)[3]) {
    Fixture<B> f(optimizer);
    f.scalars.learning_rate = 0.1;
    f.backend.fill(f.theta[BlockId{0}], 1);
    for (int t = 0; t < 3; ++t) {
      f.backend.fill(f.grads[BlockId{0}], gradients[t]);
      f.step();
      for (const double v : flat(f.theta[BlockId{0}]))
        CHECK_FALSE(!(std::abs(v - want[t]) <= 1e-14));
    }
  };
  check(Adam{}, adam);
  check(Adam{.weight_decay = 0.01}, adamw);
}

TEST_CASE("optimizer: bias corrections are those of the step, in double even for float [OPT-5]") {
  const OptimizerState<Cpu<float>> adam(Adam{}, {});
  CHECK(adam.corrections(1).first == 1 / (1 - 0.9));
  CHECK(adam.corrections(1).second == 1 / (1 - 0.999));
  CHECK(adam.corrections(20000).first == 1);
  CHECK(adam.corrections(20000).second == 1 / (1 - std::pow(0.999, 20000)));
  const OptimizerState<Cpu<float>> own(Adam{.beta1 = 0.5, .beta2 = 0.75}, {});
  CHECK(own.corrections(2).first == 1 / (1 - 0.25));
  CHECK(own.corrections(2).second == 1 / (1 - 0.75 * 0.75));
  for (const Optimizer& optimizer : {Optimizer(Sgd{}), Optimizer(Momentum{}), Optimizer(RmsProp{})})
    CHECK(OptimizerState<Cpu<float>>(optimizer, {}).corrections(3) ==
          std::pair<double, double>{1, 1});
}

TEST_CASE("optimizer: clip factor, worked numbers and edges [OPT-10]") {
  const auto factor = [](double most, double squared_norm) {
    double f;
    ClipFactor{most}(squared_norm, f);
    return f;
  };
  CHECK(factor(6.5, 169) == 0.5);  // (3, 4, 12) has norm 13
  CHECK(factor(13, 169) == 1);
  CHECK(factor(20, 169) == 1);
  CHECK(factor(0, 169) == 1);  // no clipping
  CHECK(factor(6.5, 0) == 1);  // no division by zero
}

TEST_CASE_TEMPLATE("optimizer: a step that is not finite leaves weights and moments [OPT-14]", B,
                   Reference<double>, Cpu<float>) {
  using S = typename B::Scalar;
  constexpr S inf = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
  const auto judged = [](S squared_norm, S nll, S kl, S finite) {
    S of_nll, of_kl, clip, still;
    NotFinite{}(nll, of_nll), NotFinite{}(kl, of_kl);
    CHECK((of_nll == 0) == std::isfinite(nll));
    CHECK((of_nll + of_kl == 0) == (std::isfinite(nll) && std::isfinite(kl)));
    JudgeStep{{6.5}}(squared_norm, of_nll + of_kl, finite, clip, still);
    if (squared_norm == S(169)) CHECK(clip == S(0.5));  // and clipped as ever [OPT-10]
    return still;
  };
  CHECK(judged(169, 3, std::numeric_limits<S>::max(), 1) == 1);
  CHECK(judged(0, 0, -4, 1) == 1);
  for (const S bad : {inf, -inf, nan}) {
    CHECK(judged(bad, 3, 4, 1) == 0);
    CHECK(judged(169, bad, 4, 1) == 0);
    CHECK(judged(169, 3, bad, 1) == 0);
  }
  CHECK(judged(169, 3, 4, 0) == 0);  // what is not finite stays so

  for (const Optimizer& optimizer : all_optimizers) {
    Fixture<B> f(optimizer), steady(optimizer);
    f.step(1), steady.step(1);
    const std::vector<double> before = f.numbers();
    f.scalars.finite = 0;
    f.set_gradients(2);
    f.backend.fill(f.grads[BlockId{0}], nan);
    f.state.step(f.backend, f.theta, f.grads, f.scalars.view());
    CHECK(f.numbers() == before);
    f.scalars.finite = 1;  // the moments too: the next step is that of a training without the gap
    f.step(3), steady.step(3);
    CHECK(f.numbers() == steady.numbers());
  }
}

TEST_CASE_TEMPLATE("optimizer: padding stays zero, in theta and under penalties [OPT-9]", B,
                   Reference<double>, Cpu<float>) {
  for (const Optimizer& optimizer : all_optimizers) {
    Fixture<B> f(optimizer);
    for (int t = 1; t <= 5; ++t) f.step(t);
    const View<B> all = f.theta.flat();
    for (Index k = 35; k < 48; ++k) CHECK(all(k) == 0);
    for (Index k = 51; k < all.rows; ++k) CHECK(all(k) == 0);
    CHECK(all(34) != 0);
    CHECK(all(48) != 0);
  }
}

TEST_CASE("optimizer: the same bits on 1 and 3 threads; nothing allocated after the first step") {
  using B = Cpu<float>;
  const auto run = [](int threads) {
    ParamLayout layout;
    layout.add({.inner = {300}, .outputs = 100, .fan_in = 300, .parts = {{"W", 0, 100}}});
    const B backend(threads);
    const Params<B> theta(layout);
    const Grads<B> grads(layout);
    const OptimizerState<B> state(Adam{}, all_of(layout));
    Numbers<float> scalars;
    const View<B> g = grads.flat();
    for (Index k = 0; k < g.rows; ++k) g(k) = static_cast<float>(std::sin(static_cast<double>(k)));
    for (int t = 1; t <= 3; ++t) {
      const auto [c1, c2] = state.corrections(t);
      scalars.correction1 = static_cast<float>(c1), scalars.correction2 = static_cast<float>(c2);
      state.step(backend, theta, grads, scalars.view());
    }
#ifndef __clang__  // libomp allocates for every worksharing loop
    AllocationCount count;
    state.step(backend, theta, grads, scalars.view());
    CHECK(count.get() == 0);
#endif
    return flat(theta.flat());
  };
  CHECK(run(1) == run(3));
}

TEST_CASE("optimizer: a clip norm below 1 clips too [OPT-10]") {
  double factor;
  ClipFactor{0.5}(4.0, factor);
  CHECK(factor == 0.25);
}

// An optimizer of some segments: their ranges are not neighbours.
TEST_CASE_TEMPLATE("optimizer: ranges are optimizers of their own, nothing between them moves", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  for (const Optimizer& optimizer : all_optimizers) {
    const auto run = [&](const std::vector<std::vector<std::string>>& players) {
      Bench<B> bench;
      for (const char* name : {"encoder", "decoder", "prior", "discriminator", "critic"}) {
        bench.layout.begin_segment(name);
        bench.layout.add({.inner = {5}, .outputs = 7, .fan_in = 5, .parts = {{name, 0, 7}}});
        bench.layout.add({.outputs = 3, .fan_in = 5, .parts = {{"b", 0, 3}}});
      }
      bench.ready();
      std::vector<OptimizerState<B>> states;
      for (const auto& segments : players)
        states.emplace_back(optimizer, ranges_of(bench.layout, segments));
      Numbers<S> scalars;
      for (int t = 1; t <= 4; ++t) {
        for (std::size_t b = 0; b < bench.layout.blocks().size(); ++b) {
          const View<B> g = bench.grads[static_cast<BlockId>(b)];
          Matrix<S> values(g.rows, g.cols);
          values.randomise(static_cast<unsigned>(100 * t) + static_cast<unsigned>(b), -2, 2);
          bench.backend.copy(values.view(), g);
        }
        for (const OptimizerState<B>& state : states) {
          const auto [c1, c2] = state.corrections(t);
          scalars.correction1 = S(c1), scalars.correction2 = S(c2);
          state.step(bench.backend, bench.theta, bench.grads, scalars.view());
        }
      }
      // The moments of others are 0 where all are put in order.
      const Index size = bench.layout.size();
      for (const OptimizerState<B>& state : states)
        for (const std::vector<S>& moment : state.moments_in_order(bench.backend, size))
          for (const ParamRange& range : state.ranges()) {
            CHECK(moment.size() == static_cast<std::size_t>(size));
            if (state.ranges().front().first > 0) CHECK(moment.front() == S(0));
            CHECK(moment[static_cast<std::size_t>(range.first)] != S(0));
          }
      return std::pair{flat(bench.theta.flat()), bench.layout};
    };
    const auto [start, layout] = run({});
    const std::vector<double> both = run({{"encoder", "prior"}}).first;
    CHECK(both == run({{"encoder"}, {"prior"}}).first);
    CHECK(both == run({{"prior", "encoder"}}).first);
    CHECK(run({{"encoder", "prior", "critic"}}).first ==
          run({{"encoder"}, {"prior"}, {"critic"}}).first);
    Index moved = 0;
    for (const char* name : {"encoder", "decoder", "prior", "discriminator"}) {
      const ParamRange range = layout.segment(name).range;
      const bool own = std::string(name) == "encoder" || std::string(name) == "prior";
      for (Index k = range.first; k < range.first + range.count; ++k) {
        const auto at = static_cast<std::size_t>(k);
        if (!own) CHECK(both[at] == start[at]);
        moved += both[at] != start[at];
      }
    }
    CHECK(moved == 2 * (35 + 3));  // padding stays too
    // Neighbours joined into one range: the same numbers as from two.
    CHECK(run({{"decoder", "prior"}}).first == run({{"decoder"}, {"prior"}}).first);
    CHECK(run({{"encoder", "decoder", "prior", "discriminator"}}).first ==
          run({{"encoder", "prior"}, {"decoder", "discriminator"}}).first);
  }
}
