// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "longhand/io/model_file.hpp"
#include "longhand/longhand.hpp"
#include "model.hpp"

namespace longhand::cli {

/// Model on one backend. Included by model_float.cpp, model_double.cpp and model_cuda.cpp alone.
template <class B>
class ModelOf final : public Model {
  using S = typename B::Scalar;

 public:
  explicit ModelOf(Vae<B> vae) : vae_(std::move(vae)) {}

  const VaeConfig& config() const override { return vae_.config(); }
  std::string scalar() const override { return sizeof(S) == 4 ? "float32" : "float64"; }
  Index parameters() const override { return vae_.params().layout().count(); }

  void check(const DataSet& data) const override { check_data(vae_, of(data, data.all())); }
  TrainResult fit(const DataSet& data, TrainOptions options) override {
    return Trainer<Vae<B>>(vae_, std::move(options)).fit(of(data, data.all()));
  }
  void save(const std::string& path) const override { io::save_model(path, vae_); }

  Evaluation evaluate(const DataSet& data, const EvaluateOptions& options) const override {
    return longhand::evaluate(vae_, of(data, data.all()), options);
  }
  Rows score(const DataSet& data, int draws, std::uint64_t seed) const override {
    const Data<S> d = of(data, data.all());
    const Scores scores = vae_.score(d.input.numbers(), d.condition, draws, seed, d.mask);
    Rows rows(data.rows, 2);
    for (Index row = 0; row < data.rows; ++row) {
      rows(row, 0) = scores.log_likelihood_term(row);
      rows(row, 1) = scores.kl(row);
    }
    return rows;
  }
  Rows encode(const DataSet& data, Range rows) const override {
    const Data<S> d = of(data, rows);
    return out(vae_.encode(d.input.numbers(), d.condition));
  }
  Rows encode_logvar(const DataSet& data, Range rows) const override {
    const Data<S> d = of(data, rows);
    return out(vae_.encode_logvar(d.input.numbers(), d.condition));
  }
  Rows decode(const Rows& z, const Rows& condition) const override {
    return out(vae_.decode(in(z), in(condition)));
  }
  Rows sample(Index count, std::uint64_t seed, const Rows& condition, bool draw) const override {
    return out(vae_.sample(count, seed, in(condition), draw));
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

  Vae<B> vae_;
};

/// The two factories of each backend.
template <class B>
std::unique_ptr<Model> make_model_on(const VaeConfig& config, const B& backend) {
  return std::make_unique<ModelOf<B>>(Vae<B>(config, backend));
}
template <class B>
std::unique_ptr<Model> load_model_on(const std::string& path, const VaeConfig* bare,
                                     const B& backend) {
  return std::make_unique<ModelOf<B>>(io::load_model<B>(path, backend, bare));
}

}  // namespace longhand::cli
