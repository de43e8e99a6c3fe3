// SPDX-License-Identifier: MIT
// The spec of an Aae as the JSON of a model file, and back.
#include "json.hpp"
#include "longhand/io/model_header.hpp"
#include "message.hpp"
#include "spec_parts.hpp"

namespace longhand::io {
namespace {

using nlohmann::ordered_json;

void add_to(ordered_json& object, const NormalPrior& prior) {
  object["scale"] = json_number(prior.scale);
}
void add_to(ordered_json& object, const RingPrior& prior) {
  object["components"] = prior.components;
  object["radius"] = json_number(prior.radius);
  object["deviation"] = json_number(prior.deviation);
}

double positive(const Node& node) { return node.positive(); }

void read(const Node& node, NormalPrior& prior, Index /*dim*/) {
  node.only({"kind", "scale"});
  prior.scale = node.get("scale", prior.scale, positive);
}
void read(const Node& node, RingPrior& prior, Index dim) {
  node.only({"kind", "components", "radius", "deviation"});
  if (dim != 2)
    node.at("kind").expected(cat("\"normal\" with ", dim, " latent dimensions: a ring has 2"));
  prior.components = node.get("components", prior.components, [](const Node& n) {
    return n.size(2, static_cast<std::uint64_t>(RingPrior::most_components));
  });
  prior.radius = node.get("radius", prior.radius, positive);
  prior.deviation = node.get("deviation", prior.deviation, positive);
}

/// A latent that such a model can have; its KL and the prior of that are no part of it.
void check_latent(const Node& latent) {
  const LatentSpec kind = latent.at("kind").one_of<LatentSpec>();
  if (std::holds_alternative<CategoricalLatentSpec>(kind))
    latent.at("kind").expected("\"code\" or \"gaussian\" in an adversarial autoencoder");
  if (std::holds_alternative<GaussianLatentSpec>(kind))
    latent.only({"kind", "dim", "logvar_bound"});
}

}  // namespace

std::string kind_of(const AaeSpec&) { return "aae"; }

std::string spec_to_json(const AaeSpec& spec) {
  const VaeSpec own = agreed(spec.autoencoder);
  ordered_json object = {{"model", kind_of(spec)}};
  add_autoencoder(object, own);
  const auto* gaussian = std::get_if<GaussianLatentSpec>(&own.latent);
  if (gaussian != nullptr && std::holds_alternative<StandardNormal>(gaussian->prior))
    object["latent"].erase("prior");  // that of a KL, which the model does not have
  ordered_json prior = {{"kind", name_of(spec.prior)}};
  std::visit([&](const auto& p) { add_to(prior, p); }, spec.prior);
  object["prior"] = std::move(prior);
  object["discriminator"] = net_json(spec.discriminator);
  if (own.condition_dim != 0) object["condition_rows"] = own.condition_dim;  // is refused
  return object.dump();
}

void spec_from_json(std::string_view text, std::string_view file, AaeSpec& spec) {
  const nlohmann::json document = parse_json(text, file);
  const Node root(file, "", document);
  if (root.at("model").text() != kind_of(spec)) root.at("model").expected("\"aae\"");
  root.only(
      {"model", "input", "encoder", "decoder", "latent", "likelihood", "prior", "discriminator"});
  spec = AaeSpec();
  check_latent(root.at("latent"));
  read_autoencoder(root, spec.autoencoder);
  spec.prior = root.get("prior", spec.prior, [&](const Node& n) {
    SampledPriorSpec prior = n.at("kind").one_of<SampledPriorSpec>();
    std::visit([&](auto& p) { read(n, p, z_rows(spec.autoencoder.latent)); }, prior);
    return prior;
  });
  spec.discriminator = root.get("discriminator", NetSpec(), net_from);
  require_units(root, units_in(spec.autoencoder) + units_in(spec.discriminator));
}

}  // namespace longhand::io
