// SPDX-License-Identifier: MIT
#include "formula_cases.hpp"

#include <array>

#include "longhand/layers/activation.hpp"
#include "longhand/math/bernoulli.hpp"
#include "longhand/math/dropout.hpp"
#include "longhand/math/gaussian.hpp"
#include "longhand/math/gaussian_kl.hpp"
#include "random_vae.hpp"

namespace longhand::study {

namespace {

/// A formula as a function of In numbers (and one constant) to Out numbers, with its gradient.
template <std::size_t In, std::size_t Out, class Value, class Gradient>
struct Elementwise {
  std::size_t rows = 0, cols = 0;
  std::array<std::vector<double>, In> x;
  std::vector<double> constant;
  Value value;        // (array<T, In>, double) -> array<T, Out>
  Gradient gradient;  // (array<double, In>, double, array<double, Out> dy) -> array<double, In>

  std::array<double, In> at(std::size_t k) const {
    std::array<double, In> a;
    for (std::size_t i = 0; i < In; ++i) a[i] = x[i][k];
    return a;
  }
};

constexpr const char* kNames[] = {"a", "b", "c", "d"};

/// `draw_x(i)` gives a number of tensor i.
template <std::size_t In, std::size_t Out, class Value, class Gradient, class DrawX>
Case elementwise(Draw& draw, const std::string& name, Value value, Gradient gradient,
                 double constant_from, double constant_to, const DrawX& draw_x) {
  using E = Elementwise<In, Out, Value, Gradient>;
  const std::size_t rows = draw.size(1, 64), cols = draw.size(1, 4);
  auto e = std::make_shared<E>(E{rows, cols, {}, {}, value, gradient});
  for (std::size_t k = 0; k < rows * cols; ++k) {
    for (std::size_t i = 0; i < In; ++i) e->x[i].push_back(draw_x(i));
    e->constant.push_back(draw.uniform(constant_from, constant_to));
  }
  Case c;
  c.family = name;
  for (std::size_t i = 0; i < In; ++i) c.tensors.push_back({kNames[i], e->x[i], rows});
  c.forward = [f = e.get()] {
    std::vector<double> y;
    y.reserve(Out * f->constant.size());
    for (std::size_t k = 0; k < f->constant.size(); ++k)
      for (const double v : f->value(f->at(k), f->constant[k])) y.push_back(v);
    return y;
  };
  c.backward = [f = e.get()](Cotangent dy, TensorGradients& g) {
    for (std::size_t k = 0; k < f->constant.size(); ++k) {
      std::array<double, Out> d;
      for (std::size_t o = 0; o < Out; ++o) d[o] = dy[k * Out + o];
      const std::array<double, In> dx = f->gradient(f->at(k), f->constant[k], d);
      for (std::size_t i = 0; i < In; ++i) g.at(i)[k] = dx[i];
    }
  };
  c.dual = [f = e.get()](const DualTensors& x) {
    std::vector<Dual> y;
    for (std::size_t k = 0; k < f->constant.size(); ++k) {
      std::array<Dual, In> a;
      for (std::size_t i = 0; i < In; ++i) a[i] = x.at(i)[k];
      for (const Dual& v : f->value(a, f->constant[k])) y.push_back(v);
    }
    return y;
  };
  c.owner = std::move(e);
  return c;
}

template <class T>
using Of = std::remove_cvref_t<T>;

Case activation(Draw& draw) {
  const Activation any = any_activation(draw);
  return std::visit(
      [&](const auto& act) {
        using A = std::decay_t<decltype(act)>;
        const double size = draw.magnitude(1e-3, 1e3);
        const bool plant = draw.one_in(2);
        return elementwise<1, 1>(
            draw, std::string("activation ") + A::name,
            [act](const auto& x, double) {
              auto y = x;
              act.forward(x[0], y[0]);
              return y;
            },
            [act](const std::array<double, 1>& x, double, const std::array<double, 1>& dy) {
              std::array<double, 1> y, dx;
              act.forward(x[0], y[0]);
              act.backward(A::saved == Saved::input ? x[0] : y[0], dy[0], dx[0]);
              return dx;
            },
            0, 0,
            [&](std::size_t) {
              if (plant && draw.one_in(4))
                return draw.one_of(kKinkDistances) * draw.one_of({-1.0, 1.0});  // also -0
              return size * draw.normal();
            });
      },
      any);
}

Case bernoulli(Draw& draw) {
  const double size = draw.magnitude(1e-3, 300);
  return elementwise<1, 1>(
      draw, "Bernoulli",
      [](const auto& x, double t) {
        auto y = x;
        auto da = x[0];
        BernoulliLogits{}.value_and_gradient(x[0], Of<decltype(x[0])>(t), y[0], da);
        return y;
      },
      [](const std::array<double, 1>& x, double t, const std::array<double, 1>& dy) {
        double nll, da;
        BernoulliLogits{}.value_and_gradient(x[0], t, nll, da);
        return std::array<double, 1>{dy[0] * da};
      },
      0, 1, [&](std::size_t) { return size * draw.normal(); });
}

Case gaussian(Draw& draw) {
  const double v = draw.magnitude(1e-3, 1e3), size = draw.magnitude(1e-3, 1e3);
  const GaussianFixed f{
      v, {draw.one_of({OutputMap::identity, OutputMap::sigmoid})}, 0.5 * (kLogTwoPi + std::log(v))};
  return elementwise<1, 1>(
      draw, "Gaussian, fixed variance",
      [f](const auto& x, double t) {
        auto y = x;
        auto da = x[0];
        f.value_and_gradient(x[0], Of<decltype(x[0])>(t), y[0], da);
        return y;
      },
      [f](const std::array<double, 1>& x, double t, const std::array<double, 1>& dy) {
        double nll, da;
        f.value_and_gradient(x[0], t, nll, da);
        return std::array<double, 1>{dy[0] * da};
      },
      -2, 2, [&](std::size_t) { return size * draw.normal(); });
}

Case gaussian_learned(Draw& draw) {
  const GaussianLearned f{{draw.one_of({OutputMap::identity, OutputMap::sigmoid})},
                          {draw.one_of({3.0, 15.0})}};
  const double size = draw.magnitude(1e-3, 1e3);
  return elementwise<2, 1>(
      draw, "Gaussian, learned variance",
      [f](const auto& x, double t) {
        using T = Of<decltype(x[0])>;
        std::array<T, 1> y;
        T da, draw_;
        f.value_and_gradient(x[0], x[1], T(t), y[0], da, draw_);
        return y;
      },
      [f](const std::array<double, 2>& x, double t, const std::array<double, 1>& dy) {
        double nll, da, draw_;
        f.value_and_gradient(x[0], x[1], t, nll, da, draw_);
        return std::array<double, 2>{dy[0] * da, dy[0] * draw_};
      },
      -2, 2, [&](std::size_t i) { return (i == 0 ? size : 2) * draw.normal(); });
}

Case standard_kl(Draw& draw) {
  const double size = draw.magnitude(1e-3, 1e3), spread = draw.magnitude(1e-3, 4);
  return elementwise<2, 1>(
      draw, "KL to N(0, 1)",
      [](const auto& x, double) {
        using T = Of<decltype(x[0])>;
        std::array<T, 1> y;
        T dmu, dlogvar;
        StandardNormalKl{}(x[0], x[1], T(1), dmu, dlogvar, y[0]);
        return y;
      },
      [](const std::array<double, 2>& x, double, const std::array<double, 1>& dy) {
        double dmu, dlogvar, kl;
        StandardNormalKl{}(x[0], x[1], dy[0], dmu, dlogvar, kl);
        return std::array<double, 2>{dmu, dlogvar};
      },
      0, 0, [&](std::size_t i) { return (i == 0 ? size : spread) * draw.normal(); });
}

Case conditional_kl(Draw& draw) {
  const double size = draw.magnitude(1e-3, 1e2), spread = draw.magnitude(1e-3, 2);
  return elementwise<4, 1>(
      draw, "KL to a learned prior",
      [](const auto& x, double) {
        using T = Of<decltype(x[0])>;
        std::array<T, 1> y;
        T a, b, c, d;
        ConditionalKl{}(x[0], x[1], x[2], x[3], T(1), a, b, c, d, y[0]);
        return y;
      },
      [](const std::array<double, 4>& x, double, const std::array<double, 1>& dy) {
        std::array<double, 4> g;
        double kl;
        ConditionalKl{}(x[0], x[1], x[2], x[3], dy[0], g[0], g[1], g[2], g[3], kl);
        return g;
      },
      0, 0, [&](std::size_t i) { return (i % 2 == 0 ? size : spread) * draw.normal(); });
}

Case reparameterise(Draw& draw) {
  const Reparameterise f{{draw.one_of({3.0, 15.0, std::numeric_limits<double>::infinity()})}};
  const double size = draw.magnitude(1e-3, 1e3), spread = draw.magnitude(1e-3, 4);
  return elementwise<2, 2>(
      draw, "reparameterisation",
      [f](const auto& x, double eps) {
        auto y = x;
        f.forward(x[0], x[1], Of<decltype(x[0])>(eps), y[0], y[1]);
        return y;
      },
      [f](const std::array<double, 2>& x, double eps, const std::array<double, 2>& dy) {
        double logvar, z, dmu, draw_;
        f.forward(x[0], x[1], eps, logvar, z);
        f.backward(0.0, dy[0], dy[1], eps, logvar, dmu, draw_);
        return std::array<double, 2>{dmu, draw_};
      },
      -2, 2, [&](std::size_t i) { return (i == 0 ? size : spread) * draw.normal(); });
}

Case dropout(Draw& draw) {
  const Dropout f{draw.uniform(0.05, 0.9)};
  const double size = draw.magnitude(1e-3, 1e3);
  return elementwise<1, 1>(
      draw, "dropout",
      [f](const auto& x, double u) {
        auto y = x;
        auto factor = x[0];
        f.forward(x[0], Of<decltype(x[0])>(u), factor, y[0]);
        return y;
      },
      [f](const std::array<double, 1>& x, double u, const std::array<double, 1>& dy) {
        double factor, y, dx;
        f.forward(x[0], u, factor, y);
        f.backward(factor, dy[0], dx);
        return std::array<double, 1>{dx};
      },
      0, 1, [&](std::size_t) { return size * draw.normal(); });
}

}  // namespace

Case any_formula(Draw& draw) {
  switch (draw.below(12)) {
    case 0:
      return bernoulli(draw);
    case 1:
      return gaussian(draw);
    case 2:
      return gaussian_learned(draw);
    case 3:
      return standard_kl(draw);
    case 4:
      return conditional_kl(draw);
    case 5:
      return reparameterise(draw);
    case 6:
      return dropout(draw);
    default:
      return activation(draw);
  }
}

}  // namespace longhand::study
