// SPDX-License-Identifier: MIT
#include "description.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "longhand/io/error.hpp"
#include "longhand/io/model_header.hpp"
#include "message.hpp"

namespace longhand::io {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t format_version = 1;
constexpr std::uint64_t largest_size = 2147483647;
/// Deeper nets would share the dropout noise of another one.
constexpr std::size_t most_layers = 1024;
/// Room for the shift and scale of hundreds of thousands of rows; a parsed text takes 16 times as
/// much memory at most.
constexpr std::size_t longest_text = 32u << 20;
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Enum>
using Names = std::initializer_list<std::pair<const char*, Enum>>;

constexpr Names<InputTransform::Kind> transform_names = {
    {"none", InputTransform::Kind::none},
    {"unit", InputTransform::Kind::unit},
    {"symmetric", InputTransform::Kind::symmetric},
    {"standardize", InputTransform::Kind::standardize}};
constexpr Names<LatentKind> latent_names = {{"gaussian", LatentKind::gaussian},
                                            {"deterministic", LatentKind::deterministic}};
constexpr Names<PriorKind> prior_names = {{"standard-normal", PriorKind::standard_normal},
                                          {"conditional", PriorKind::conditional}};
constexpr Names<OutputMap> output_names = {{"identity", OutputMap::identity},
                                           {"sigmoid", OutputMap::sigmoid}};

template <class Enum>
std::string name_in(const Names<Enum>& names, Enum value) {
  const auto* const found = std::ranges::find(names, value, &std::pair<const char*, Enum>::second);
  return found == names.end() ? "" : found->first;
}

std::string model_name(const VaeConfig& config) {
  return config.latent == LatentKind::deterministic ? "ae"
         : config.condition_dim > 0                 ? "cvae"
                                                    : "vae";
}

// ---- writing ------------------------------------------------------------------------------------

/// JSON has no NaN and no infinity, and the library would write null, which has a meaning here:
/// written as text they are refused on reading like every other wrong value.
ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(std::to_string(value));
}
ordered_json numbers(const std::vector<double>& values) {
  ordered_json list = ordered_json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}
ordered_json bound(double c) { return c == infinity ? ordered_json() : number(c); }

ordered_json describe(const InputTransform& transform) {
  const bool none = transform.identity();
  const auto list = [&](const std::vector<double>& values, double otherwise) {
    return none ? numbers({}) : numbers(values.empty() ? std::vector{otherwise} : values);
  };
  return {{"kind", name_in(transform_names, transform.kind)},
          {"shift", list(transform.shift, 0)},
          {"scale", list(transform.scale, 1)}};
}

ordered_json describe(const Activation& activation) {
  ordered_json object = {{"name", name_of(activation)}};
  if (const auto* leaky = std::get_if<LeakyRelu>(&activation))
    object["slope"] = number(leaky->slope);
  if (const auto* elu = std::get_if<Elu>(&activation)) object["alpha"] = number(elu->alpha);
  return object;
}

ordered_json describe(const AnyLikelihood& likelihood) {
  ordered_json object = {{"name", likelihood.name()}};
  if (const auto* fixed = std::get_if<Gaussian>(&likelihood.variant())) {
    object["variance"] = number(fixed->formula().variance);
    object["output"] = name_in(output_names, fixed->formula().mean_map.map);
  }
  if (const auto* learned = std::get_if<LearnedGaussian>(&likelihood.variant())) {
    object["output"] = name_in(output_names, learned->formula().mean_map.map);
    object["logvar_bound"] = bound(learned->formula().bound.c);
  }
  return object;
}

ordered_json describe(const VaeConfig& config) {
  const bool picture = config.image != std::array<Index, 3>{};
  ordered_json prior = {{"kind", name_in(prior_names, config.prior)}};
  if (config.prior == PriorKind::conditional) prior["hidden"] = config.prior_hidden;
  return {{"format", format_version},
          {"model", model_name(config)},
          {"input",
           {{"rows", config.input_dim},
            {"shape", picture ? ordered_json(config.image) : ordered_json()},
            {"transform", describe(config.transform)}}},
          {"encoder", config.hidden},
          {"decoder", config.decoder_widths()},
          {"activation", describe(config.activation)},
          {"latent", {{"kind", name_in(latent_names, config.latent)}, {"dim", config.latent_dim}}},
          {"likelihood", describe(config.likelihood)},
          {"condition_rows", config.condition_dim},
          {"prior", std::move(prior)},
          {"logvar_bound", bound(config.logvar_bound)},
          {"dropout", number(config.dropout)}};
}

// ---- reading ------------------------------------------------------------------------------------

/// A value of the description and its place in it, for messages: "latent.dim".
class Node {
 public:
  Node(const std::string& file, std::string field, const json& value)
      : file_(file), field_(std::move(field)), value_(value) {}

  [[noreturn]] void fail(std::string_view problem) const {
    throw FormatError(file_, field_.empty() ? "description" : field_, problem);
  }
  [[noreturn]] void expected(std::string_view what) const {
    fail(cat("is ",
             value_.is_object()   ? "an object"
             : value_.is_array()  ? "a list"
             : value_.is_string() ? shown(value_.get_ref<const std::string&>())
                                  : value_.dump(),
             ", expected ", what));
  }

  /// The member called `key`, which must be there.
  Node at(const char* key) const {
    if (!value_.is_object()) expected("an object");
    const auto found = value_.find(key);
    const std::string field = field_.empty() ? key : field_ + "." + key;
    if (found == value_.end()) throw FormatError(file_, field, "is missing, expected it");
    return {file_, field, *found};
  }
  bool has(const char* key) const { return value_.is_object() && value_.contains(key); }

  /// Refuses every other key.
  void only(std::initializer_list<std::string_view> keys) const {
    if (!value_.is_object()) expected("an object");
    for (const auto& item : value_.items()) {
      if (std::ranges::find(keys, item.key()) != keys.end()) continue;
      std::string all;
      for (const std::string_view key : keys) all += (all.empty() ? "" : ", ") + std::string(key);
      fail(cat("has the key ", shown(item.key()), ", expected only ", all));
    }
  }

  bool is_null() const { return value_.is_null(); }

  std::string text() const {
    if (!value_.is_string()) expected("a text");
    return value_.get<std::string>();
  }

  template <class Enum>
  Enum one_of(const Names<Enum>& names) const {
    const std::string name = value_.is_string() ? value_.get<std::string>() : "";
    std::string all;
    for (const auto& [known, value] : names) {
      if (name == known) return value;
      all += (all.empty() ? "" : ", ") + std::string(known);
    }
    expected("one of " + all);
  }

  Index size(std::uint64_t least = 1) const {
    if (!value_.is_number_unsigned() || value_.get<std::uint64_t>() < least ||
        value_.get<std::uint64_t>() > largest_size)
      expected(cat("an integer from ", least, " to ", largest_size));
    return value_.get<Index>();
  }

  /// A number that `accepts`, described by `what`.
  template <class Accepts>
  double number(Accepts accepts, std::string_view what) const {
    if (!value_.is_number() || !accepts(value_.get<double>())) expected(what);
    return value_.get<double>();
  }
  double positive() const {
    return number([](double v) { return v > 0; }, "a positive number");
  }
  /// c of [REP-1]; null stands for infinity.
  double bound() const {
    if (is_null()) return infinity;
    return number([](double v) { return v > 0; }, "a positive number, or null for no bound");
  }

  std::vector<Node> list(std::size_t most) const {
    if (!value_.is_array()) expected("a list");
    if (value_.size() > most) fail(cat("has ", value_.size(), " entries, expected at most ", most));
    std::vector<Node> nodes;
    nodes.reserve(value_.size());
    for (std::size_t i = 0; i < value_.size(); ++i)
      nodes.emplace_back(file_, cat(field_, "[", i, "]"), value_[i]);
    return nodes;
  }
  std::vector<Index> sizes() const {
    std::vector<Index> sizes;
    for (const Node& node : list(most_layers)) sizes.push_back(node.size());
    return sizes;
  }

 private:
  const std::string& file_;
  std::string field_;
  const json& value_;
};

/// The parsed text. nlohmann keeps the last of several equal keys; here they are an error.
json parse(std::string_view text, const std::string& file) {
  if (text.size() > longest_text) {
    throw FormatError(file, "description",
                      cat("has ", text.size(), " bytes, expected at most ", longest_text));
  }
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 8)
      throw FormatError(file, "description", "is nested too deeply, expected 4 levels");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw FormatError(file, "description",
                        cat("has the key ", shown(parsed.get<std::string>()),
                            " twice in one object, expected it once"));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), check);
  } catch (const json::parse_error& error) {
    throw FormatError(file, "description",
                      cat("is no valid JSON at byte ", error.byte, ", expected one JSON object"));
  } catch (const json::exception&) {
    throw FormatError(file, "description",
                      "has a number too large for float64, expected at most 1.8e308");
  }
}

InputTransform transform_from(const Node& node, Index rows) {
  node.only({"kind", "shift", "scale"});
  InputTransform transform;
  transform.kind = node.at("kind").one_of(transform_names);
  const auto entries = [&](const char* key) {
    const Node list = node.at(key);
    const std::vector<Node> nodes = list.list(static_cast<std::size_t>(rows));
    if (transform.identity()) {
      if (!nodes.empty()) list.fail("has entries, expected none where kind is none");
    } else if (nodes.size() != 1 && nodes.size() != static_cast<std::size_t>(rows)) {
      list.fail(cat("has ", nodes.size(), " entries, expected 1 or ", rows));
    }
    return nodes;
  };
  for (const Node& shift : entries("shift"))
    transform.shift.push_back(shift.number([](double) { return true; }, "a number"));
  for (const Node& scale : entries("scale")) transform.scale.push_back(scale.positive());
  return transform;
}

Activation activation_from(const Node& node) {
  Activation activation;
  try {
    activation = from_name<Activation>("activation", node.at("name").text());
  } catch (const std::invalid_argument&) {
    node.at("name").expected("one of " + names_of<Activation>());
  }
  // A slope below 0 would give two inputs one output, from which backward could not tell them.
  const auto slope = [&](const char* key) {
    node.only({"name", key});
    return node.at(key).number([](double v) { return v >= 0; }, "a number from 0 on");
  };
  if (auto* leaky = std::get_if<LeakyRelu>(&activation)) {
    leaky->slope = slope("slope");
  } else if (auto* elu = std::get_if<Elu>(&activation)) {
    elu->alpha = slope("alpha");
  } else {
    node.only({"name"});
  }
  return activation;
}

AnyLikelihood likelihood_from(const Node& node) {
  enum class Kind { bernoulli, gaussian, learned };
  const Names<Kind> names = {{Bernoulli::name, Kind::bernoulli},
                             {Gaussian::name, Kind::gaussian},
                             {LearnedGaussian::name, Kind::learned}};
  switch (node.at("name").one_of(names)) {
    case Kind::bernoulli:
      break;
    case Kind::gaussian:
      node.only({"name", "variance", "output"});
      return Gaussian(node.at("variance").positive(), node.at("output").one_of(output_names));
    case Kind::learned:
      node.only({"name", "output", "logvar_bound"});
      return LearnedGaussian(node.at("output").one_of(output_names),
                             {node.at("logvar_bound").bound()});
  }
  node.only({"name"});
  return Bernoulli{};
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

VaeConfig config_from(const Node& root) {
  VaeConfig config;
  const Node input = root.at("input");
  input.only({"rows", "shape", "transform"});
  config.input_dim = input.at("rows").size();
  config.image = shape_from(input.at("shape"), config.input_dim);
  config.transform = transform_from(input.at("transform"), config.input_dim);
  config.hidden = root.at("encoder").sizes();
  config.decoder_hidden = root.at("decoder").sizes();
  config.activation = activation_from(root.at("activation"));
  const Node latent = root.at("latent");
  latent.only({"kind", "dim"});
  config.latent = latent.at("kind").one_of(latent_names);
  config.latent_dim = latent.at("dim").size();
  config.likelihood = likelihood_from(root.at("likelihood"));
  config.condition_dim = root.at("condition_rows").size(0);
  const Node prior = root.at("prior");
  config.prior = prior.at("kind").one_of(prior_names);
  if (config.prior == PriorKind::conditional) {
    prior.only({"kind", "hidden"});
    config.prior_hidden = prior.at("hidden").sizes();
    if (config.latent != LatentKind::gaussian || config.condition_dim == 0)
      prior.at("kind").fail(
          "is \"conditional\", expected \"standard-normal\" without a gaussian latent and "
          "condition "
          "rows");
  } else {
    prior.only({"kind"});
  }
  config.logvar_bound = root.at("logvar_bound").bound();
  config.dropout = root.at("dropout").number([](double p) { return p >= 0 && p < 1; },
                                             "a number from 0 to below 1");
  if (root.at("model").text() != model_name(config))
    root.at("model").expected(cat("\"", model_name(config), "\" with this latent and ",
                                  config.condition_dim, " condition rows"));
  return config;
}

std::uint32_t checksum_from(const Node& node) {
  const std::string text = node.text();
  const std::string digits = text.starts_with("crc32:") ? text.substr(6) : "";
  if (digits.size() != 8 || digits.find_first_not_of("0123456789abcdef") != digits.npos)
    node.expected("\"crc32:\" and 8 hexadecimal digits");
  return static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
}

}  // namespace

std::string checksum_text(std::uint32_t checksum) { return "crc32:" + hex(checksum, 8).substr(2); }

std::string describe(const Description& description) {
  ordered_json object = describe(description.config);
  if (!description.scalar.empty()) object["scalar"] = description.scalar;
  if (!description.library.empty()) object["library"] = description.library;
  if (description.checksum) object["checksum"] = checksum_text(*description.checksum);
  return object.dump();
}

Description parse_description(std::string_view text, const std::string& file) {
  const json document = parse(text, file);
  const Node root(file, "", document);
  // First of all: a newer format may differ in everything else.
  if (const Index format = root.at("format").size();
      static_cast<std::uint64_t>(format) > format_version) {
    const std::string library = root.has("library") ? root.at("library").text() : "?";
    root.at("format").fail(cat("is ", format, ", written by longhand ", shown(library),
                               "; expected at most ", format_version,
                               ": a newer longhand reads it"));
  }
  root.only({"format", "model", "input", "encoder", "decoder", "activation", "latent", "likelihood",
             "condition_rows", "prior", "logvar_bound", "dropout", "scalar", "library",
             "checksum"});
  Description description;
  description.config = config_from(root);
  if (root.has("scalar")) {
    description.scalar = root.at("scalar").text();
    if (description.scalar != "float32" && description.scalar != "float64")
      root.at("scalar").expected("\"float32\" or \"float64\"");
  }
  if (root.has("library")) description.library = root.at("library").text();
  if (root.has("checksum")) description.checksum = checksum_from(root.at("checksum"));
  return description;
}

std::string config_to_json(const VaeConfig& config) {
  const std::string text = describe(Description{config, {}, {}, {}});
  config_from_json(text);
  return text;
}

VaeConfig config_from_json(std::string_view text, std::string_view name) {
  return parse_description(text, std::string(name)).config;
}

}  // namespace longhand::io
