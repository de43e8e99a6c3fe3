// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "longhand/io/checkpoint.hpp"
#include "longhand/io/model_file.hpp"
#include "longhand/longhand.hpp"
#include "longhand/uses/direction.hpp"
#include "longhand/uses/impute.hpp"
#include "model.hpp"

namespace longhand::cli {

/// The type that computes a kind of model on a backend; one overload per kind of kinds.hpp.
template <class B>
std::type_identity<Vae<B>> model_type(const VaeSpec&, const B&);
template <class B>
std::type_identity<Aae<B>> model_type(const AaeSpec&, const B&);

/// The units of the data, as a file has them.
struct Units {
  InputTransform input, condition;
};

/// Model of type M on a backend. Included by model_float.cpp, model_double.cpp and model_cuda.cpp
/// alone.
template <class M>
class ModelOf final : public Model {
  using S = typename M::Backend::Scalar;

 public:
  /// `units` are those of the file: the model's own are for numbers without their offsets.
  ModelOf(M model, Units units)
      : model_(std::move(model)), units_(std::move(units)), offsets_(units_.input.offsets<S>()) {}

  std::string scalar() const override { return sizeof(S) == 4 ? "float32" : "float64"; }
  Index parameters() const override { return model_.params().layout().count(); }
  Index input_dim() const override { return model_.input_dim(); }
  Index condition_dim() const override { return model_.condition_dim(); }
  Index latents() const override { return model_.z_rows(); }
  const InputTransform& transform() const override { return units_.input; }
  const InputTransform& condition_transform() const override { return units_.condition; }
  const std::vector<std::string>& condition_names() const override {
    return autoencoder_of(model_.spec()).condition_names;
  }
  const std::vector<std::string>& names() const override {
    return autoencoder_of(model_.spec()).names;
  }
  const std::vector<std::string>& class_names() const override {
    return autoencoder_of(model_.spec()).class_names;
  }
  const std::array<Index, 3>& image() const override { return image_of(model_.spec()); }
  Index window() const override { return autoencoder_of(model_.spec()).window; }
  bool has_elbo() const override { return model_.has_elbo(); }
  bool has_prior() const override { return model_.has_prior(); }
  bool has_logvar() const override { return model_.has_logvar(); }
  bool has_draw_weights() const override { return model_.has_draw_weights(); }
  Index classes() const override { return cli::classes_of(model_.spec()); }
  bool trains_on_surrogate() const override { return cli::trains_on_surrogate(model_.spec()); }
  bool is_binary() const override { return cli::is_binary(model_.spec()); }
  std::string why_kept() const override {
    return cli::why_kept(model_.spec(), model_.selection_tolerance());
  }

  void check(const DataSet& data, bool input_is_target) const override {
    check_data(model_, of(data, data.all()), input_is_target);
  }
  TrainResult fit(const DataSet& data, TrainOptions options,
                  const Checkpointing& checkpointing) override {
    std::optional<Trainer<M>> trainer;
    const Index epochs = options.epochs;
    options.checkpoint = checkpointing.every;
    if (checkpointing.keep)
      options.on_checkpoint = [&] {
        const TrainState<S> state = trainer->state();
        const bool over = state.stopped_early || state.epoch > epochs;
        checkpointing.keep(state.steps + state.taken, over,
                           [&](const std::string& path, const std::string& notes) {
                             io::write_file(
                                 path, io::encode_checkpoint(whole_spec(), state, notes, path));
                           });
      };
    trainer.emplace(model_, std::move(options));
    if (checkpointing.from != nullptr) {
      TrainState<S> state = io::state_in<S>(*checkpointing.from, whole_spec());
      checkpointing.past(state.history);
      trainer->resume(std::move(state));
    }
    return trainer->fit(of(data, data.all()));
  }
  void save(const std::string& path) const override {
    io::write_file(path, io::encode_model(whole_spec(), io::tensors_in(model_), path));
  }
  std::map<std::string, std::vector<double>> weights() const override {
    std::map<std::string, std::vector<double>> all;
    for (const auto& [name, tensor] : io::tensors_in(model_))
      all.emplace(name, tensor.template as<double>());
    return all;
  }

  Evaluation evaluate(const DataSet& data, const EvaluateOptions& options) const override {
    return longhand::evaluate(model_, of(data, data.all()), options);
  }
  Rows score(const DataSet& data, int draws, std::uint64_t seed) const override {
    const Data<S> d = of(data, data.all());
    ScoreOptions<S> options{.draws = draws, .seed = seed};
    options.condition = d.condition;
    options.mask = d.mask;
    const Scores scores = model_.score(d.input, options);
    Rows rows(data.rows, 2);
    for (Index row = 0; row < data.rows; ++row) {
      rows(row, 0) = scores.log_likelihood_term(row);
      rows(row, 1) = scores.kl(row);
    }
    return rows;
  }
  std::vector<double> class_direction(const Rows& z, const std::vector<std::int64_t>& labels,
                                      std::int64_t from, std::int64_t to) const override {
    return longhand::class_direction(in(z), labels, from, to);
  }
  NormalSamples normal(const DataSet& data, const AnomalyOptions& options) const override {
    return normal_samples(model_, of(data, data.all()), options);
  }
  std::vector<Anomaly> anomalies(const DataSet& data, const NormalSamples* normal,
                                 const AnomalyOptions& options) const override {
    return longhand::anomalies(model_, of(data, data.all()), normal, options);
  }
  ImputedRows impute(const DataSet& data, Range rows, const ImputeOptions& options) const override {
    auto found = longhand::impute(model_, of(data, rows), options);
    return {out(Samples<S>(std::move(found.values))), out(Samples<S>(std::move(found.deviation))),
            std::move(found.effective_draws)};
  }
  Rows given(const DataSet& data, Range rows, const BatchChanges& changes,
             std::uint64_t seed) const override {
    return out(given_inputs(model_, of(data, rows), changes, seed));
  }
  Rows encode(const Rows& given, const Rows& condition) const override {
    return out(model_.encode(in(given), in(condition)));
  }
  Rows encode(const DataSet& data, Range rows) const override {
    const Data<S> d = of(data, rows);
    return out(model_.encode(d.input, d.condition));
  }
  Rows encode_logvar(const DataSet& data, Range rows) const override {
    const Data<S> d = of(data, rows);
    return out(model_.encode_logvar(d.input, d.condition));
  }
  Rows decode(const Rows& z, const Rows& condition) const override {
    return in_user_units(out(model_.decode(in(z), in(condition))));
  }
  Rows sample(Index count, std::uint64_t seed, const Rows& condition, bool draw) const override {
    SampleOptions<S> options{.seed = seed, .draw = draw};
    const Samples<S> conditions = in(condition);
    options.condition = conditions;
    return in_user_units(out(model_.sample(count, options)));
  }

 private:
  static Data<S> of(const DataSet& data, Range rows) {
    return std::get<Numbers<S>>(data.numbers).data(rows);
  }
  static Samples<S> in(const Rows& rows) {
    if (rows.count == 0) return {};
    typename Samples<S>::Matrix columns(rows.dim, rows.count);
    std::transform(rows.values.begin(), rows.values.end(), columns.data(),
                   [](double v) { return S(v); });
    return Samples<S>(std::move(columns));
  }
  static Rows out(const Samples<S>& samples) {
    Rows rows(samples.count(), samples.dim());
    const auto view = samples.view();
    std::copy_n(view.data, view.size(), rows.values.begin());
    rows.single = sizeof(S) == 4;
    return rows;
  }

  /// The spec as the file has it.
  typename M::Spec whole_spec() const {
    typename M::Spec spec = model_.spec();
    autoencoder_of(spec).transform = units_.input;
    autoencoder_of(spec).condition_transform = units_.condition;
    return spec;
  }

  /// With the offsets that were taken off while reading; single precision would not hold the sums.
  Rows in_user_units(Rows rows) const {
    if (offsets_.empty()) return rows;
    for (Index row = 0; row < rows.count; ++row)
      for (Index i = 0; i < rows.dim; ++i) rows(row, i) += offsets_[static_cast<std::size_t>(i)];
    rows.single = false;
    return rows;
  }

  M model_;
  Units units_;
  std::vector<double> offsets_;
};

/// Makes the transforms of a spec those of numbers without their offsets, and returns those it had.
template <class S, class Spec>
Units take_offsets(Spec& spec) {
  VaeSpec& own = autoencoder_of(spec);
  const Units whole{own.transform, own.condition_transform};
  for (InputTransform* transform : {&own.transform, &own.condition_transform}) {
    *transform = transform->after(transform->offsets<S>());
    transform->require_fits<S>();
  }
  return whole;
}

/// The two factories of each backend.
template <class B>
std::unique_ptr<Model> make_model_on(const ModelSpec& any, const B& backend) {
  return std::visit(
      [&](const auto& spec) -> std::unique_ptr<Model> {
        using M = typename decltype(model_type(spec, backend))::type;
        auto own = spec;
        Units units = take_offsets<typename B::Scalar>(own);
        return std::make_unique<ModelOf<M>>(M(own, backend), std::move(units));
      },
      any);
}
template <class B>
std::unique_ptr<Model> load_model_on(const std::string& path, const ModelSpec& any, bool bare,
                                     const B& backend) {
  return std::visit(
      [&](const auto& spec) -> std::unique_ptr<Model> {
        using M = typename decltype(model_type(spec, backend))::type;
        auto content = io::read_model(path, bare ? &spec : nullptr);
        Units units = take_offsets<typename B::Scalar>(content.spec);
        return std::make_unique<ModelOf<M>>(io::model_of<M>(content, backend, path),
                                            std::move(units));
      },
      any);
}

}  // namespace longhand::cli
