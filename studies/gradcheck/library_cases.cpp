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

struct NetCase {
  Index in = 0;
  NetSpec hidden = {};
  Index out = 0;
};

template <class B>
struct NetWithBatch {
  using S = typename B::Scalar;
  B backend = B();
  ParamLayout layout;
  Net<B> net;
  Params<B> params;
  Workspace<B> workspace;
  typename Net<B>::Cache cache;
  std::vector<S> x;
  Index batch = 1;

  NetWithBatch(const NetCase& c, Index n)
      : net(layout, "net", c.in, c.hidden, longhand::outputs(c.out)), batch(n) {
    params = Params<B>(layout);
    x.resize(static_cast<std::size_t>(c.in * n));
  }
  Pass<B> pass(Grads<B>* grads) {
    return {.backend = backend,
            .theta = params,
            .grads = grads,
            .workspace = workspace,
            .key = kKey,
            .mode = Mode::train};
  }
  std::vector<S> forward() {
    workspace.reset();
    const Pass<B> p = pass(nullptr);
    const View<B> y =
        net.forward(p, {x.data(), net.in(), batch, std::max<Index>(net.in(), 1)}, cache);
    return {y.data, y.data + y.size()};
  }
  void backward(Cotangent dy, TensorGradients& g) {
    Grads<B> grads(layout);
    const Pass<B> p = pass(&grads);
    std::vector<double> dx(x.size());
    net.backward(p, cache, {dy.data(), net.out(), batch, net.out()},
                 {dx.data(), net.in(), batch, net.in()});
    hand_over(grads.values(), g);
    g.assign("x", dx);
  }
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
  HostScalars<S> scalars;
  Workspace<B> workspace;

  Model(const VaeSpec& spec, Index n, bool by_row, double constant, double beta, B backend)
      : vae(spec, backend), batch(n), contracted(by_row), offset(constant) {
    scalars.schedules = {S(beta)};
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
            .mode = Mode::train,
            .scalars = scalars.view()};
  }
  View<B> room_for_terms(const Pass<B>& p) const {
    return p.matrix(static_cast<Index>(vae.terms().size()), batch);
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
    const View<B> terms = room_for_terms(p);
    vae.values(p, data(weights), terms);
    const bool has_kl = terms.rows > 1;
    std::vector<S> rows;
    S sum(0);
    for (Index j = 0; j < batch; ++j) {
      const S weight = weights.empty() ? S(1) : weights[static_cast<std::size_t>(j)];
      rows.push_back(weight * scalars.inverse_samples *
                     (terms(0, j) + (has_kl ? scalars.schedules[0] * terms(1, j) : S(0))));
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
    const Pass<B> p = pass(&grads);
    vae.loss_and_gradient(p, data(sample_weights), room_for_terms(p));
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
  VaeSpec spec;
  spec.input_dim = static_cast<Index>(draw.size(1, 16));
  std::vector<Index> hidden;
  for (std::size_t layers = draw.below(3); layers > 0; --layers)
    hidden.push_back(static_cast<Index>(draw.size(1, 12)));
  const Index dim = static_cast<Index>(draw.size(1, 8));
  const Activation activation = any_activation(draw);
  const bool coded = draw.one_in(5);
  const OutputMap map = draw.one_of({OutputMap::identity, OutputMap::sigmoid});
  switch (draw.below(3)) {
    case 0:
      spec.likelihood = Bernoulli{};
      break;
    case 1:
      spec.likelihood = Gaussian{.variance = draw.magnitude(1e-2, 1e2), .output = map};
      break;
    default:
      spec.likelihood = LearnedGaussian{.output = map, .logvar_bound = draw.one_of({3.0, 15.0})};
  }
  if (draw.one_in(3)) spec.condition_dim = static_cast<Index>(draw.size(1, 4));
  GaussianLatentSpec gaussian{.dim = dim};
  const bool learned = spec.condition_dim > 0 && !coded && draw.one_in(2);
  if (learned) {
    const bool deep = draw.one_in(2);
    gaussian.prior =
        ConditionalPrior{mlp(deep ? std::vector<Index>{3} : std::vector<Index>{}, activation)};
  }
  gaussian.logvar_bound = draw.one_of({3.0, 15.0});
  spec.hidden = mlp(hidden, activation, draw.one_in(4) ? 0.3 : 0);
  spec.latent = gaussian;
  if (coded) spec.latent_dim = dim;
  spec.latent = CodeSpec{};
  const Index batch = static_cast<Index>(draw.size(1, 8));
  const bool contracted = draw.one_in(3);
  offset = contracted ? 0 : draw.one_of({0.0, 0.0, 0.0, 1e3, 1e6});
  const double beta = draw.one_of({0.1, 1.0, 4.0});

  auto model = std::make_shared<Model<B>>(spec, batch, contracted, offset, beta, backend);
  const bool probability = model->vae.likelihood().domain().second == 1;
  const auto fill = [&](std::vector<double>& v, Index rows, auto number) {
    for (Index k = 0; k < rows * batch; ++k) v.push_back(number());
  };
  fill(model->input, spec.input_dim, [&] { return draw.normal(); });
  fill(model->target, spec.input_dim, [&] { return probability ? draw.uniform() : draw.normal(); });
  fill(model->condition, spec.condition_dim, [&] { return draw.normal(); });
  if (draw.one_in(4)) fill(model->mask, spec.input_dim, [&] { return draw.one_in(4) ? 0.0 : 1.0; });
  if (draw.one_in(4)) fill(model->weights, 1, [&] { return draw.uniform(0.2, 2); });
  draw_parameters(draw, model->vae.params(), draw.one_of({0.3, 1.0, 2.0}));

  Case c;
  c.family = "library Vae";
  c.scalar = !contracted;
  c.tensors = tensors_of(model->vae.params());
  c.forward = [m = model.get()] { return m->forward(); };
  c.backward = [m = model.get()](Cotangent d, TensorGradients& g) { m->backward(d, g); };
  auto twin = std::make_shared<Model<Reference<Dual>>>(spec, batch, contracted, offset, beta,
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

Case any_net(Draw& draw) {
  using B = Reference<double>;
  NetCase net_case;
  std::vector<Index> hidden;
  net_case.in = static_cast<Index>(draw.size(1, 64));
  for (std::size_t layers = draw.below(3); layers > 0; --layers)
    hidden.push_back(static_cast<Index>(draw.size(1, 16)));
  net_case.out = static_cast<Index>(draw.size(1, hidden.empty() ? 64 : 16));
  const Activation activation = any_activation(draw);
  net_case.hidden = mlp(hidden, activation, draw.one_in(4) ? 0.4 : 0);
  auto net = std::make_shared<NetWithBatch<B>>(net_case, static_cast<Index>(draw.size(1, 8)));
  const double x_size = draw.magnitude(1e-3, 1e3);
  for (double& x : net->x) x = x_size * draw.normal();
  draw_parameters(draw, net->params, draw.magnitude(0.1, 3) / std::max(1.0, x_size));

  Case c;
  c.family = "library Net";
  c.tensors = tensors_of(net->params);
  c.tensors.push_back({"x", net->x, static_cast<std::size_t>(net_case.in)});
  c.forward = [n = net.get()] { return n->forward(); };
  c.backward = [n = net.get()](Cotangent dy, TensorGradients& g) { n->backward(dy, g); };
  auto twin = std::make_shared<NetWithBatch<Reference<Dual>>>(net_case, net->batch);
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
