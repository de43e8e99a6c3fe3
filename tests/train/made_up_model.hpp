// SPDX-License-Identifier: MIT
// A model that nobody needs, with what no Vae has: two phases, two players, three terms. Training,
// files and reports must take it as it is.
#pragma once

#include <vector>

#include "longhand/layers/dense.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/model.hpp"
#include "longhand/optim/init.hpp"

namespace longhand::test {

/// (y - t)^2 / 2 of one element, and w times its derivative.
struct HalfSquare {
  template <class T>
  void operator()(const T& y, const T& t, const T& w, T& dy, T& half_square) const {
    dy = w * (y - t);
    half_square = T(0.5) * (y - t) * (y - t);
  }
};

struct PolicedSpec {
  Index dim = 3;
  std::uint64_t seed = 1;
};

/// A "mapper" learns y = W x + b to be x, and small; a "watcher" then learns V y + c to be 1.
template <class B>
class Policed : public ModelDefaults {
 public:
  using Backend = B;
  using Spec = PolicedSpec;
  using Scalar = typename B::Scalar;

  explicit Policed(Spec spec, B on = B()) : backend_(on), spec_(spec) {
    ParamLayout layout;
    layout.begin_segment("map");
    map_.emplace_back(layout, "map", spec.dim, spec.dim);
    layout.begin_segment("watch");
    watch_.emplace_back(layout, "watch", spec.dim, 1);
    params_ = Params<B>(std::move(layout));
    initialize(backend_, Init::pytorch, spec.seed, params_);
    input_ = InputUnits<B>(backend_, {}, spec.dim);
  }
  const B& backend() const { return backend_; }
  const Params<B>& params() const { return params_; }
  const InputUnits<B>& input() const { return input_; }
  const Spec& spec() const { return spec_; }
  Index input_dim() const { return spec_.dim; }
  static std::vector<Term> terms() { return {{"distance"}, {"size"}, {"gap"}}; }
  static std::vector<Scheduled> schedules() { return {{"pressure", 0.5}}; }
  static std::vector<Player> players() {
    return {{"mapper", {"map"}, {{.term = 0}, {.term = 1, .weight = 0.1, .schedule = 0}}},
            {"watcher", {"watch"}, {{.term = 2, .weight = 2}}}};
  }
  static std::vector<Phase> phases() { return {{"map", {0}}, {"watch", {1}}}; }

  void step(const Pass<B>& pass, const Batch<B>& batch, Index phase, View<B> terms) const {
    const View<B> y = pass.matrix(spec_.dim, terms.cols), dy = pass.matrix(y.rows, y.cols),
                  more = pass.matrix(y.rows, y.cols);
    map_[0].forward(pass, batch.input, y);
    if (phase == 0) {
      half_square(pass, batch, 0, y, batch.input, dy, terms.row(0));
      half_square(pass, batch, 1, y, {}, more, terms.row(1));
      pass.backend.for_each(Sum{}, in<B>(dy, more), out<B>(dy));
      map_[0].backward(pass, batch.input, dy, {});
    } else {
      const View<B> v = pass.matrix(1, y.cols), dv = pass.matrix(1, y.cols);
      watch_[0].forward(pass, y, v);
      half_square(pass, batch, 2, v, {}, dv, terms.row(2), 1);
      watch_[0].backward(pass, y, dv, {});
    }
  }
  void values(Pass<B> pass, const Batch<B>& batch, View<B> terms,
              const LatentStatistics<B>& = {}) const {
    const HostScalars<Scalar> ones{.weights = {1, 1, 1}};
    pass.scalars = ones.view();
    for (const Index phase : {0, 1}) step(pass.frozen(), batch, phase, terms);
  }

 private:
  struct Sum {
    template <class T>
    void operator()(const T& a, const T& b, T& sum) const {
      sum = a + b;
    }
  };
  /// Entry k of the players' losses: y should be t, or `constant`.
  void half_square(const Pass<B>& pass, const Batch<B>& batch, Index k, ConstView<B> y,
                   ConstView<B> t, View<B> dy, View<B> term, double otherwise = 0) const {
    const View<B> plain = pass.matrix(1, y.cols), w = pass.matrix(1, y.cols);
    pass.backend.for_each(
        SampleSeed{},
        in<B>(either<B>(batch.sample_weights, 1), scalar_at<B>(pass.scalars.inverse_samples),
              scalar_at<B>(pass.scalars.weights + k)),
        out<B>(plain, w));
    pass.backend.reduce_columns(HalfSquare{}, in<B>(y, either<B>(t, otherwise), per_sample(w)),
                                out<B>(dy), y.rows, term);
  }

  B backend_;
  Spec spec_;
  std::vector<Dense<B>> map_, watch_;  // one each
  Params<B> params_;
  InputUnits<B> input_;
};

}  // namespace longhand::test
