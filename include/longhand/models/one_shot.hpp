// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <type_traits>
#include <utility>

#include "longhand/core/macros.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/models/inference.hpp"

namespace longhand {

/// How sample() draws.
template <class S>
struct SampleOptions {
  std::uint64_t seed = 0;
  bool draw = false;  ///< a draw from p(x given z), not its mean
  /// One per sample, if the model has conditions; borrowed for the call.
  MatrixView<const S, HostMemory> condition = {};
};

/// How score() and elbo() evaluate.
template <class S>
struct ScoreOptions {
  int draws = 1;  ///< draws of z per sample, averaged
  std::uint64_t seed = 0;
  /// One per sample, if the model has conditions; borrowed for the call, as is the mask.
  MatrixView<const S, HostMemory> condition = {};
  MatrixView<const S, HostMemory> mask = {};  ///< D x N: 1 = observed, 0 = missing
};

/// What score() returns, one number per sample, in nats.
struct Scores {
  Eigen::VectorXd log_likelihood_term;  ///< E log p(x given z), averaged over the draws of z
  Eigen::VectorXd kl;
  /// The evidence lower bound, a lower bound of log p(x). (An autoencoder has none.)
  Eigen::VectorXd elbo() const { return log_likelihood_term - kl; }
};

/// The verbs of Inference with memory of their own: samples in, new matrices out. Bytes are turned
/// into numbers a part at a time, so that a data set of bytes is never copied as a whole. The verbs
/// are defined below it, so that they can be compiled once (separate.hpp).
template <class M, class B>
class OneShot : public Inference<M, B> {
  using S = typename B::Scalar;
  using Views = Inference<M, B>;

 public:
  using Views::decode, Views::elbo, Views::encode, Views::encode_logvar, Views::reconstruct,
      Views::sample, Views::score;

  /// Posterior means, J numbers per sample. No noise.
  Samples<S> encode(AnySamplesView<S> x, const Samples<S>& condition = {}) const;

  /// Log variances of q(z given x), beside encode(). Throws for an autoencoder.
  Samples<S> encode_logvar(AnySamplesView<S> x, const Samples<S>& condition = {}) const;

  /// E[x given z] for latents z, in the user's units.
  Samples<S> decode(const Samples<S>& z, const Samples<S>& condition = {}) const;

  /// x̂ = decode(encode(x)).
  Samples<S> reconstruct(AnySamplesView<S> x, const Samples<S>& condition = {}) const;

  /// `count` draws from the model: z from the prior, then the mean of p(x given z), or a draw from
  /// it. Sample j depends on (seed, j) alone. Throws for an autoencoder.
  Samples<S> sample(Index count, const SampleOptions<S>& options = {}) const;

  /// Per sample the log-likelihood term and the KL, in nats.
  Scores score(AnySamplesView<S> x, const ScoreOptions<S>& options = {}) const;

  /// Per sample the evidence lower bound in nats: log p(x) is at least this. Throws for an
  /// autoencoder.
  Eigen::VectorXd elbo(AnySamplesView<S> x, const ScoreOptions<S>& options = {}) const;

 private:
  using HostView = MatrixView<const S, HostMemory>;
  using Matrix = typename Samples<S>::Matrix;
  static constexpr Index kPart = 4096;  ///< samples of bytes that are turned into numbers at a time

  const M& model() const { return static_cast<const M&>(*this); }
  const Views& views() const { return *this; }

  /// Here owns or borrows samples so that the backend can read them: in place on the host, else a
  /// copy.
  class Here {
   public:
    Here(const B& backend, HostView samples) {
      if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
        view_ = samples;
      } else if (samples.present()) {
        copy_ = Buffer<B>(samples.size());
        const View<B> all{copy_.data(), samples.rows, samples.cols, samples.rows};
        backend.upload(samples.data, all);
        view_ = all;
      }
    }
    operator ConstView<B>() const { return view_; }

   private:
    Buffer<B> copy_;
    ConstView<B> view_;
  };

  static HostView columns(HostView samples, Index first, Index count) {
    return samples.present() ? samples.middle_cols(first, count) : samples;
  }

  /// body(first, part) for the samples of x as numbers: all at once, or a part of the bytes after
  /// the other.
  template <class Body>
  static void each_part(AnySamplesView<S> x, const Body& body) {
    x.visit([&]<class X>(const MatrixView<const X, HostMemory>& all) {
      if constexpr (std::is_same_v<X, S>) {
        body(Index{0}, all);
      } else {
        Matrix numbers(all.rows, std::min(kPart, all.cols));
        Index first = 0;
        do {  // once even without samples, for the sentence that says so
          const Index count = std::min(kPart, all.cols - first);
          std::transform(all.data + first * all.ld, all.data + first * all.ld + all.rows * count,
                         numbers.data(), [](X byte) { return as_number<S>(byte); });
          body(first, HostView{numbers.data(), all.rows, count, std::max<Index>(all.rows, 1)});
          first += count;
        } while (first < all.cols);
      }
    });
  }

  /// call(part, its result, workspace, its condition) for the parts of x; all results, on the host.
  template <class Call>
  Samples<S> each(Index rows, AnySamplesView<S> x, const Samples<S>& condition,
                  const Call& call) const {
    return result(rows, x.count(), [&](View<B> to, Workspace<B>& workspace) {
      each_part(x, [&](Index first, HostView part) {
        const Here here(model().backend(), part),
            c(model().backend(), columns(condition, first, part.cols));
        call(ConstView<B>(here), to.middle_cols(first, part.cols), workspace, ConstView<B>(c));
      });
    });
  }

  /// body(call), the call of score() for samples [first, first + count).
  template <class Body>
  void with_call(const ScoreOptions<S>& options, Index first, Index count, const Body& body) const {
    const Here condition(model().backend(), columns(options.condition, first, count)),
        mask(model().backend(), columns(options.mask, first, count));
    body({.draws = options.draws,
          .seed = options.seed,
          .first_sample = first,
          .condition = condition,
          .mask = mask});
  }

  /// The rows x count matrix that call(view, workspace) writes, copied to the host.
  template <class Call>
  Samples<S> result(Index rows, Index count, const Call& call) const {
    Matrix numbers(rows, count);
    Workspace<B> workspace;
    if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
      call(columns_of(numbers), workspace);
    } else {
      const Buffer<B> buffer(rows * count);
      const View<B> there{buffer.data(), rows, count, rows};
      call(there, workspace);
      model().backend().download(there, numbers.data());
    }
    return Samples<S>(std::move(numbers));
  }
};

template <class M, class B>
LONGHAND_ONCE auto OneShot<M, B>::encode(AnySamplesView<S> x, const Samples<S>& condition) const
    -> Samples<S> {
  return each(model().z_rows(), x, condition, [&](auto part, auto z, auto& workspace, auto c) {
    views().encode(part, z, workspace, c);
  });
}

template <class M, class B>
LONGHAND_ONCE auto OneShot<M, B>::encode_logvar(AnySamplesView<S> x,
                                                const Samples<S>& condition) const -> Samples<S> {
  return each(model().z_rows(), x, condition, [&](auto part, auto z, auto& workspace, auto c) {
    views().encode_logvar(part, z, workspace, c);
  });
}

template <class M, class B>
LONGHAND_ONCE auto OneShot<M, B>::decode(const Samples<S>& z, const Samples<S>& condition) const
    -> Samples<S> {
  return result(model().input_dim(), z.count(), [&](View<B> x, Workspace<B>& workspace) {
    views().decode(Here(model().backend(), z.view()), x, workspace,
                   Here(model().backend(), condition.view()));
  });
}

template <class M, class B>
LONGHAND_ONCE auto OneShot<M, B>::reconstruct(AnySamplesView<S> x,
                                              const Samples<S>& condition) const -> Samples<S> {
  return each(model().input_dim(), x, condition, [&](auto part, auto y, auto& workspace, auto c) {
    views().reconstruct(part, y, workspace, c);
  });
}

template <class M, class B>
LONGHAND_ONCE auto OneShot<M, B>::sample(Index count, const SampleOptions<S>& options) const
    -> Samples<S> {
  require(count > 0, "sample: count is ", count, ", expected at least 1");
  return result(model().input_dim(), count, [&](View<B> x, Workspace<B>& workspace) {
    const Here condition(model().backend(), options.condition);
    views().sample(x, workspace,
                   {.seed = options.seed, .draw = options.draw, .condition = condition});
  });
}

template <class M, class B>
LONGHAND_ONCE Scores OneShot<M, B>::score(AnySamplesView<S> x,
                                          const ScoreOptions<S>& options) const {
  Scores scores{Eigen::VectorXd(x.count()), Eigen::VectorXd(x.count())};
  Workspace<B> workspace;
  each_part(x, [&](Index first, HostView part) {
    const Here here(model().backend(), part);
    with_call(options, first, part.cols, [&](const ScoreCall<B>& call) {
      views().score(here, scores.log_likelihood_term.segment(first, part.cols),
                    scores.kl.segment(first, part.cols), workspace, call);
    });
  });
  return scores;
}

template <class M, class B>
LONGHAND_ONCE Eigen::VectorXd OneShot<M, B>::elbo(AnySamplesView<S> x,
                                                  const ScoreOptions<S>& options) const {
  Eigen::VectorXd bound(x.count());
  Workspace<B> workspace;
  each_part(x, [&](Index first, HostView part) {
    const Here here(model().backend(), part);
    with_call(options, first, part.cols, [&](const ScoreCall<B>& call) {
      views().elbo(here, bound.segment(first, part.cols), workspace, call);
    });
  });
  return bound;
}

}  // namespace longhand
