// SPDX-License-Identifier: MIT
#include "library_cases.hpp"

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/models/vae.hpp"
#include "random_vae.hpp"

namespace longhand::study {

namespace {

/// The parameters of a model as tensors, one per block.
template <class B>
std::vector<NamedTensor> tensors_of(const Params<B>& params) {
  std::vector<NamedTensor> tensors;
  const auto& blocks = params.layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const View<B> block = params[static_cast<BlockId>(b)];
    tensors.push_back({blocks[b].parts.front().name,
                       {block.data, static_cast<std::size_t>(block.size())},
                       static_cast<std::size_t>(block.rows)});
  }
  return tensors;
}
template <class B>
void hand_over(const Params<B>& gradients, TensorGradients& g) {
  for (const NamedTensor& t : tensors_of(gradients)) g.assign(t.name, t.values);
}
template <class B>
void take(const DualTensors& x, const Params<B>& params) {
  const auto& blocks = params.layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto from = x[blocks[b].parts.front().name];
    std::copy(from.begin(), from.end(), params[static_cast<BlockId>(b)].data);
  }
}

/// Fan-in weights times `size`.
template <class B>
void draw_parameters(Draw& draw, const Params<B>& params, double size) {
  for (std::size_t b = 0; b < params.layout().blocks().size(); ++b) {
    const View<B> block = params[static_cast<BlockId>(b)];
    const double sigma = size / std::sqrt(static_cast<double>(params.layout().blocks()[b].fan_in));
    for (Index k = 0; k < block.size(); ++k) block.data[k] = sigma * draw.normal();
  }
}

const NoiseKey kKey{.seed = 5, .step = 3, .stream = Stream::latent, .draw = 0};

// ---- nets ---------------------------------------------------------------------------------------

template <class B>
struct Net {
  using S = typename B::Scalar;
  ParamLayout layout;
  Mlp<B> mlp;
  Params<B> params;
  Workspace<B> workspace;
  typename Mlp<B>::Cache cache;
  std::vector<S> x;
  Index batch = 1;

  Net(const MlpConfig& config, Index n) : mlp(layout, Segment::encoder, "net", config), batch(n) {
    params = Params<B>(layout);
    x.resize(static_cast<std::size_t>(config.in * n));
  }
  Pass<B> pass(Grads<B>* grads) {
    return {.backend = backend,
            .theta = params,
            .grads = grads,
            .workspace = workspace,
            .key = kKey,
            .sample_ids = {},
            .phase = Phase::train,
            .scalars = nullptr};
  }
  std::vector<S> forward() {
    workspace.reset();
    const Pass<B> p = pass(nullptr);
    const View<B> y =
        mlp.forward(p, {x.data(), mlp.in(), batch, std::max<Index>(mlp.in(), 1)}, cache);
    return {y.data, y.data + y.size()};
  }
  void backward(Cotangent dy, TensorGradients& g) {
    Grads<B> grads(layout);
    const Pass<B> p = pass(&grads);
    std::vector<double> dx(x.size());
    mlp.backward(p, cache, {dy.data(), mlp.out(), batch, mlp.out()},
                 {dx.data(), mlp.in(), batch, mlp.in()});
    hand_over(grads.values(), g);
    g.assign("x", dx);
  }
  B backend = B();
};

// ---- models -------------------------------------------------------------------------------------

/// A model with one batch.
template <class B>
struct Model {
  using S = typename B::Scalar;
  Vae<B> vae;
  Index batch;
  bool contracted;
  double offset;
  std::vector<S> input, target, condition, mask, weights;
  StepScalars<S> scalars;
  Workspace<B> workspace;

  Model(const VaeConfig& config, Index n, bool by_row, double constant, double beta, B backend)
      : vae(config, backend), batch(n), contracted(by_row), offset(constant) {
    scalars.beta = S(beta);
    scalars.inverse_samples = S(contracted ? 1 : 1 / static_cast<double>(n));
  }
  ConstView<B> view(const std::vector<S>& v) const {
    const Index rows = static_cast<Index>(v.size()) / batch;
    return v.empty() ? ConstView<B>{} : ConstView<B>{v.data(), rows, batch, rows};
  }
  Pass<B> pass(Grads<B>* grads) {
    workspace.reset();
    return {.backend = vae.backend(),
            .theta = vae.params(),
            .grads = grads,
            .workspace = workspace,
            .key = kKey,
            .sample_ids = {},
            .phase = Phase::train,
            .scalars = &scalars};
  }
  Batch<B> data(const std::vector<S>& sample_weights) const {
    return {.input = view(input),
            .target = view(target),
            .condition = view(condition),
            .mask = view(mask),
            .sample_weights = view(sample_weights)};
  }
  std::vector<S> forward() {
    const Pass<B> p = pass(nullptr);
    const LossTerms<B> terms = vae.loss(p, data(weights));
    std::vector<S> rows;
    S sum(0);
    for (Index j = 0; j < batch; ++j) {
      const S weight = weights.empty() ? S(1) : weights[static_cast<std::size_t>(j)];
      rows.push_back(weight * scalars.inverse_samples *
                     (terms.nll(0, j) + scalars.beta * terms.kl(0, j)));
      sum += rows.back();
    }
    if (contracted) return rows;
    return {sum + S(offset)};
  }
  void backward(Cotangent d, TensorGradients& g) {
    std::vector<double> sample_weights(static_cast<std::size_t>(batch));
    for (std::size_t j = 0; j < sample_weights.size(); ++j)
      sample_weights[j] = (weights.empty() ? 1 : weights[j]) * d[contracted ? j : 0];
    Grads<B> grads(vae.params().layout());
    (void)vae.loss_and_gradient(pass(&grads), data(sample_weights));
    grads.zero_unwritten(vae.backend());
    hand_over(grads.values(), g);
  }
};

template <class From, class To>
void copy_numbers(const std::vector<From>& from, std::vector<To>& to) {
  to.assign(from.begin(), from.end());
}

template <class B>
Case library_vae(Draw& draw, B backend, double& offset) {
  VaeConfig config;
  config.input_dim = static_cast<Index>(draw.size(1, 16));
  config.hidden.clear();
  for (std::size_t layers = draw.below(3); layers > 0; --layers)
    config.hidden.push_back(static_cast<Index>(draw.size(1, 12)));
  config.latent_dim = static_cast<Index>(draw.size(1, 8));
  config.activation = any_activation(draw);
  config.latent = draw.one_in(5) ? LatentKind::deterministic : LatentKind::gaussian;
  const OutputMap map = draw.one_of({OutputMap::identity, OutputMap::sigmoid});
  switch (draw.below(3)) {
    case 0:
      config.likelihood = Bernoulli{};
      break;
    case 1:
      config.likelihood = Gaussian{draw.magnitude(1e-2, 1e2), map};
      break;
    default:
      config.likelihood = LearnedGaussian{map, {draw.one_of({3.0, 15.0})}};
  }
  if (draw.one_in(3)) config.condition_dim = static_cast<Index>(draw.size(1, 4));
  if (config.condition_dim > 0 && config.latent == LatentKind::gaussian && draw.one_in(2)) {
    config.prior = PriorKind::conditional;
    if (draw.one_in(2)) config.prior_hidden = {3};
  }
  config.logvar_bound = draw.one_of({3.0, 15.0});
  config.dropout = draw.one_in(4) ? 0.3 : 0;
  const Index batch = static_cast<Index>(draw.size(1, 8));
  const bool contracted = draw.one_in(3);
  offset = contracted ? 0 : draw.one_of({0.0, 0.0, 0.0, 1e3, 1e6});
  const double beta = draw.one_of({0.1, 1.0, 4.0});

  auto model = std::make_shared<Model<B>>(config, batch, contracted, offset, beta, backend);
  const bool probability = model->vae.likelihood().domain().second == 1;
  const auto fill = [&](std::vector<double>& v, Index rows, auto number) {
    for (Index k = 0; k < rows * batch; ++k) v.push_back(number());
  };
  fill(model->input, config.input_dim, [&] { return draw.normal(); });
  fill(model->target, config.input_dim,
       [&] { return probability ? draw.uniform() : draw.normal(); });
  fill(model->condition, config.condition_dim, [&] { return draw.normal(); });
  if (draw.one_in(4))
    fill(model->mask, config.input_dim, [&] { return draw.one_in(4) ? 0.0 : 1.0; });
  if (draw.one_in(4)) fill(model->weights, 1, [&] { return draw.uniform(0.2, 2); });
  draw_parameters(draw, model->vae.params(), draw.one_of({0.3, 1.0, 2.0}));

  Case c;
  c.family = "library Vae";
  c.scalar = !contracted;
  c.tensors = tensors_of(model->vae.params());
  c.forward = [m = model.get()] { return m->forward(); };
  c.backward = [m = model.get()](Cotangent d, TensorGradients& g) { m->backward(d, g); };
  auto twin = std::make_shared<Model<Reference<Dual>>>(config, batch, contracted, offset, beta,
                                                       Reference<Dual>());
  copy_numbers(model->input, twin->input), copy_numbers(model->target, twin->target);
  copy_numbers(model->condition, twin->condition), copy_numbers(model->mask, twin->mask);
  copy_numbers(model->weights, twin->weights);
  c.dual = [twin](const DualTensors& x) {
    take(x, twin->vae.params());
    return twin->forward();
  };
  c.owner = std::move(model);
  return c;
}

}  // namespace

Case any_mlp(Draw& draw) {
  using B = Reference<double>;
  MlpConfig config;
  config.in = static_cast<Index>(draw.size(1, 64));
  for (std::size_t layers = draw.below(3); layers > 0; --layers)
    config.hidden.push_back(static_cast<Index>(draw.size(1, 16)));
  config.out = static_cast<Index>(draw.size(1, config.hidden.empty() ? 64 : 16));
  config.activation = any_activation(draw);
  config.dropout = draw.one_in(4) ? 0.4 : 0;
  auto net = std::make_shared<Net<B>>(config, static_cast<Index>(draw.size(1, 8)));
  const double x_size = draw.magnitude(1e-3, 1e3);
  for (double& x : net->x) x = x_size * draw.normal();
  draw_parameters(draw, net->params, draw.magnitude(0.1, 3) / std::max(1.0, x_size));

  Case c;
  c.family = "library Mlp";
  c.tensors = tensors_of(net->params);
  c.tensors.push_back({"x", net->x, static_cast<std::size_t>(config.in)});
  c.forward = [n = net.get()] { return n->forward(); };
  c.backward = [n = net.get()](Cotangent dy, TensorGradients& g) { n->backward(dy, g); };
  auto twin = std::make_shared<Net<Reference<Dual>>>(config, net->batch);
  c.dual = [twin](const DualTensors& x) {
    take(x, twin->params);
    const auto from = x["x"];
    twin->x.assign(from.begin(), from.end());
    return twin->forward();
  };
  c.owner = std::move(net);
  return c;
}

Case any_library_vae(Draw& draw, double& offset) {
  if (draw.one_in(2)) return library_vae(draw, Cpu<double>(1), offset);
  return library_vae(draw, Reference<double>(), offset);
}

}  // namespace longhand::study
