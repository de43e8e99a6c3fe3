// SPDX-License-Identifier: MIT
// The spec of a Vae as the JSON of a model file, and back.
#include "json.hpp"
#include "longhand/io/model_header.hpp"
#include "message.hpp"
#include "spec_parts.hpp"

namespace longhand::io {

std::string kind_of(const VaeSpec& spec) {
  return !has_density(spec.latent) ? "ae" : spec.condition_dim > 0 ? "cvae" : "vae";
}

std::string spec_to_json(const VaeSpec& given) {
  const VaeSpec spec = agreed(given);
  nlohmann::ordered_json object = {{"model", kind_of(spec)}};
  add_autoencoder(object, spec);
  object["condition_rows"] = spec.condition_dim;
  if (!spec.class_names.empty()) object["class_names"] = spec.class_names;
  if (!spec.condition_names.empty()) object["condition_names"] = spec.condition_names;
  if (!spec.condition_transform.identity())
    object["condition_transform"] = transform_json(spec.condition_transform);
  return object.dump();
}

void spec_from_json(std::string_view text, std::string_view file, VaeSpec& spec) {
  const nlohmann::json document = parse_json(text, file);
  const Node root(file, "", document);
  const std::string kind = root.at("model").text();
  if (kind != "vae" && kind != "ae" && kind != "cvae")
    root.at("model").expected("one of vae, ae, cvae");
  root.only({"model", "input", "encoder", "decoder", "latent", "likelihood", "condition_rows",
             "class_names", "condition_names", "condition_transform"});
  spec = VaeSpec();
  spec.condition_dim =
      root.get("condition_rows", spec.condition_dim, [](const Node& n) { return n.size(0); });
  spec.class_names = root.get("class_names", spec.class_names,
                              [&](const Node& n) { return names_from(n, spec.condition_dim); });
  spec.condition_names = root.get("condition_names", spec.condition_names,
                                  [&](const Node& n) { return names_from(n, spec.condition_dim); });
  if (!spec.class_names.empty() && !spec.condition_names.empty())
    root.at("condition_names").expected("none beside class_names");
  spec.condition_transform =
      root.get("condition_transform", spec.condition_transform,
               [&](const Node& n) { return transform_from(n, spec.condition_dim); });
  read_autoencoder(root, spec);
  if (kind != kind_of(spec))
    root.at("model").expected(cat("\"", kind_of(spec), "\" with this latent and ",
                                  spec.condition_dim, " condition rows"));
  require_units(root, units_in(spec));
}

}  // namespace longhand::io
