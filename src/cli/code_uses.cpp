// SPDX-License-Identifier: MIT
#include "code_uses.hpp"

#include <algorithm>

#include "longhand/backend/cpu.hpp"
#include "longhand/models/classifier.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/trainer.hpp"
#include "longhand/uses/cluster.hpp"

namespace longhand::cli {
namespace {

Eigen::Map<const ColumnMajor<double>> columns_of_rows(const Rows& z) {
  return {z.values.data(), z.dim, z.count};
}

Samples<float> samples_of(const Rows& z) {
  return Samples<float>(Samples<float>::Matrix(columns_of_rows(z).cast<float>()));
}

Data<float> labelled(const Rows& z, const std::vector<std::int64_t>& labels, Index classes) {
  Data<float> data;
  data.input = samples_of(z);
  data.condition = one_hot<float>(labels, classes);
  return data;
}

}  // namespace

Groups find_groups(const Rows& z, Index count, bool mixture, std::uint64_t seed) {
  const ClusterOptions options{.clusters = count, .seed = seed};
  Groups groups;
  const auto take = [&](const std::vector<Index>& of_sample) {
    groups.of_row.assign(of_sample.begin(), of_sample.end());
  };
  if (!mixture) {
    const Clusters found = k_means(columns_of_rows(z), options);
    take(found.of_sample);
    groups.squares = found.squares;
    return groups;
  }
  const Mixture found = fit_mixture(columns_of_rows(z), options);
  take(found.of_sample());
  for (Index row = 0; row < z.count; ++row)
    groups.probability.push_back(found.responsibilities.col(row).maxCoeff());
  groups.log_likelihood = found.log_likelihood;
  return groups;
}

ProbeResult probe_codes(const Rows& fit, const std::vector<std::int64_t>& fit_labels,
                        const Rows& judge, const std::vector<std::int64_t>& judge_labels,
                        Index classes, std::uint64_t seed, int threads) {
  const Data<float> learned = labelled(fit, fit_labels, classes);
  const Data<float> judged = labelled(judge, judge_labels, classes);
  Classifier<Cpu<float>> model(
      {.input_dim = fit.dim,
       .classes = classes,
       .seed = seed,
       .transform = InputTransform::fit<float>(InputTransform::Kind::standardize, learned.input)},
      Cpu<float>(threads));
  // The objective is convex; the weight of the penalty is that of one row.
  constexpr Index steps = 3000;
  const Index batch = std::min<Index>(512, fit.count);
  const Index per_epoch = (fit.count + batch - 1) / batch;
  TrainOptions options{.epochs = (steps + per_epoch - 1) / per_epoch,
                       .batch = batch,
                       .learning_rate = 0.02,
                       .l2 = 1 / static_cast<double>(fit.count),
                       .seed = seed};
  options.schedule.kind = LearningRateSchedule::Kind::cosine;
  Trainer(model, options).fit(learned);

  ProbeResult result;
  const Evaluation seen = evaluate(model, judged);
  result.accuracy = seen.term("accuracy");
  result.nll = seen.term("nll");
  result.accuracy_fitted = evaluate(model, learned).term("accuracy");
  const Samples<float> p = model.probabilities(samples_of(judge));
  for (Index row = 0; row < judge.count; ++row) {
    const float* const column = p.view().data + row * classes;
    result.told.push_back(std::max_element(column, column + classes) - column);
  }
  return result;
}

}  // namespace longhand::cli
