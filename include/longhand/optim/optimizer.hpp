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

/// The clip factor [OPT-10] from the squared global norm of the gradient.
struct ClipFactor {
  double most = 0;  ///< C; 0 = no clipping
  template <class T>
  LONGHAND_HD void operator()(const T& squared_norm, T& factor) const {
    const T norm = sqrt(squared_norm);
    factor = most > 0 ? choose(norm > T(most), T(most) / norm, T(1)) : T(1);  // [OPT-10]
  }
};

/// 0 for a finite number, NaN for NaN and infinity: x - x.
struct NotFinite {
  template <class T>
  LONGHAND_HD void operator()(const T& x, T& not_finite) const {
    not_finite = x - x;
  }
};

/// What becomes of a player's step, from its gradient's squared norm and whatever is not finite in
/// its terms: its clip factor, and whether the training is finite still. Once it is not, it stays
/// so.
struct JudgeStep {
  ClipFactor clip_factor;
  template <class T>
  LONGHAND_HD void operator()(const T& squared_norm, const T& not_finite, const T& finite, T& clip,
                              T& still_finite) const {
    clip_factor(squared_norm, clip);
    still_finite =
        choose(not_finite + (squared_norm - squared_norm) == T(0), finite, T(0));  // [OPT-14]
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

/// An optimizer with its moments over some ranges of the flat parameters: one sweep per range and
/// step.
template <class B>
class OptimizerState {
  using S = typename B::Scalar;

 public:
  OptimizerState(const Optimizer& optimizer, std::vector<ParamRange> ranges)
      : optimizer_(optimizer), ranges_(std::move(ranges)) {
    Index count = 0;
    for (const ParamRange& r : ranges_) count += r.count;
    const int moments =
        std::visit([](const auto& o) { return std::decay_t<decltype(o)>::moments; }, optimizer);
    for (int m = 0; m < moments; ++m) moments_.emplace_back(count);
  }

  const Optimizer& optimizer() const { return optimizer_; }
  const std::vector<ParamRange>& ranges() const { return ranges_; }

  /// Adam's two bias corrections of step t, from 1; in double: a float power would be off by 1e-4
  /// after 10,000 steps. 1 for other optimizers.
  std::pair<double, double> corrections(Index t) const {
    const Adam* adam = std::get_if<Adam>(&optimizer_);
    if (adam == nullptr) return {1, 1};
    return {1 / (1 - std::pow(adam->beta1, static_cast<double>(t))),
            1 / (1 - std::pow(adam->beta2, static_cast<double>(t)))};
  }

  /// theta <- theta - …, reading learning rate, clip factor and corrections from backend memory.
  /// Does nothing while the scalars say that the training is not finite [OPT-14].
  void step(const B& backend, const Params<B>& theta, const Grads<B>& grads,
            const PlayerScalars<S>& scalars) const {
    each_range([&](const ParamRange& range, Index first) {
      step(backend, theta.flat(range), grads.flat(range), first, scalars);
    });
  }

  std::size_t moments() const { return moments_.size(); }
  /// Every moment as host memory in the order of `size` flat parameters, 0 for those of others.
  std::vector<std::vector<S>> moments_in_order(const B& backend, Index size) const {
    std::vector<std::vector<S>> all;
    for (const Buffer<B>& moment : moments_) {
      all.emplace_back(static_cast<std::size_t>(size), S(0));
      each_range([&](const ParamRange& range, Index first) {
        backend.download(moment.column().middle_rows(first, range.count),
                         all.back().data() + range.first);
      });
    }
    return all;
  }
  /// Brings back what moments_in_order() gave.
  void restore(const B& backend, const std::vector<std::vector<S>>& all) const {
    require(all.size() == moments_.size(), "the optimizer has ", moments_.size(), " moments, not ",
            all.size());
    for (std::size_t k = 0; k < all.size(); ++k)
      each_range([&](const ParamRange& range, Index first) {
        backend.upload(all[k].data() + range.first,
                       moments_[k].column().middle_rows(first, range.count));
      });
  }

 private:
  /// Calls f(range, where its moments begin) for every range.
  template <class F>
  void each_range(const F& f) const {
    Index first = 0;
    for (const ParamRange& range : ranges_) {
      f(range, first);
      first += range.count;
    }
  }

  /// Steps one range of the parameters, whose moments begin at `first`.
  void step(const B& backend, View<B> w, View<B> g, Index first,
            const PlayerScalars<S>& scalars) const {
    const auto lr = scalar_at<B>(scalars.learning_rate), clip = scalar_at<B>(scalars.clip);
    const auto moment = [&](std::size_t k) {
      return moments_[k].column().middle_rows(first, w.rows);
    };
    std::visit(
        [&](const auto& o) {
          using O = std::decay_t<decltype(o)>;
          if constexpr (O::moments == 0) {
            backend.for_each(TakesTheta<O>{o}, in<B>(g, lr, clip, w), out<B>(w), scalars.finite);
          } else if constexpr (O::moments == 1) {
            const View<B> u = moment(0);
            backend.for_each(TakesMoment<O>{o}, in<B>(g, lr, clip, w, u), out<B>(w, u),
                             scalars.finite);
          } else {
            const View<B> m = moment(0), v = moment(1);
            backend.for_each(TakesMoments<O>{o},
                             in<B>(g, lr, clip, scalar_at<B>(scalars.correction1),
                                   scalar_at<B>(scalars.correction2), w, m, v),
                             out<B>(w, m, v), scalars.finite);
          }
        },
        optimizer_);
  }

  Optimizer optimizer_;
  std::vector<ParamRange> ranges_;
  std::vector<Buffer<B>> moments_;
};

}  // namespace longhand
