// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <memory>
#include <utility>

#include "backward.hpp"
#include "case.hpp"
#include "draw.hpp"

/// Random small VAEs.
namespace longhand::study {

/// Distances at which kinks are planted.
inline constexpr std::initializer_list<double> kKinkDistances = {0,    1e-12, 1e-9, 1e-7,
                                                                 1e-5, 1e-4,  1e-3};

struct SmallVae {
  Setting setting;
  Constants constants;
  Tensors<double> tensors;
  Trace<double> trace, stale;
  Slip slip = Slip::none;
  bool planted = false;  ///< a pre-activation lies at, or just beside, a kink

  std::vector<double> forward() {
    study::forward(setting, constants, tensors, trace);
    return outputs(setting, trace);
  }
  Tensors<double> backward(std::span<const double> d) {
    return Backward(setting, constants, tensors, trace, stale, slip).run(d);
  }
  std::vector<Dual> forward(const DualTensors& x) const {
    Tensors<Dual> w;
    w.x = dual(tensors.x);
    const auto fill = [&](const char* name, Matrix<Dual>& m) {
      const auto from = x[name];
      m.values.assign(from.begin(), from.end());
    };
    each_pair(tensors, w,
              [](const Matrix<double>& a, Matrix<Dual>& b) { b.rows = a.rows, b.cols = a.cols; });
    Tensors<Dual>::visit(w, setting, fill);
    Trace<Dual> v;
    study::forward(setting, constants, w, v);
    return outputs(setting, v);
  }
  std::vector<NamedTensor> named() {
    std::vector<NamedTensor> all;
    Tensors<double>::visit(tensors, setting, [&](const char* name, Matrix<double>& m) {
      all.push_back({name, m.values, m.rows});
    });
    return all;
  }

 private:
  static Matrix<Dual> dual(const Matrix<double>& m) {
    Matrix<Dual> d(m.rows, m.cols);
    d.values.assign(m.values.begin(), m.values.end());
    return d;
  }
  template <class F>
  static void each_pair(const Tensors<double>& a, Tensors<Dual>& b, const F& f) {
    f(a.x, b.x), f(a.W1, b.W1), f(a.b1, b.b1), f(a.Wm, b.Wm), f(a.bm, b.bm), f(a.Wl, b.Wl);
    f(a.bl, b.bl), f(a.W2, b.W2), f(a.b2, b.b2), f(a.W3, b.W3), f(a.b3, b.b3), f(a.W4, b.W4);
    f(a.b4, b.b4), f(a.P, b.P), f(a.p, b.p), f(a.Q, b.Q), f(a.q, b.q);
  }
};

inline Case case_of(std::shared_ptr<SmallVae> vae, std::string family) {
  Case c;
  c.family = std::move(family);
  c.scalar = !vae->setting.contracted;
  c.tensors = vae->named();
  c.forward = [v = vae.get()] { return v->forward(); };
  c.backward = [v = vae.get()](Cotangent d, TensorGradients& g) {
    Tensors<double> own = v->backward(d);
    Tensors<double>::visit(own, v->setting, [&](const char* name, const Matrix<double>& m) {
      g.assign(name, m.values);
    });
  };
  c.dual = [v = vae.get()](const DualTensors& x) { return v->forward(x); };
  c.owner = std::move(vae);
  return c;
}

/// Draws the numbers of a small VAE.
class VaeMaker {
 public:
  explicit VaeMaker(Draw& draw) : draw_(draw) {}

  double x_size = 1;  ///< |x|

  std::shared_ptr<SmallVae> make(const Setting& s) {
    auto vae = std::make_shared<SmallVae>();
    vae->setting = s;
    constants(s, vae->constants);
    do {
      tensors(s, vae->tensors);
      vae->forward();
    } while (too_large(vae->trace.raw) || too_large(vae->trace.raw_x) ||
             too_large(vae->trace.raw_p));
    return vae;
  }
  /// Puts one pre-activation beside its kink.
  void plant(SmallVae& vae) {
    const Setting& s = vae.setting;
    if (s.hidden == 0 || s.batch == 0) return;
    vae.planted = true;
    move_to_kink(vae, vae.tensors.W1, vae.tensors.b1, vae.tensors.x);
    if (!draw_.one_in(4)) return;
    vae.forward();
    const Matrix<double> z = vae.trace.z;
    move_to_kink(vae, vae.tensors.W2, vae.tensors.b2, z);
  }
  /// A forward of other tensors, for stale caches. Comes last.
  void leave_a_stale_cache(SmallVae& vae) {
    const Tensors<double> here = vae.tensors;
    Tensors<double>::visit(vae.tensors, vae.setting, [&](const char*, Matrix<double>& m) {
      for (double& v : m.values) v += 0.1 * draw_.normal() * std::max(0.1, std::fabs(v));
    });
    vae.forward();
    vae.stale = vae.trace;
    vae.tensors = here;
    vae.forward();
  }

 private:
  void constants(const Setting& s, Constants& c) {
    const double t_size =
        s.output != Output::bernoulli && draw_.one_in(4) ? draw_.magnitude(1e-3, 1e3) : 1;
    c.target = study::make(s.inputs, s.batch, [&](std::size_t, std::size_t) {
      if (s.output != Output::bernoulli) return t_size * draw_.normal();
      return draw_.one_in(2) ? draw_.uniform() : static_cast<double>(draw_.below(2));
    });
    c.eps = draw_.normals(s.latent, s.batch, 1);
    c.mask = study::make(s.inputs, s.batch,
                         [&](std::size_t, std::size_t) { return draw_.one_in(4) ? 0.0 : 1.0; });
    c.weight =
        study::make(1, s.batch, [&](std::size_t, std::size_t) { return draw_.uniform(0.2, 2); });
    c.factor = study::make(s.hidden, s.batch, [&](std::size_t, std::size_t) {
      return draw_.uniform() < s.dropout ? 0 : 1 / (1 - s.dropout);
    });
    c.condition = draw_.normals(s.conditions, s.batch, 1);
  }
  void tensors(const Setting& s, Tensors<double>& w) {
    const double size = draw_.one_of({0.05, 0.3, 1.0, 2.0});
    const auto weight = [&](std::size_t out, std::size_t in) {
      return draw_.normals(out, in,
                           size / std::sqrt(static_cast<double>(std::max<std::size_t>(in, 1))));
    };
    const auto bias = [&](std::size_t out) { return draw_.normals(out, 1, 0.5 * size); };
    w.x = draw_.normals(s.inputs, s.batch, x_size);
    w.W1 = draw_.normals(s.hidden, s.inputs,
                         size / std::max(1.0, x_size) /
                             std::sqrt(static_cast<double>(std::max<std::size_t>(s.inputs, 1))));
    w.b1 = bias(s.hidden);
    w.Wm = weight(s.latent, s.hidden), w.bm = bias(s.latent);
    w.Wl = weight(s.latent, s.hidden), w.bl = bias(s.latent);
    w.W2 = weight(s.hidden, s.latent), w.b2 = bias(s.hidden);
    w.W3 = weight(s.inputs, s.hidden), w.b3 = bias(s.inputs);
    w.W4 = weight(s.inputs, s.hidden), w.b4 = bias(s.inputs);
    w.P = weight(s.latent, s.conditions), w.p = bias(s.latent);
    w.Q = weight(s.latent, s.conditions), w.q = bias(s.latent);
  }
  static bool too_large(const Matrix<double>& raw) {
    return std::any_of(raw.values.begin(), raw.values.end(),
                       [](double r) { return std::fabs(r) > 12; });
  }
  void move_to_kink(SmallVae& vae, const Matrix<double>& W, Matrix<double>& b,
                    const Matrix<double>& x) {
    const std::size_t i = draw_.below(vae.setting.hidden), j = draw_.below(vae.setting.batch);
    Matrix<double> product;
    affine(W, Matrix<double>(W.rows, 1), x, product);
    b(i) = draw_.one_of(kKinkDistances) * draw_.one_of({-1.0, 1.0}) - product(i, j);
  }

  Draw& draw_;
};

inline Activation any_activation(Draw& draw) {
  return draw.one_of<Activation>(
      {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{}, Elu{}, Silu{}, Gelu{}, Identity{}});
}
inline Activation kinked_activation(Draw& draw) {
  return draw.one_of<Activation>({Relu{}, Relu{}, LeakyRelu{}, Elu{}});
}

/// Multiplications in one forward, times the numbers to differentiate.
inline double work(const Setting& s) {
  const auto d = [](std::size_t n) { return static_cast<double>(n); };
  const double heads = s.output == Output::learned ? 2 : 1;
  const double weights =
      d(s.hidden) * ((1 + heads) * d(s.inputs) + 3 * d(s.latent)) + 2 * d(s.latent * s.conditions);
  return (weights + d(s.inputs * s.batch)) * (weights + 20 * d(s.hidden + s.inputs)) * d(s.batch);
}

/// Any VAE: sizes from 0 to 64 as far as `most_work` allows.
inline Setting any_setting(Draw& draw, double most_work) {
  Setting s;
  s.inputs = draw.size(1, 64), s.hidden = draw.size(1, 64), s.latent = draw.size(1, 64);
  s.batch = draw.size(1, 64);
  if (draw.one_in(50)) *draw.one_of({&s.inputs, &s.hidden, &s.latent, &s.batch}) = 0;
  s.conditions = draw.one_in(4) ? draw.size(1, 16) : 0;
  while (work(s) > most_work) {
    std::size_t& largest =
        std::max({std::ref(s.inputs), std::ref(s.hidden), std::ref(s.latent), std::ref(s.batch)});
    largest = largest / 2;
  }
  s.activation = any_activation(draw);
  s.output = draw.one_of({Output::bernoulli, Output::gaussian, Output::learned});
  s.bound = draw.one_of({std::numeric_limits<double>::infinity(), 15.0, 3.0});
  s.beta = draw.one_of({0.1, 0.5, 1.0, 2.0, 4.0, 10.0});
  s.variance = draw.magnitude(1e-2, 1e2);
  s.dropout = draw.one_in(4) ? 0.3 : 0;
  s.masked = draw.one_in(4), s.weighted = draw.one_in(4);
  s.contracted = s.batch > 0 && draw.one_in(3);
  s.offset = s.contracted ? 0 : draw.one_of({0.0, 0.0, 0.0, 1e3, 1e6});
  s.differentiate_input = draw.one_in(2);
  return s;
}

/// Any VAE with numbers; half of those whose activation has a kink get one planted.
inline std::shared_ptr<SmallVae> any_vae(Draw& draw, double most_work) {
  const Setting s = any_setting(draw, most_work);
  VaeMaker maker(draw);
  maker.x_size = draw.magnitude(1e-3, 1e3);
  const auto vae = maker.make(s);
  const bool kinked = std::holds_alternative<Relu>(s.activation) ||
                      std::holds_alternative<LeakyRelu>(s.activation) ||
                      std::holds_alternative<Elu>(s.activation);
  if (kinked && draw.one_in(2)) maker.plant(*vae);
  return vae;
}

}  // namespace longhand::study
