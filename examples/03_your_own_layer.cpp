// SPDX-License-Identifier: MIT
// A layer of your own, checked and trained inside a VAE: a learned gain per feature in front of a
// Net. On paper first:
//
//   y_ij = g_i x_ij        dg_i = sum_j dy_ij x_ij        dx_ij = g_i dy_ij
//
// A layer owns sizes and block ids, no memory; backward assigns dx and adds to the parameter
// gradients. The formulas below would run unchanged in a CUDA kernel.
#include <iostream>
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/longhand.hpp>

using namespace longhand;

struct Times {  // one element of y = g x, of dx = g dy and of a summand of dg
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& b, T& product) const {
    product = a * b;
  }
};

template <class B>
class Gain {
 public:
  Gain() = default;
  Gain(ParamLayout& layout, const std::string& name, Index size)
      : gain_(layout.add({.outputs = size, .fan_in = 1, .parts = {{name, 0, size}}})) {}

  void forward(const Pass<B>& pass, ConstView<B> x, View<B> y) const {
    pass.backend.for_each(Times{}, in<B>(per_feature(pass.theta[gain_]), x), out<B>(y));
  }
  void backward(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy, View<B> dx) const {
    if (pass.grads != nullptr)
      pass.backend.reduce_rows(Times{}, in<B>(dy, x), x.rows, x.cols, (*pass.grads)[gain_],
                               pass.grads->next_write(gain_));
    if (dx.present())
      pass.backend.for_each(Times{}, in<B>(per_feature(pass.theta[gain_]), dy), out<B>(dx));
  }

 private:
  BlockId gain_{};
};

/// Gain, then Net: anything with this interface can be the net of a Vae.
template <class B>
class GainedNet {
 public:
  struct Cache {
    ConstView<B> x;
    typename Net<B>::Cache net;
  };
  GainedNet() = default;
  GainedNet(ParamLayout& layout, const std::string& prefix, Index in, const NetSpec& hidden,
            const OutputSpec& outputs)
      : gain_(layout, prefix + ".gain", in), net_(layout, prefix, in, hidden, outputs) {}

  View<B> forward(const Pass<B>& pass, ConstView<B> x, Cache& cache) const {
    const View<B> y = pass.matrix(x.rows, x.cols);
    gain_.forward(pass, x, y);
    cache.x = x;
    return net_.forward(pass, y, cache.net);
  }
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> dout, View<B> dx) const {
    const View<B> dy = pass.matrix(cache.x.rows, cache.x.cols);
    net_.backward(pass, cache.net, dout, dy);
    gain_.backward(pass, cache.x, dy, dx);
  }

 private:
  Gain<B> gain_;
  Net<B> net_;
};

using Cpu32 = Cpu<float>;
using GainedVae = Vae<Cpu32, AnyLikelihood, GaussianLatent<Cpu32>, GainedNet<Cpu32>>;

int main() {
  // ---- is the gradient right? By differences and dual numbers, at several batch sizes ----------
  const GradientReport report =
      check_layer("gain", []<class B>(ParamLayout& layout) { return Gain<B>(layout, "gain", 5); },
                  {.in = 5, .out = 5});
  std::cout << report.text();

  // ---- train with it ---------------------------------------------------------------------------
  Eigen::MatrixXf X = Eigen::MatrixXf::Random(1000, 6);
  X.rightCols(3) = X.leftCols(3).array().square();
  GainedVae vae(
      {.input_dim = 6, .hidden = {32}, .latent_dim = 3, .likelihood = Gaussian{.variance = 0.05}});
  const TrainResult result = fit(vae, samples_in_rows(X), {.epochs = 5});
  std::cout << "loss " << result.history.front().loss() << " -> " << result.history.back().loss()
            << " nats per sample\n";
  return report.passed() && result.history.back().loss() < result.history.front().loss() ? 0 : 1;
}
