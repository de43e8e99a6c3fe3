// SPDX-License-Identifier: MIT
#include "spec_parts.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "longhand/io/model_header.hpp"
#include "message.hpp"

namespace longhand::io {

using nlohmann::ordered_json;

namespace {

constexpr std::size_t most_stages = 1024;
/// Units of all layers together: the product of two such numbers is far from overflowing.
constexpr Index most_units = Index{1} << 29;

// ---- writing ------------------------------------------------------------------------------------

ordered_json numbers(const std::vector<double>& values) {
  ordered_json list = ordered_json::array();
  for (const double value : values) list.push_back(json_number(value));
  return list;
}
ordered_json bound(double c) { return c == infinity ? ordered_json() : json_number(c); }

ordered_json to_json(const Activation& activation) {
  ordered_json object = {{"name", name_of(activation)}};
  if (const auto* leaky = std::get_if<LeakyRelu>(&activation))
    object["slope"] = json_number(leaky->slope);
  if (const auto* elu = std::get_if<Elu>(&activation)) object["alpha"] = json_number(elu->alpha);
  return object;
}

ordered_json to_json(const PriorSpec& prior) {
  ordered_json object = {{"kind", name_of(prior)}};
  if (const auto* learned = std::get_if<ConditionalPrior>(&prior))
    object["net"] = net_json(learned->net);
  return object;
}

void add_to(ordered_json& object, const GaussianLatentSpec& latent) {
  object["dim"] = latent.dim;
  object["logvar_bound"] = bound(latent.logvar_bound);
  object["prior"] = to_json(latent.prior);
}
void add_to(ordered_json& object, const CodeSpec& latent) { object["dim"] = latent.dim; }
void add_to(ordered_json& object, const CategoricalLatentSpec& latent) {
  object["variables"] = latent.variables;
  object["classes"] = latent.classes;
  object["estimator"] = name_of(latent.estimator);
}

ordered_json to_json(const LatentSpec& latent) {
  ordered_json object = {{"kind", name_of(latent)}};
  std::visit([&](const auto& l) { add_to(object, l); }, latent);
  return object;
}

ordered_json to_json(const LikelihoodSpec& likelihood) {
  ordered_json object = {{"name", name_of(likelihood)}};
  // No name of ours, so that no reader takes it for one of ours.
  if (const auto* custom = std::get_if<CustomLikelihood>(&likelihood))
    object["name"] = custom->name + " (a type of the program that made it)";
  if (const auto* fixed = std::get_if<Gaussian>(&likelihood)) {
    object["variance"] = json_number(fixed->variance);
    object["output"] = name_of(fixed->output);
  }
  if (const auto* learned = std::get_if<LearnedGaussian>(&likelihood)) {
    object["output"] = name_of(learned->output);
    object["logvar_bound"] = bound(learned->logvar_bound);
  }
  return object;
}

// ---- reading ------------------------------------------------------------------------------------

Activation activation_from(const Node& node) {
  Activation activation = node.at("name").one_of<Activation>();
  // A slope below 0 would give two inputs one output, from which backward could not tell them.
  const auto slope = [&](const char* key, auto& value) {
    node.only({"name", key});
    value = node.get(key, value, [](const Node& n) {
      return n.number([](double v) { return v >= 0; }, "a number from 0 on");
    });
  };
  if (auto* leaky = std::get_if<LeakyRelu>(&activation)) {
    slope("slope", leaky->slope);
  } else if (auto* elu = std::get_if<Elu>(&activation)) {
    slope("alpha", elu->alpha);
  } else {
    node.only({"name"});
  }
  return activation;
}

double bound_from(const Node& node) { return node.bound(); }

PriorSpec prior_from(const Node& node) {
  PriorSpec prior = node.at("kind").one_of<PriorSpec>();
  if (auto* learned = std::get_if<ConditionalPrior>(&prior)) {
    node.only({"kind", "net"});
    learned->net = node.get("net", learned->net, net_from);
  } else {
    node.only({"kind"});
  }
  return prior;
}

void read(const Node& node, GaussianLatentSpec& latent) {
  node.only({"kind", "dim", "logvar_bound", "prior"});
  latent.dim = node.at("dim").size();
  latent.logvar_bound = node.get("logvar_bound", latent.logvar_bound, bound_from);
  latent.prior = node.get("prior", latent.prior, prior_from);
}
void read(const Node& node, CodeSpec& latent) {
  node.only({"kind", "dim"});
  latent.dim = node.at("dim").size();
}

void read(const Node& node, CategoricalLatentSpec& latent) {
  node.only({"kind", "variables", "classes", "estimator"});
  latent.variables = node.at("variables").size();
  latent.classes = node.at("classes").size(2);
  latent.estimator =
      node.get("estimator", latent.estimator, [](const Node& n) { return n.one_of<Estimator>(); });
}

LatentSpec latent_from(const Node& node) {
  LatentSpec latent = node.at("kind").one_of<LatentSpec>();
  std::visit([&](auto& l) { read(node, l); }, latent);
  return latent;
}

/// A prior that reads the condition needs one.
void check_prior(const VaeSpec& spec, const Node& latent) {
  const auto* gaussian = std::get_if<GaussianLatentSpec>(&spec.latent);
  if (gaussian == nullptr || spec.condition_dim > 0) return;
  if (std::holds_alternative<ConditionalPrior>(gaussian->prior))
    latent.at("prior").at("kind").expected("\"standard-normal\" without condition rows");
}

LikelihoodSpec likelihood_from(const Node& node) {
  FileLikelihood likelihood = node.at("name").one_of<FileLikelihood>();
  const auto output = [](const Node& n) { return n.one_of<OutputMap>(); };
  if (auto* fixed = std::get_if<Gaussian>(&likelihood)) {
    node.only({"name", "variance", "output"});
    fixed->variance =
        node.get("variance", fixed->variance, [](const Node& n) { return n.positive(); });
    fixed->output = node.get("output", fixed->output, output);
  } else if (auto* learned = std::get_if<LearnedGaussian>(&likelihood)) {
    node.only({"name", "output", "logvar_bound"});
    learned->output = node.get("output", learned->output, output);
    learned->logvar_bound = node.get("logvar_bound", learned->logvar_bound, bound_from);
  } else {
    node.only({"name"});
  }
  return std::visit([](const auto& l) { return LikelihoodSpec(l); }, likelihood);
}

std::array<Index, 3> shape_from(const Node& node, Index rows) {
  if (node.is_null()) return {0, 0, 0};
  std::array<Index, 3> shape{};
  const std::vector<Node> extents = node.list(3);
  if (extents.size() != 3)
    node.fail(cat("has ", extents.size(), " entries, expected height, width and channels"));
  std::uint64_t dims[3];
  for (std::size_t i = 0; i < 3; ++i) {
    shape[i] = extents[i].size();
    dims[i] = static_cast<std::uint64_t>(shape[i]);
  }
  if (checked_extent(dims, Dtype::u8) != static_cast<std::uint64_t>(rows))
    node.fail(cat("is ", list(shape), ", expected extents whose product is ", rows, " rows"));
  return shape;
}

}  // namespace

// ---- names --------------------------------------------------------------------------------------

std::vector<std::string> names_from(const Node& node, Index count) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  const std::vector<Node> entries = node.list(static_cast<std::size_t>(count));
  if (!entries.empty() && entries.size() != static_cast<std::size_t>(count))
    node.fail(cat("has ", entries.size(), " entries, expected none or ", count));
  for (const Node& entry : entries) {
    names.push_back(entry.text());
    if (std::ranges::any_of(names.back(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      entry.expected("text without control characters");
    if (!seen.insert(names.back()).second) entry.expected("every name once");
  }
  return names;
}

// ---- transforms ---------------------------------------------------------------------------------

ordered_json transform_json(const InputTransform& transform) {
  const bool none = transform.identity();
  const auto list = [&](const std::vector<double>& values, double otherwise) {
    return none ? numbers({}) : numbers(values.empty() ? std::vector{otherwise} : values);
  };
  ordered_json object = {{"kind", name_of(transform.kind)},
                         {"shift", list(transform.shift, 0)},
                         {"scale", list(transform.scale, 1)}};
  if (transform.byte_unit != InputTransform().byte_unit)
    object["bytes"] = json_number(transform.byte_unit);
  return object;
}

InputTransform transform_from(const Node& node, Index rows) {
  node.only({"kind", "shift", "scale", "bytes"});
  InputTransform transform;
  transform.kind = node.at("kind").one_of<InputTransform::Kind>();
  const auto entries = [&](const char* key) -> std::vector<Node> {
    if (!node.has(key) && transform.identity()) return {};
    const Node list = node.at(key);
    std::vector<Node> nodes = list.list(static_cast<std::size_t>(rows));
    if (transform.identity()) {
      if (!nodes.empty()) list.fail("has entries, expected none where kind is none");
    } else if (nodes.size() != 1 && nodes.size() != static_cast<std::size_t>(rows)) {
      list.fail(cat("has ", nodes.size(), " entries, expected 1 or ", rows));
    }
    return nodes;
  };
  for (const Node& shift : entries("shift")) transform.shift.push_back(shift.number());
  for (const Node& scale : entries("scale")) transform.scale.push_back(scale.positive());
  transform.byte_unit = node.get("bytes", transform.byte_unit, [](const Node& n) {
    return n.number([](double v) { return v == 1 || v == 255; },
                    "255, or 1 for bytes that are 0 and 1");
  });
  return transform;
}

// ---- nets ---------------------------------------------------------------------------------------

ordered_json net_json(const NetSpec& net) {
  ordered_json stages = ordered_json::array();
  for (const StageSpec& stage : net.stages) {
    ordered_json object = std::visit(
        [](const DenseSpec& dense) {
          return ordered_json{{DenseSpec::name, dense.out}};
        },
        stage.linear);
    object["activation"] = to_json(stage.activation);
    object["dropout"] = json_number(stage.dropout);
    stages.push_back(std::move(object));
  }
  return stages;
}

NetSpec net_from(const Node& node) {
  NetSpec net;
  for (const Node& stage : node.list(most_stages)) {
    stage.only({DenseSpec::name, "activation", "dropout"});
    StageSpec& spec = net.stages.emplace_back();
    spec.linear = DenseSpec{stage.at(DenseSpec::name).size()};
    spec.activation = stage.get("activation", spec.activation, activation_from);
    spec.dropout = stage.get("dropout", spec.dropout, [](const Node& n) {
      return n.number([](double p) { return p >= 0 && p < 1; }, "a number from 0 to below 1");
    });
  }
  return net;
}

// ---- an autoencoder -----------------------------------------------------------------------------

void add_autoencoder(ordered_json& object, const VaeSpec& spec) {
  const bool picture = spec.image != std::array<Index, 3>{};
  object["input"] = {{"rows", spec.input_dim},
                     {"shape", picture ? ordered_json(spec.image) : ordered_json()},
                     {"transform", transform_json(spec.transform)}};
  if (spec.window > 0) object["input"]["window"] = spec.window;
  if (!spec.names.empty()) object["input"]["names"] = spec.names;
  object["encoder"] = net_json(spec.hidden);
  object["decoder"] = net_json(spec.decoder_net());
  object["latent"] = to_json(spec.latent);
  object["likelihood"] = ordered_json::array({to_json(spec.likelihood)});
}

void read_autoencoder(const Node& root, VaeSpec& spec) {
  const Node input = root.at("input");
  input.only({"rows", "shape", "transform", "window", "names"});
  spec.input_dim = input.at("rows").size();
  spec.image =
      input.get("shape", spec.image, [&](const Node& n) { return shape_from(n, spec.input_dim); });
  spec.transform = input.get("transform", spec.transform,
                             [&](const Node& n) { return transform_from(n, spec.input_dim); });
  spec.window = input.get("window", spec.window, [&](const Node& n) {
    const Index steps = n.size();
    if (spec.input_dim % steps != 0)
      n.fail(cat("is ", steps, ", expected to divide the ", spec.input_dim, " rows of the input"));
    return steps;
  });
  spec.names =
      input.get("names", spec.names, [&](const Node& n) { return names_from(n, spec.input_dim); });
  spec.hidden = root.get("encoder", NetSpec(), net_from);
  spec.decoder_hidden = root.get("decoder", spec.decoder_hidden, net_from);
  spec.latent = latent_from(root.at("latent"));
  spec = agreed(std::move(spec));
  check_prior(spec, root.at("latent"));
  const std::vector<Node> likelihoods = root.at("likelihood").list(most_stages);
  if (likelihoods.size() != 1)
    root.at("likelihood").fail(cat("has ", likelihoods.size(), " entries, expected 1"));
  spec.likelihood = likelihood_from(likelihoods.front());
}

// ---- limits -------------------------------------------------------------------------------------

Index units_in(const NetSpec& net) {
  Index sum = 0;
  for (const StageSpec& stage : net.stages) sum += stage.out();
  return sum;
}

Index units_in(const VaeSpec& spec) {
  Index sum = spec.input_dim + spec.condition_dim + z_rows(spec.latent) + units_in(spec.hidden) +
              units_in(spec.decoder_net());
  if (const auto* gaussian = std::get_if<GaussianLatentSpec>(&spec.latent))
    if (const auto* learned = std::get_if<ConditionalPrior>(&gaussian->prior))
      sum += units_in(learned->net);
  return sum;
}

void require_units(const Node& root, Index units) {
  if (units > most_units)
    root.fail(cat("has layers of ", units, " units in all, expected at most ", most_units));
}

}  // namespace longhand::io
