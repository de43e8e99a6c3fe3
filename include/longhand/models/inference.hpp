// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "longhand/core/columns.hpp"
#include "longhand/core/macros.hpp"
#include "longhand/models/model.hpp"

namespace longhand {

/// How sample() draws, on views.
template <class B>
struct SampleCall {
  std::uint64_t seed = 0;
  Index first_sample = 0;  ///< column j has the noise of sample first_sample + j
  bool draw = false;       ///< a draw from p(x given z), not its mean
  ConstView<B> condition = {};
};

/// How score() and elbo() evaluate, on views.
template <class B>
struct ScoreCall {
  int draws = 1;  ///< draws of z per sample, averaged
  std::uint64_t seed = 0;
  Index first_sample = 0;  ///< column j has the noise of sample first_sample + j
  ConstView<B> condition = {};
  ConstView<B> mask = {};  ///< D x N: 1 = observed, 0 = missing
};

/// The verbs of a trained model in the caller's memory, for any model M with an encoder, a decoder
/// and a likelihood; M derives from it.
///
/// Arguments are views of samples in the user's units, one per column, in backend memory:
/// columns_of() and rows_of() make them of Eigen matrices. Inputs are read and results written
/// where they are; nothing is allocated once a workspace has served the same call with as many
/// samples. Calls are const and re-entrant: one workspace per thread. A workspace is left as it was
/// found, so that inputs and results may lie in it. Results must not overlap inputs. Wrong shapes
/// throw std::invalid_argument naming the argument. `condition` (C x N) is there if the model has
/// one. Several calls that together cover some samples see the noise that one call for all of them
/// would see.
///
/// The verbs are defined below it, so that they can be compiled once (separate.hpp).
template <class M, class B>
class Inference {
  using Scalar = typename B::Scalar;

 public:
  /// Writes the posterior means of x (D x N) into z (J x N). No noise.
  void encode(ConstView<B> x, View<B> z, Workspace<B>& workspace,
              ConstView<B> condition = {}) const;

  /// Writes the log variances of q(z given x) into logvar (J x N). Throws for an autoencoder.
  void encode_logvar(ConstView<B> x, View<B> logvar, Workspace<B>& workspace,
                     ConstView<B> condition = {}) const;

  /// Writes E[x given z] for the codes z (J x N) into x (D x N).
  void decode(ConstView<B> z, View<B> x, Workspace<B>& workspace,
              ConstView<B> condition = {}) const;

  /// Writes decode(encode(x)) into `reconstruction` (D x N).
  void reconstruct(ConstView<B> x, View<B> reconstruction, Workspace<B>& workspace,
                   ConstView<B> condition = {}) const;

  /// Draws samples from the model into x (D x N): z from the prior, then the mean of p(x given z),
  /// or with `draw` a draw from it. Column j depends on (seed, first_sample + j) alone. Throws for
  /// an autoencoder.
  void sample(View<B> x, Workspace<B>& workspace, const SampleCall<B>& call = {}) const;

  /// Per sample the log-likelihood term E log p(x given z), averaged over the draws of z, and the
  /// KL, in nats; both on the host, one number per column of x (D x N). The noise of column j
  /// depends on (seed, first_sample + j) alone. The KL of an autoencoder is 0.
  void score(ConstView<B> x, Eigen::Ref<Eigen::VectorXd> log_likelihood_term,
             Eigen::Ref<Eigen::VectorXd> kl, Workspace<B>& workspace,
             const ScoreCall<B>& call = {}) const;

  /// Per sample the evidence lower bound in nats, a lower bound of log p(x); otherwise as score().
  /// Throws for an autoencoder.
  void elbo(ConstView<B> x, Eigen::Ref<Eigen::VectorXd> elbo, Workspace<B>& workspace,
            const ScoreCall<B>& call = {}) const;

 private:
  static constexpr Index kRun = 512;  ///< most columns an inference call takes at a time

  /// Columns [first, first + count) of a call.
  struct Run {
    Index first;
    Index count;
    View<B> of(View<B> m) const { return m.middle_cols(first, count); }
    ConstView<B> of(ConstView<B> m) const { return m.present() ? m.middle_cols(first, count) : m; }
  };

  const M& model() const { return static_cast<const M&>(*this); }

  /// body(pass, run) for the columns of a call; between runs the workspace is as before.
  template <class Body>
  void by_runs(Index count, Workspace<B>& workspace, const Body& body) const {
    const auto runs = [&](const B& backend) {
      for (Index first = 0; first < count; first += kRun) {
        const typename Workspace<B>::Frame frame(workspace);
        const Pass<B> pass{.backend = backend, .theta = model().params(), .workspace = workspace};
        body(pass, Run{first, std::min(kRun, count - first)});
      }
    };
    // A team of threads pays from the second run on.
    count > kRun ? together(model().backend(), runs) : runs(model().backend());
  }

  /// A run of x and its condition, both in the model's units.
  Batch<B> batch_of(const Pass<B>& pass, Run run, ConstView<B> x, ConstView<B> condition) const {
    return {.input = model().input().to_model(pass, run.of(x)),
            .condition = condition_of(pass, run, condition)};
  }
  ConstView<B> condition_of(const Pass<B>& pass, Run run, ConstView<B> condition) const {
    if constexpr (requires { model().condition_units(); })
      if (condition.present()) return model().condition_units().to_model(pass, run.of(condition));
    return run.of(condition);
  }

  /// x = E[x given z] in the user's units.
  void mean(const Pass<B>& pass, ConstView<B> z, ConstView<B> condition, View<B> x) const {
    model().likelihood().mean(pass, model().output(pass, z, condition), x);
    model().input().to_user(pass, x);
  }

  /// The numbers of `count` samples from `first`; absent where they are those of the columns.
  static SampleIds<B> sample_ids(const Pass<B>& pass, Index first, Index count) {
    if (first == 0) return {};
    require(first > 0 && first + count <= Index{1} << 32, "first_sample: the samples are ", first,
            " to ", first + count - 1, ", expected 0 to 2^32 - 1");
    const std::span<std::uint32_t> numbers = pass.workspace.template host<std::uint32_t>(count);
    std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
    const auto ids = pass.workspace.sample_ids(count);
    pass.backend.upload(numbers.data(), ids);
    return ids;
  }

  /// put(j, log_likelihood_term, kl) for every column j of x.
  template <class Put>
  void each_score(const char* name, ConstView<B> x, Workspace<B>& workspace,
                  const ScoreCall<B>& call, const Put& put) const {
    check_samples(name, "x", x, model().input_dim(), x.cols);
    check_condition(name, call.condition, x.cols);
    if (call.mask.present()) check_samples(name, "mask", call.mask, model().input_dim(), x.cols);
    require(call.draws > 0 && call.draws < 65536, name, ": draws is ", call.draws,
            ", expected 1 to 65535");
    const std::vector<Term>& names = model().terms();
    const auto row_called = [&](const char* term) {
      return std::ranges::find(names, term, &Term::name) - names.begin();
    };
    const Index rows = static_cast<Index>(names.size()), nll_row = row_called("nll"),
                kl_row = row_called("kl");
    by_runs(x.cols, workspace, [&](Pass<B> pass, Run run) {
      pass.sample_ids = sample_ids(pass, call.first_sample + run.first, run.count);
      Batch<B> batch = batch_of(pass, run, x, call.condition);
      batch.mask = run.of(call.mask);
      const auto term = pass.workspace.template host<double>(run.count);
      const auto kl = pass.workspace.template host<double>(run.count);
      const auto host = pass.workspace.template host<Scalar>(rows * run.count);
      const auto add = [&](Index row, double weight, std::span<double> sums) {
        if (row == rows) return;  // the model has no such term
        for (std::size_t j = 0; j < sums.size(); ++j)
          sums[j] += weight *
                     static_cast<double>(
                         host[j * static_cast<std::size_t>(rows) + static_cast<std::size_t>(row)]);
      };
      const View<B> terms = pass.matrix(rows, run.count);
      for (int k = 0; k < call.draws; ++k) {
        const typename Workspace<B>::Frame frame(workspace);
        pass.key = {.seed = call.seed,
                    .step = 0,
                    .stream = Stream::evaluate,
                    .draw = static_cast<std::uint16_t>(k)};
        model().values(pass, batch, terms);
        pass.backend.download(terms, host.data());
        add(nll_row, -1.0 / call.draws, term);
        if (k == 0) add(kl_row, 1, kl);  // needs no draw
      }
      for (std::size_t j = 0; j < term.size(); ++j)
        put(run.first + static_cast<Index>(j), term[j], kl[j]);
    });
  }

  static void check_samples(const char* call, const char* name, ConstView<B> m, Index dim,
                            Index count) {
    require(m.cols > 0, call, ": ", name, " has no samples, expected at least 1");
    require(m.rows == dim && m.cols == count, call, ": ", name, " has ", m.cols, " samples of ",
            m.rows, " numbers, expected ", count, " of ", dim);
    require(m.ld >= dim, call, ": ", name, " has a leading dimension of ", m.ld,
            ", expected at least ", dim);
  }
  void check_condition(const char* call, ConstView<B> c, Index count) const {
    require(c.present() == (model().condition_dim() > 0), call, ": the model has ",
            model().condition_dim(), " condition numbers per sample, the call gives ",
            c.present() ? c.rows : 0);
    if (c.present()) check_samples(call, "condition", c, model().condition_dim(), count);
  }
  static void check_count(const char* call, const char* name, Index room, Index count) {
    require(room == count, call, ": ", name, " has room for ", room, " samples, expected ", count);
  }
};

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::encode(ConstView<B> x, View<B> z, Workspace<B>& workspace,
                                           ConstView<B> condition) const {
  check_samples("encode", "x", x, model().input_dim(), x.cols);
  check_samples("encode", "z", z, model().z_rows(), x.cols);
  check_condition("encode", condition, x.cols);
  by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
    model().posterior(pass, batch_of(pass, run, x, condition), run.of(z), {});
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::encode_logvar(ConstView<B> x, View<B> logvar,
                                                  Workspace<B>& workspace,
                                                  ConstView<B> condition) const {
  require(model().has_logvar(), "the model's latents have no posterior variance");
  check_samples("encode_logvar", "x", x, model().input_dim(), x.cols);
  check_samples("encode_logvar", "logvar", logvar, model().z_rows(), x.cols);
  check_condition("encode_logvar", condition, x.cols);
  by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
    model().posterior(pass, batch_of(pass, run, x, condition), {}, run.of(logvar));
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::decode(ConstView<B> z, View<B> x, Workspace<B>& workspace,
                                           ConstView<B> condition) const {
  check_samples("decode", "z", z, model().z_rows(), z.cols);
  check_samples("decode", "x", x, model().input_dim(), z.cols);
  check_condition("decode", condition, z.cols);
  by_runs(z.cols, workspace, [&](const Pass<B>& pass, Run run) {
    mean(pass, run.of(z), condition_of(pass, run, condition), run.of(x));
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::reconstruct(ConstView<B> x, View<B> reconstruction,
                                                Workspace<B>& workspace,
                                                ConstView<B> condition) const {
  check_samples("reconstruct", "x", x, model().input_dim(), x.cols);
  check_samples("reconstruct", "reconstruction", reconstruction, model().input_dim(), x.cols);
  check_condition("reconstruct", condition, x.cols);
  by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
    const View<B> z = pass.matrix(model().z_rows(), run.count);
    const Batch<B> batch = batch_of(pass, run, x, condition);
    model().posterior(pass, batch, z, {});
    mean(pass, z, batch.condition, run.of(reconstruction));
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::sample(View<B> x, Workspace<B>& workspace,
                                           const SampleCall<B>& call) const {
  require(model().has_prior(),
          "an autoencoder has no prior over its latents: it cannot be sampled");
  check_samples("sample", "x", x, model().input_dim(), x.cols);
  check_condition("sample", call.condition, x.cols);
  by_runs(x.cols, workspace, [&](Pass<B> pass, Run run) {
    pass.key = {.seed = call.seed, .step = 0, .stream = Stream::prior, .draw = 0};
    pass.sample_ids = sample_ids(pass, call.first_sample + run.first, run.count);
    const ConstView<B> c = condition_of(pass, run, call.condition);
    const View<B> z = pass.matrix(model().z_rows(), run.count);
    model().from_prior(pass, c, z);
    if (!call.draw) return mean(pass, z, c, run.of(x));
    model().likelihood().draw(pass, model().output(pass, z, c), run.of(x));
    model().input().to_user(pass, run.of(x));
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::score(ConstView<B> x,
                                          Eigen::Ref<Eigen::VectorXd> log_likelihood_term,
                                          Eigen::Ref<Eigen::VectorXd> kl, Workspace<B>& workspace,
                                          const ScoreCall<B>& call) const {
  check_count("score", "log_likelihood_term", log_likelihood_term.size(), x.cols);
  check_count("score", "kl", kl.size(), x.cols);
  each_score("score", x, workspace, call, [&](Index j, double term, double divergence) {
    log_likelihood_term(j) = term;
    kl(j) = divergence;
  });
}

template <class M, class B>
LONGHAND_ONCE void Inference<M, B>::elbo(ConstView<B> x, Eigen::Ref<Eigen::VectorXd> elbo,
                                         Workspace<B>& workspace, const ScoreCall<B>& call) const {
  require(model().has_elbo(), "the model has no evidence lower bound");
  check_count("elbo", "elbo", elbo.size(), x.cols);
  each_score("elbo", x, workspace, call,
             [&](Index j, double term, double divergence) { elbo(j) = term - divergence; });
}

}  // namespace longhand
