// SPDX-License-Identifier: MIT
#pragma once
#include <utility>
#include <vector>

#include "longhand/core/columns.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/math/cross_entropy.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/input_units.hpp"
#include "longhand/models/model.hpp"
#include "longhand/optim/init.hpp"

namespace longhand {

/// Everything that says what a Classifier is, apart from its weights.
struct ClassifierSpec {
  Index input_dim = 0;  ///< D, numbers of a sample
  Index classes = 0;    ///< K, at least 2
  NetSpec hidden = {};  ///< hidden stages; none = multinomial logistic regression
  Init init = Init::pytorch;
  std::uint64_t seed = 0;  ///< of the initial weights
  InputTransform transform = {};
};

/// Tells classes apart: a softmax of a net's outputs, trained by their cross-entropy
/// (docs/derivations/classifier.md). Without hidden stages it is multinomial logistic regression,
/// the usual judge of what codes know of a label. Training reads the class of each sample as the
/// data's condition (one_hot()); weight decay is TrainOptions::l2.
template <class B>
class Classifier : public ModelDefaults {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;
  using Spec = ClassifierSpec;

  /// Throws std::invalid_argument naming the field that is wrong.
  explicit Classifier(ClassifierSpec spec, B backend = B())
      : backend_(backend), spec_(std::move(spec)) {
    require(spec_.input_dim > 0, "input_dim is ", spec_.input_dim, ", expected at least 1");
    require(spec_.classes > 1, "classes is ", spec_.classes, ", expected at least 2");
    ParamLayout layout;
    layout.begin_segment("classifier");
    net_ = Net<B>(layout, "classifier", spec_.input_dim, spec_.hidden, outputs(spec_.classes));
    params_ = Params<B>(std::move(layout));
    initialize(backend_, spec_.init, spec_.seed, params_);
    input_ = InputUnits<B>(backend_, spec_.transform, spec_.input_dim);
  }

  const B& backend() const { return backend_; }
  const ClassifierSpec& spec() const { return spec_; }
  const Params<B>& params() const { return params_; }
  const InputUnits<B>& input() const { return input_; }
  Index input_dim() const { return spec_.input_dim; }
  /// The class of a sample comes as its condition.
  Index condition_dim() const { return spec_.classes; }

  // ---- what training asks (models/model.hpp) ----------------------------------------------------

  /// The second is reported and in no loss.
  static std::vector<Term> terms() { return {{"nll"}, {"accuracy"}}; }
  static std::vector<Player> players() {
    return {{"classifier", {"classifier"}, {{.term = kNll}}}};
  }
  void step(const Pass<B>& pass, const Batch<B>& batch, Index /*phase*/, View<B> terms) const {
    loss_and_gradient(pass, batch, terms);
  }

  // ---- the mathematics: one batch, views, a caller-owned workspace ------------------------------

  /// The terms of every sample (2 x N), and the gradient of the mean cross-entropy, which is added
  /// to pass.grads.
  void loss_and_gradient(const Pass<B>& pass, const Batch<B>& batch, View<B> terms) const {
    typename Net<B>::Cache cache;
    const Outputs o = outputs_for(pass, batch.input, cache);
    const View<B> w = pass.matrix(1, o.logits.cols), same = pass.matrix(1, o.logits.cols);
    pass.backend.for_each(SampleSeed{},
                          in<B>(either<B>(batch.sample_weights, 1),
                                scalar_at<B>(pass.scalars.inverse_samples), constant<B>(0)),
                          out<B>(w, same));
    const View<B> dlogits = pass.matrix(o.logits.rows, o.logits.cols);
    pass.backend.reduce_columns(
        CrossEntropy{}, in<B>(o.logits, per_sample(o.lse), o.p, batch.condition, per_sample(w)),
        out<B>(dlogits), o.logits.rows, terms.row(kNll));  // [CLS-2] [CLS-3]
    net_.backward(pass, cache, dlogits, {});
    accuracy(pass, o, batch, terms);
  }

  /// Writes the terms of every sample without gradients.
  void values(const Pass<B>& pass, const Batch<B>& batch, View<B> terms,
              const LatentStatistics<B>& = {}) const {
    typename Net<B>::Cache cache;
    const Outputs o = outputs_for(pass, batch.input, cache);
    pass.backend.reduce_columns(
        CrossEntropyValue{}, in<B>(o.logits, per_sample(o.lse), batch.condition),
        std::array<View<B>, 0>{}, o.logits.rows, terms.row(kNll));  // [CLS-2]
    accuracy(pass, o, batch, terms);
  }

  /// p(class given x), K numbers per sample, for samples in the user's units.
  Samples<Scalar> probabilities(const Samples<Scalar>& x) const {
    require(x.dim() == input_dim(), "probabilities: a sample has ", x.dim(), " numbers, expected ",
            input_dim());
    typename Samples<Scalar>::Matrix p(spec_.classes, x.count());
    Workspace<B> workspace;
    constexpr Index run = 1024;
    for (Index first = 0; first < x.count(); first += run) {
      workspace.reset();
      const Index count = std::min(run, x.count() - first);
      const Pass<B> pass{.backend = backend_, .theta = params_, .workspace = workspace};
      const View<B> here = pass.matrix(x.dim(), count);
      backend_.upload(x.view().data + first * x.view().ld, here);
      typename Net<B>::Cache cache;
      backend_.download(outputs_for(pass, input_.to_model(pass, here), cache).p,
                        p.data() + first * p.rows());
    }
    return Samples<Scalar>(std::move(p));
  }

 private:
  static constexpr Index kNll = 0, kAccuracy = 1;  // rows of the terms

  struct Outputs {
    View<B> logits;  ///< K x N
    View<B> p;       ///< K x N, the softmax of each column
    View<B> lse;     ///< 1 x N
  };
  Outputs outputs_for(const Pass<B>& pass, ConstView<B> x, typename Net<B>::Cache& cache) const {
    const View<B> logits = net_.forward(pass, x, cache);
    const Outputs o{logits, pass.matrix(logits.rows, logits.cols), pass.matrix(1, logits.cols)};
    pass.backend.softmax_columns(o.logits, o.p, o.lse);  // [CLS-1]
    return o;
  }
  void accuracy(const Pass<B>& pass, const Outputs& o, const Batch<B>& batch, View<B> terms) const {
    const View<B> chosen = pass.matrix(o.logits.rows, o.logits.cols);
    pass.backend.one_hot_columns(o.logits, chosen);
    pass.backend.reduce_columns(RightClass{}, in<B>(chosen, batch.condition),
                                std::array<View<B>, 0>{}, chosen.rows,
                                terms.row(kAccuracy));  // [CLS-4]
  }

  B backend_;
  ClassifierSpec spec_;
  Net<B> net_;
  Params<B> params_;
  InputUnits<B> input_;
};

}  // namespace longhand
