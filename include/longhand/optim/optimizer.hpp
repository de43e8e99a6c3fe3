// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/math/optimizers.hpp"

namespace longhand {

/// An optimizer chosen at run time; visited once per step.
using Optimizer = std::variant<Adam, Sgd, Momentum, RmsProp>;

/// [OPT-10] from the squared global norm of the gradient.
struct ClipFactor {
  double most = 0;  ///< C; 0 = no clipping
  template <class T>
  LONGHAND_HD void operator()(const T& squared_norm, T& factor) const {
    const T norm = sqrt(squared_norm);
    factor = most > 0 ? choose(norm > T(most), T(most) / norm, T(1)) : T(1);  // [OPT-10]
  }
};

/// 0 where a row's loss is finite, else NaN: x - x is 0 for every number, NaN for NaN and infinity.
struct SampleTrouble {
  template <class T>
  LONGHAND_HD void operator()(const T& nll, const T& kl, T& trouble) const {
    trouble = (nll - nll) + (kl - kl);
  }
};

/// What becomes of the step, from the gradient's squared norm and the rows' trouble: its clip
/// factor, and whether the training is sound still. Once it is not, it stays so.
struct JudgeStep {
  ClipFactor clip_factor;
  template <class T>
  LONGHAND_HD void operator()(const T& squared_norm, const T& trouble, const T& sound, T& clip,
                              T& still_sound) const {
    clip_factor(squared_norm, clip);
    still_sound = choose(trouble + (squared_norm - squared_norm) == T(0), sound, T(0));  // [OPT-14]
  }
};

/// A sweep reads its inputs and writes its outputs; an optimizer updates in place.
template <class O>
struct TakesTheta {
  O o;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip,
                                              const T& theta, T& new_theta) const {
    new_theta = theta;
    o(g, lr, clip, new_theta);
  }
};
template <class O>
struct TakesMoment {
  O o;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip,
                                              const T& theta, const T& u, T& new_theta,
                                              T& new_u) const {
    new_theta = theta;
    new_u = u;
    o(g, lr, clip, new_theta, new_u);
  }
};
template <class O>
struct TakesMoments {
  O o;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip, const T& c1,
                                              const T& c2, const T& theta, const T& m, const T& v,
                                              T& new_theta, T& new_m, T& new_v) const {
    new_theta = theta;
    new_m = m;
    new_v = v;
    o(g, lr, clip, c1, c2, new_theta, new_m, new_v);
  }
};

/// An optimizer with its moments: one sweep over the flat parameters per step.
template <class B>
class OptimizerState {
 public:
  OptimizerState(const Optimizer& optimizer, const ParamLayout& layout) : optimizer_(optimizer) {
    const int moments =
        std::visit([](const auto& o) { return std::decay_t<decltype(o)>::moments; }, optimizer);
    for (int m = 0; m < moments; ++m) moments_.emplace_back(layout);
  }

  /// Steps taken, or planned.
  Index steps() const { return steps_; }
  const Optimizer& optimizer() const { return optimizer_; }

  /// Adam's bias corrections of the next step, into `scalars`. In double: a float
  /// power would be off by 1e-4 after 10,000 steps.
  template <class T>
  void correct(StepScalars<T>& scalars) {
    ++steps_;
    if (const Adam* adam = std::get_if<Adam>(&optimizer_)) {
      const double t = static_cast<double>(steps_);
      scalars.correction1 = T(1 / (1 - std::pow(adam->beta1, t)));
      scalars.correction2 = T(1 / (1 - std::pow(adam->beta2, t)));
    }
  }

  /// theta <- theta - …, reading learning rate, clip factor and corrections from backend memory.
  /// Does nothing while the scalars say that the training is not sound [OPT-14].
  void step(const B& backend, const Params<B>& theta, const Grads<B>& grads,
            const StepScalars<typename B::Scalar>* scalars) const {
    const View<B> w = theta.flat(), g = grads.flat();
    const auto lr = scalar_at<B>(&scalars->learning_rate), clip = scalar_at<B>(&scalars->clip);
    const auto* const sound = &scalars->sound;
    std::visit(
        [&](const auto& o) {
          using O = std::decay_t<decltype(o)>;
          if constexpr (O::moments == 0) {
            backend.for_each(TakesTheta<O>{o}, in<B>(g, lr, clip, w), out<B>(w), sound);
          } else if constexpr (O::moments == 1) {
            const View<B> u = moments_[0].flat();
            backend.for_each(TakesMoment<O>{o}, in<B>(g, lr, clip, w, u), out<B>(w, u), sound);
          } else {
            const View<B> m = moments_[0].flat(), v = moments_[1].flat();
            backend.for_each(TakesMoments<O>{o},
                             in<B>(g, lr, clip, scalar_at<B>(&scalars->correction1),
                                   scalar_at<B>(&scalars->correction2), w, m, v),
                             out<B>(w, m, v), sound);
          }
        },
        optimizer_);
  }

 private:
  Optimizer optimizer_;
  std::vector<Params<B>> moments_;
  Index steps_ = 0;
};

}  // namespace longhand
