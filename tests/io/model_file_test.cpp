// SPDX-License-Identifier: MIT
#include "longhand/io/model_file.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "backend/fake_device.hpp"
#include "crossing.hpp"
#include "longhand/core/version.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::rejected;
using longhand::Cpu;
using longhand::Index;
using longhand::InputTransform;
using longhand::LatentKind;
using longhand::OutputMap;
using longhand::PriorKind;
using longhand::Samples;
using longhand::Vae;
using longhand::VaeConfig;
using longhand::io::config_from_json;
using longhand::io::config_to_json;
using longhand::io::Dtype;
using longhand::io::encode_model;
using longhand::io::encode_safetensors;
using longhand::io::FormatError;
using longhand::io::load_model;
using longhand::io::model_tensors;
using longhand::io::ModelContent;
using longhand::io::ModelHeader;
using longhand::io::read_file;
using longhand::io::read_model;
using longhand::io::read_model_header;
using longhand::io::read_safetensors;
using longhand::io::Safetensors;
using longhand::io::save_model;
using longhand::io::Tensor;
using longhand::io::TensorInfo;
using longhand::io::write_file;
using longhand::io::write_safetensors;
using nlohmann::json;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const auto one_thread = Cpu<float>(1);

VaeConfig small() {
  VaeConfig config;
  config.input_dim = 6;
  config.hidden = {5};
  config.latent_dim = 2;
  config.seed = 7;
  return config;
}

VaeConfig conditional() {
  VaeConfig config = small();
  config.hidden = {5, 4};
  config.condition_dim = 2;
  config.prior = PriorKind::conditional;
  config.prior_hidden = {3};
  config.activation = longhand::LeakyRelu{0.2};
  config.likelihood = longhand::LearnedGaussian(OutputMap::identity, {9});
  config.logvar_bound = infinity;
  config.dropout = 0.1;
  config.transform = {InputTransform::Kind::standardize,
                      {0.1, -0.2, 0.3, 0, 5, 1.0 / 3},
                      {1, 2, 0.5, 0.7, 1e-3, 3}};
  return config;
}

/// One configuration for every choice that a file can hold.
std::vector<VaeConfig> all_kinds() {
  std::vector<VaeConfig> all{small(), conditional()};
  const auto add = [&](auto change) { change(all.emplace_back(small())); };
  add([](VaeConfig& c) { c.latent = LatentKind::deterministic; });
  add([](VaeConfig& c) { c.condition_dim = 3; });
  add([](VaeConfig& c) {
    c.latent = LatentKind::deterministic;
    c.condition_dim = 1;
  });
  add([](VaeConfig& c) {
    c.prior = PriorKind::conditional;
    c.condition_dim = 1;
  });
  add([](VaeConfig& c) { c.hidden = {}; });
  add([](VaeConfig& c) {
    c.hidden = {3, 4, 5};
    c.decoder_hidden = {{7}};
  });
  add([](VaeConfig& c) { c.likelihood = longhand::Gaussian(0.1, OutputMap::sigmoid); });
  add([](VaeConfig& c) {
    c.likelihood = longhand::LearnedGaussian(OutputMap::sigmoid, {infinity});
  });
  add([](VaeConfig& c) {
    c.transform = {InputTransform::Kind::unit, {-1.0}, {255.0}};
    c.image = {1, 2, 3};
  });
  add([](VaeConfig& c) { c.transform = {InputTransform::Kind::symmetric, {0.1}, {1.0 / 3}}; });
  for (const char* name : {"tanh", "sigmoid", "softplus", "silu", "gelu", "identity"})
    add([&](VaeConfig& c) {
      c.activation = longhand::from_name<longhand::Activation>("activation", name);
    });
  add([](VaeConfig& c) { c.activation = longhand::Elu{0.1}; });
  return all;
}

template <class S>
Samples<S> samples(Index dim, Index count) {
  typename Samples<S>::Matrix x(dim, count);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = S(static_cast<double>(i * 37 % 11) / 10);
  return Samples<S>(std::move(x));
}

template <class B>
std::vector<typename B::Scalar> weights(const Vae<B>& vae) {
  const auto flat = vae.params().flat();
  return {flat.data, flat.data + flat.rows};
}

template <class Range>
bool same_bytes(const Range& a, const Range& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(*a.data()) * static_cast<std::size_t>(a.size())) ==
             0;
}

template <class S>
void check_round_trip(const VaeConfig& config) {
  CAPTURE(config_to_json(config));
  const Folder folder;
  const Vae<Cpu<S>> saved(config, Cpu<S>(1));
  save_model(folder / "model", saved);
  CHECK(folder.entries() == 1);
  const Vae<Cpu<S>> loaded = load_model<Cpu<S>>(folder / "model", Cpu<S>(1));
  CHECK(same_bytes(weights(loaded), weights(saved)));
  CHECK(config_to_json(loaded.config()) == config_to_json(config));
  CHECK(loaded.config().transform.shift == config.transform.shift);
  CHECK(loaded.config().transform.scale == config.transform.scale);
  CHECK(loaded.config().image == config.image);

  const auto x = samples<S>(config.input_dim, 4);
  const Index C = config.condition_dim;
  const Samples<S> c = C > 0 ? samples<S>(C, 4) : Samples<S>{};
  const auto z = saved.encode(x, c);
  CHECK(same_bytes(loaded.encode(x, c).in_columns(), z.in_columns()));
  CHECK(same_bytes(loaded.decode(z, c).in_columns(), saved.decode(z, c).in_columns()));
  if (saved.has_divergence()) {
    CHECK(same_bytes(loaded.encode_logvar(x, c).in_columns(),
                     saved.encode_logvar(x, c).in_columns()));
    CHECK(same_bytes(loaded.sample(4, 3, c, true).in_columns(),
                     saved.sample(4, 3, c, true).in_columns()));
  }

  const ModelHeader header = read_model_header(folder / "model");
  CHECK(header.verified);
  CHECK(!header.bare);
  CHECK(header.scalar == (sizeof(S) == 8 ? "float64" : "float32"));
  CHECK(header.library == longhand::version);
  CHECK(header.tensors == model_tensors(config, longhand::io::dtype_of<S>));
  save_model(folder / "again", loaded);
  CHECK(read_file(folder / "again") == read_file(folder / "model"));
}

/// The bytes of a small model's file.
Bytes model_bytes(const VaeConfig& config = small()) {
  const Folder folder;
  save_model(folder / "model", Vae<Cpu<float>>(config, one_thread));
  return read_file(folder / "model");
}

/// A model's file taken apart, to be put together wrongly.
struct Parts {
  Safetensors content;
  json description;

  explicit Parts(const Bytes& file = model_bytes())
      : content(read_safetensors(file, "model")),
        description(json::parse(content.metadata.at("longhand"))) {
    content.metadata.clear();
    description.erase("checksum");
  }
  Bytes bytes() const {
    Safetensors all = content;
    all.metadata["longhand"] = description.dump();
    return encode_safetensors(all);
  }
};

/// The sentence with which `file` is refused.
std::string refused(const Bytes& file, std::string_view field, const VaeConfig* bare = nullptr) {
  const std::string message =
      rejected<FormatError>([&] { read_model(file, "memory", bare); }, "memory", field);
  CHECK(message.find("expected") != message.npos);
  CHECK(message.find('\n') == message.npos);
  return message;
}

#define CHECK_CONTAINS(text, part)         \
  do {                                     \
    const std::string whole(text);         \
    CAPTURE(whole);                        \
    CHECK(whole.find(part) != whole.npos); \
  } while (false)

std::filesystem::path golden(std::string_view name) {
  const char* const tests = std::getenv("LONGHAND_TESTS");
  const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
  return (tests != nullptr ? std::filesystem::path(tests) / "io" : here) / "golden" / name;
}

/// Rows of samples, as the .json beside a golden file has them.
template <class S>
Samples<S> read_samples(const json& rows) {
  typename Samples<S>::Matrix x(rows.at(0).size(), rows.size());
  for (Index j = 0; j < x.cols(); ++j)
    for (Index i = 0; i < x.rows(); ++i)
      x(i, j) = S(rows[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)].get<double>());
  return Samples<S>(std::move(x));
}

template <class S>
void check_golden(const std::string& name, double tolerance) {
  CAPTURE(name);
  const Bytes text = read_file(golden(name + ".json"));
  const json numbers = json::parse(files::text(text));
  const std::filesystem::path file = golden(name + ".safetensors");
  CHECK(read_model_header(file).verified);
  CHECK(json::parse(config_to_json(read_model_header(file).config)) == numbers.at("config"));

  const Vae<Cpu<S>> vae = load_model<Cpu<S>>(file, Cpu<S>(1));
  const Samples<S> x = read_samples<S>(numbers.at("x"));
  const Samples<S> c =
      numbers.contains("condition") ? read_samples<S>(numbers["condition"]) : Samples<S>{};
  const auto close = [&](const Samples<S>& samples, const std::string& what) {
    CAPTURE(what);
    const typename Samples<S>::Matrix actual = samples.in_columns();
    const typename Samples<S>::Matrix expected = read_samples<S>(numbers.at(what)).in_columns();
    REQUIRE(actual.size() == expected.size());
    for (Index i = 0; i < actual.size(); ++i) {
      const double right = static_cast<double>(expected.data()[i]);
      const double error = std::abs(static_cast<double>(actual.data()[i]) - right);
      CHECK(error <= tolerance * (1 + std::abs(right)));
    }
  };
  close(vae.encode(x, c), "mu");
  close(vae.encode_logvar(x, c), "logvar");
  close(vae.reconstruct(x, c), "reconstruction");
}

}  // namespace

TEST_CASE("model file: every kind of model comes back bit for bit, in float and double") {
  for (const VaeConfig& config : all_kinds()) {
    check_round_trip<float>(config);
    check_round_trip<double>(config);
  }
}

TEST_CASE("model file: the weights are those of the model, not those its seed would give") {
  const Folder folder;
  const Vae<Cpu<float>> vae(conditional(), one_thread);
  const auto flat = vae.params().flat();
  for (const auto& block : vae.params().layout().blocks())
    for (Index i = 0; i < block.rows * block.outputs; ++i)
      flat(block.offset + i) = 1 + static_cast<float>(i) + static_cast<float>(block.offset);
  save_model(folder / "model", vae);
  CHECK(same_bytes(weights(load_model<Cpu<float>>(folder / "model", one_thread)), weights(vae)));
}

TEST_CASE("model file: names and shapes are those of the state dict in docs/pytorch.md") {
  const auto f32 = [](const char* name, std::vector<std::uint64_t> shape) {
    return TensorInfo{name, Dtype::f32, std::move(shape)};
  };
  const std::vector<TensorInfo> expected = {
      f32("decoder.0.bias", {4}),  f32("decoder.0.weight", {4, 4}),
      f32("decoder.2.bias", {5}),  f32("decoder.2.weight", {5, 4}),
      f32("decoder.4.bias", {12}), f32("decoder.4.weight", {12, 5}),
      f32("encoder.0.bias", {5}),  f32("encoder.0.weight", {5, 8}),
      f32("encoder.2.bias", {4}),  f32("encoder.2.weight", {4, 5}),
      f32("logvar.bias", {2}),     f32("logvar.weight", {2, 4}),
      f32("mu.bias", {2}),         f32("mu.weight", {2, 4}),
      f32("prior.0.bias", {3}),    f32("prior.0.weight", {3, 2}),
      f32("prior.2.bias", {4}),    f32("prior.2.weight", {4, 3}),
  };
  CHECK(model_tensors(conditional()) == expected);
  CHECK(read_model(model_bytes(conditional()), "memory").header.tensors == expected);
}

TEST_CASE("model file: the description says what the model is, number by number") {
  CHECK(json::parse(config_to_json(conditional())) == json::parse(R"({
    "format": 1, "model": "cvae",
    "input": {"rows": 6, "shape": null, "transform": {"kind": "standardize",
      "shift": [0.1, -0.2, 0.3, 0.0, 5.0, 0.3333333333333333],
      "scale": [1.0, 2.0, 0.5, 0.7, 0.001, 3.0]}},
    "encoder": [5, 4], "decoder": [4, 5],
    "activation": {"name": "leaky-relu", "slope": 0.2},
    "latent": {"kind": "gaussian", "dim": 2},
    "likelihood": {"name": "gaussian-learned", "output": "identity", "logvar_bound": 9.0},
    "condition_rows": 2,
    "prior": {"kind": "conditional", "hidden": [3]},
    "logvar_bound": null, "dropout": 0.1})"));

  VaeConfig config = small();
  config.transform.kind = InputTransform::Kind::standardize;
  config.transform.shift = {
      0.1, -0.0, 5e-324, 1.7976931348623157e308, 1.0 / 3, 123456789.123456789};
  config.transform.scale = {2.2250738585072014e-308};
  config.logvar_bound = 0.1 + 0.2;
  config.likelihood = longhand::Gaussian(std::nextafter(1.0, 2.0));
  const VaeConfig back = config_from_json(config_to_json(config));
  CHECK(same_bytes(back.transform.shift, config.transform.shift));
  CHECK(back.transform.scale == config.transform.scale);
  CHECK(back.logvar_bound == config.logvar_bound);
  CHECK(std::get<longhand::Gaussian>(back.likelihood.variant()).formula().variance ==
        std::nextafter(1.0, 2.0));
}

TEST_CASE("model file: files of earlier versions load and compute what they computed") {
  // Written by format 1. The numbers beside them come from a computation in NumPy's float64.
  check_golden<float>("vae", 1e-6);
  check_golden<double>("cvae", 1e-14);
}

TEST_CASE("model file: writes the golden files of this format" * doctest::skip()) {
  VaeConfig config = small();
  config.transform = {InputTransform::Kind::unit, {0.0}, {255.0}};
  config.image = {2, 3, 1};
  save_model(golden("vae.safetensors"), Vae<Cpu<float>>(config, one_thread));
  save_model(golden("cvae.safetensors"), Vae<Cpu<double>>(conditional(), Cpu<double>(1)));
}

TEST_CASE("model file: a damaged bit is found, wherever it is") {
  const Bytes file = model_bytes();
  const ModelContent original = read_model(file, "memory");
  const std::string config = config_to_json(original.header.config);
  Bytes damaged = file;
  std::size_t harmless = 0;
  for (std::size_t i = 0; i < 8 * file.size(); ++i) {
    const auto bit = static_cast<std::byte>(1u << i % 8);
    damaged[i / 8] ^= bit;
    try {
      const ModelContent content = read_model(damaged, "memory");
      ++harmless;
      CHECK(content.tensors == original.tensors);
      CHECK(config_to_json(content.header.config) == config);
    } catch (const FormatError&) {
    }
    damaged[i / 8] ^= bit;
  }
  // Spaces that become other spaces, and the letters of the key "longhand_checksum".
  CHECK(harmless < 200);
}

TEST_CASE("model file: a description that is wrong in one place is refused there") {
  struct Case {
    const char* place;  // a JSON pointer
    json value;         // discarded = remove
    const char* field;
    const char* message;
  };
  const json remove(json::value_t::discarded);
  const json huge = 2147483648u;
  const std::vector<Case> cases = {
      {"/format", 2, "format", "is 2, written by longhand \"0.1.0\"; expected at most 1"},
      {"/format", 0, "format", "from 1"},
      {"/format", "1", "format", "is \"1\", expected an integer"},
      {"/format", remove, "format", "is missing"},
      {"/author", "me", "description", "has the key \"author\", expected only format, model"},
      {"/model", "cvae", "model", "expected \"vae\""},
      {"/model", remove, "model", "is missing"},
      {"/input", 3, "input", "is 3, expected an object"},
      {"/input/rows", 0, "input.rows", "is 0, expected an integer from 1 to 2147483647"},
      {"/input/rows", -6, "input.rows", "is -6"},
      {"/input/rows", 6.0, "input.rows", "is 6.0"},
      {"/input/rows", "6", "input.rows", "is \"6\""},
      {"/input/rows", huge, "input.rows", "is 2147483648"},
      {"/input/rows", json::parse("18446744073709551616"), "input.rows", "expected an integer"},
      {"/input/columns", 6, "input", "\"columns\""},
      {"/input/shape", {1, 6}, "input.shape", "has 2 entries"},
      {"/input/shape", {1, 6, 2}, "input.shape", "is [1,6,2], expected extents"},
      {"/input/shape", {1, 0, 6}, "input.shape[1]", "is 0"},
      // Their product is 6 modulo 2^64.
      {"/input/shape", {786730, 88801, 1056175639}, "input.shape", "product is 6"},
      {"/input/shape", 6, "input.shape", "is 6, expected a list"},
      {"/input/transform", nullptr, "input.transform", "is null"},
      {"/input/transform/kind", "log", "input.transform.kind",
       "is \"log\", expected one of none, unit, symmetric, standardize"},
      {"/input/transform/kind", "unit", "input.transform.shift", "has 0 entries, expected 1 or 6"},
      {"/input/transform/shift", {1}, "input.transform.shift", "expected none where kind is none"},
      {"/input/transform",
       {{"kind", "unit"}, {"shift", {0, 0}}, {"scale", {1}}},
       "input.transform.shift",
       "has 2 entries"},
      {"/input/transform",
       {{"kind", "unit"}, {"shift", {0}}, {"scale", {0}}},
       "input.transform.scale[0]",
       "is 0, expected a positive number"},
      {"/input/transform",
       {{"kind", "unit"}, {"shift", json::array({nullptr})}, {"scale", {1}}},
       "input.transform.shift[0]",
       "is null, expected a number"},
      {"/encoder", 5, "encoder", "expected a list"},
      {"/encoder", {5, 0}, "encoder[1]", "is 0"},
      {"/encoder", std::vector<int>(1025, 1), "encoder", "has 1025 entries, expected at most 1024"},
      {"/decoder", remove, "decoder", "is missing"},
      {"/decoder", {{"width", 5}}, "decoder", "is an object"},
      {"/activation/name", "Relu", "activation.name",
       "is \"Relu\", expected one of relu, leaky-relu"},
      {"/activation/slope", 0.1, "activation", "has the key \"slope\", expected only name"},
      {"/activation/name", "elu", "activation.alpha", "is missing"},
      {"/activation",
       {{"name", "leaky-relu"}, {"slope", -0.1}},
       "activation.slope",
       "is -0.1, expected a number from 0 on"},
      {"/latent/kind", "gumbel", "latent.kind", "expected one of gaussian, deterministic"},
      {"/latent/dim", 0, "latent.dim", "is 0"},
      {"/latent/dim", remove, "latent.dim", "is missing"},
      {"/latent/temperature", 1, "latent", "\"temperature\""},
      {"/likelihood/name", 7, "likelihood.name",
       "is 7, expected one of bernoulli, gaussian, gaussian-learned"},
      {"/likelihood/variance", 1, "likelihood", "\"variance\""},
      {"/likelihood",
       {{"name", "gaussian"}, {"variance", 0}, {"output", "identity"}},
       "likelihood.variance",
       "is 0, expected a positive number"},
      {"/likelihood",
       {{"name", "gaussian"}, {"variance", 1}, {"output", "tanh"}},
       "likelihood.output",
       "is \"tanh\", expected one of identity, sigmoid"},
      {"/likelihood", {{"name", "gaussian"}, {"variance", 1}}, "likelihood.output", "is missing"},
      {"/likelihood",
       {{"name", "gaussian-learned"}, {"output", "identity"}, {"logvar_bound", -1}},
       "likelihood.logvar_bound",
       "is -1"},
      {"/condition_rows", -1, "condition_rows", "expected an integer from 0"},
      {"/condition_rows", 3, "model", "is \"vae\", expected \"cvae\" with this latent and 3"},
      {"/prior/kind", "conditional", "prior.hidden", "is missing"},
      {"/prior", {{"kind", "conditional"}, {"hidden", {3}}}, "prior.kind", "is \"conditional\""},
      {"/prior/kind", "vamp", "prior.kind", "expected one of standard-normal, conditional"},
      {"/prior/hidden", json::array(), "prior", "\"hidden\""},
      {"/logvar_bound", 0, "logvar_bound", "is 0, expected a positive number, or null"},
      {"/logvar_bound", -15, "logvar_bound", "is -15"},
      {"/logvar_bound", "inf", "logvar_bound", "is \"inf\""},
      {"/logvar_bound", remove, "logvar_bound", "is missing"},
      {"/dropout", 1, "dropout", "is 1, expected a number from 0 to below 1"},
      {"/dropout", true, "dropout", "is true"},
      {"/scalar", "float16", "scalar", "is \"float16\", expected \"float32\" or \"float64\""},
      {"/library", 1, "library", "is 1, expected a text"},
      {"/checksum", "crc32:1", "checksum", "is \"crc32:1\", expected \"crc32:\" and 8"},
      {"/checksum", "crc32:-1234567", "checksum", "8 hexadecimal digits"},
      {"/checksum", "md5:00000000", "checksum", "8 hexadecimal digits"},
      {"/checksum", "crc32:00000000", "checksum", "is crc32:00000000, expected crc32:"},
      {"/model", "v\x1b[31m\nae", "model", "is \"v?[31m?ae\""},
  };
  const Parts right;
  CHECK(read_model(right.bytes(), "memory").header.verified == false);
  for (const Case& one : cases) {
    CAPTURE(one.place);
    Parts wrong = right;
    const json::json_pointer place(one.place);
    if (one.value.is_discarded()) {
      wrong.description[place.parent_pointer()].erase(place.back());
    } else {
      wrong.description[place] = one.value;
    }
    CHECK_CONTAINS(refused(wrong.bytes(), one.field), one.message);
  }
}

TEST_CASE("model file: a description that is no JSON object of ours is refused") {
  const auto with_text = [](const std::string& text) {
    Parts parts;
    parts.content.metadata["longhand"] = text;
    return encode_safetensors(parts.content);
  };
  const std::string text = Parts().description.dump();
  CHECK_CONTAINS(refused(with_text(""), "description"), "is no valid JSON at byte 1");
  CHECK_CONTAINS(refused(with_text(text + "]"), "description"), "is no valid JSON");
  CHECK_CONTAINS(refused(with_text("[1]"), "description"), "is a list, expected an object");
  CHECK_CONTAINS(refused(with_text("{\"format\":1," + text.substr(1)), "description"),
                 "has the key \"format\" twice");
  CHECK_CONTAINS(refused(with_text("{\"dropout\":1e999}"), "description"), "too large for float64");
  CHECK_CONTAINS(refused(with_text(std::string(100000, '[')), "description"), "nested too deeply");
  CHECK_CONTAINS(refused(with_text(std::string((32u << 20) + 1, ' ')), "description"),
                 "expected at most 33554432");
  // A format of the future may differ in everything but this key.
  CHECK_CONTAINS(refused(with_text(R"({"format":3,"graph":[]})"), "format"), "a newer longhand");
}

TEST_CASE("model file: tensors that are not the model's are refused by name") {
  const Parts right;
  const auto with = [&](auto change) {
    Parts wrong = right;
    change(wrong.content.tensors);
    return wrong.bytes();
  };
  CHECK_CONTAINS(refused(with([](auto& t) { t.erase("logvar.bias"); }), "\"logvar.bias\""),
                 "is missing, expected F32 [2]");
  CHECK_CONTAINS(
      refused(with([](auto& t) { t["encoder.4.bias"] = t["mu.bias"]; }), "\"encoder.4.bias\""),
      "is F32 [2], expected no tensor of this name");
  CHECK_CONTAINS(refused(with([](auto& t) {
                           t["mu.weight"].shape = {5, 2};
                         }),
                         "\"mu.weight\""),
                 "is F32 [5,2], expected F32 [2,5]");
  CHECK_CONTAINS(refused(with([](auto& t) {
                           t["mu.bias"].shape = {2, 1};
                         }),
                         "\"mu.bias\""),
                 "is F32 [2,1], expected F32 [2]");
  CHECK_CONTAINS(refused(with([](auto& t) {
                           t["mu.bias"] = Tensor::of<double>({2}, std::array{1.0, 2.0});
                         }),
                         "\"mu.bias\""),
                 "is F64 [2], expected F32 [2]");
  CHECK_CONTAINS(
      refused(with([](auto& t) {
                t["mu.bias"] = Tensor::of<std::int32_t>({2}, std::array<std::int32_t, 2>{1, 2});
              }),
              "\"mu.bias\""),
      "is I32 [2]");
  CHECK_CONTAINS(refused(with([](auto& t) {
                           t["mu.bias"] = Tensor::of<float>(
                               {2}, std::array{1.0f, std::numeric_limits<float>::quiet_NaN()});
                         }),
                         "\"mu.bias\""),
                 "number 1 is nan, expected a finite number");
  CHECK_CONTAINS(refused(with([](auto& t) { t.clear(); }), "\"decoder.0.bias\""), "is missing");

  // Sizes that no memory holds are compared, never multiplied or allocated.
  Parts absurd = right;
  absurd.description["encoder"] = std::vector<unsigned>(1024, 2147483647u);
  CHECK_CONTAINS(refused(absurd.bytes(), "\"encoder.0.bias\""), "expected F32 [2147483647]");
  Parts other_scalar = right;
  other_scalar.description["scalar"] = "float64";
  CHECK_CONTAINS(refused(other_scalar.bytes(), "\"decoder.0.bias\""), "is F32 [5], expected F64");
}

TEST_CASE("model file: checksums tell damage in the weights from damage in the description") {
  Safetensors file = read_safetensors(model_bytes(), "model");
  file.tensors["mu.bias"].data[0] ^= std::byte{1};
  CHECK_CONTAINS(refused(encode_safetensors(file), "checksum"), "the weights are damaged");
  file.tensors["mu.bias"].data[0] ^= std::byte{1};
  std::string& text = file.metadata["longhand"];
  text.replace(text.find("\"logvar_bound\":15"), 17, "\"logvar_bound\":25");
  CHECK_CONTAINS(refused(encode_safetensors(file), "longhand_checksum"),
                 "the description is damaged");
  // Without its checksum it loads, and says that nobody vouches for it.
  file.metadata.erase("longhand_checksum");
  const ModelContent content = read_model(encode_safetensors(file), "memory");
  CHECK(!content.header.verified);
  CHECK(content.header.config.logvar_bound == 25);
}

TEST_CASE("model file: a bare state dict loads with the configuration it is given") {
  const Folder folder;
  const Vae<Cpu<float>> saved(small(), one_thread);
  save_model(folder / "model", saved);
  Safetensors bare = read_safetensors(folder / "model");
  bare.metadata = {{"format", "pt"}};
  write_safetensors(folder / "bare", bare);
  const std::string path = (folder / "bare").string();

  const ModelHeader header = read_model_header(folder / "bare");
  CHECK(header.bare);
  CHECK(!header.verified);
  CHECK(header.tensors == model_tensors(small()));
  CHECK_CONTAINS(rejected<FormatError>([&] { load_model<Cpu<float>>(path); }, path, "description"),
                 "or a configuration given for this state dict");

  const VaeConfig config = small();
  const auto loaded = load_model<Cpu<float>>(folder / "bare", one_thread, &config);
  CHECK(same_bytes(weights(loaded), weights(saved)));
  const ModelHeader told = read_model_header(folder / "bare", &config);
  CHECK(told.bare);
  CHECK(!told.verified);
  CHECK(told.scalar == "float32");
  CHECK(config_to_json(told.config) == config_to_json(config));

  VaeConfig wrong = config;
  wrong.latent_dim = 3;
  CHECK_CONTAINS(rejected<FormatError>([&] { load_model<Cpu<float>>(path, one_thread, &wrong); },
                                       path, "\"decoder.0.weight\""),
                 "is F32 [5,2], expected F32 [5,3]");
  wrong.latent_dim = -3;
  CHECK_CONTAINS(rejected<FormatError>([&] { load_model<Cpu<float>>(path, one_thread, &wrong); },
                                       "configuration", "latent.dim"),
                 "is -3, expected");
  const std::string described = (folder / "model").string();
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Cpu<float>>(described, one_thread, &config); },
                            described, "description"),
      "expected a bare state dict");
}

TEST_CASE("model file: the other precision is loaded only where the caller asks for it") {
  const Folder folder;
  const Vae<Cpu<double>> wide(small(), Cpu<double>(1));
  const Vae<Cpu<float>> narrow(small(), one_thread);
  save_model(folder / "wide", wide);
  save_model(folder / "narrow", narrow);
  const std::string wide_path = (folder / "wide").string();
  const std::string narrow_path = (folder / "narrow").string();
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Cpu<float>>(wide_path); }, wide_path, "scalar"),
      "is float64, expected float32; ask for the conversion to load it all the same (convert = "
      "true)");
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Cpu<double>>(narrow_path); }, narrow_path, "scalar"),
      "is float32, expected float64");

  const auto narrowed = load_model<Cpu<float>>(wide_path, one_thread, nullptr, true);
  const auto widened = load_model<Cpu<double>>(narrow_path, Cpu<double>(1), nullptr, true);
  CHECK(narrowed.params().layout().size() == wide.params().layout().size());
  for (Index i = 0; i < wide.params().layout().size(); ++i) {
    CHECK(narrowed.params().flat()(i) == static_cast<float>(wide.params().flat()(i)));
    CHECK(widened.params().flat()(i) == static_cast<double>(narrow.params().flat()(i)));
  }

  wide.params().flat()(0) = 1e300;  // encoder.0.weight begins the buffer
  save_model(folder / "wide", wide);
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Cpu<float>>(wide_path, one_thread, nullptr, true); },
                            wide_path, "\"encoder.0.weight\""),
      "number 0 is 1e+300, expected a number in the range of float32");
}

TEST_CASE("model file: what could not be loaded is not saved, and the old file stays") {
  const Folder folder;
  const std::string path = (folder / "model").string();
  const Vae<Cpu<float>> vae(small(), one_thread);
  save_model(path, vae);
  const Bytes before = read_file(path);

  vae.params().flat()(3) = std::numeric_limits<float>::quiet_NaN();
  CHECK_CONTAINS(
      rejected<FormatError>([&] { save_model(path, vae); }, path, "\"encoder.0.weight\""),
      "number 3 is nan, expected a finite number");
  const auto refuse = [&](const char* field, auto change) {
    VaeConfig config = small();
    change(config);
    return rejected<FormatError>([&] { save_model(path, Vae<Cpu<float>>(config, one_thread)); },
                                 path, field);
  };
  CHECK_CONTAINS(refuse("input.shape",
                        [](VaeConfig& c) {
                          c.image = {28, 28, 1};
                        }),
                 "is [28,28,1], expected extents whose product is 6 rows");
  CHECK_CONTAINS(refuse("input.transform.scale[0]",
                        [](VaeConfig& c) {
                          c.transform = {InputTransform::Kind::unit, {0.0}, {-1.0}};
                        }),
                 "is -1.0, expected a positive number");
  CHECK_CONTAINS(refuse("input.transform.shift[0]",
                        [](VaeConfig& c) {
                          c.transform = {InputTransform::Kind::unit, {infinity}, {1.0}};
                        }),
                 "is \"inf\", expected a number");
  CHECK(read_file(path) == before);
  CHECK(folder.entries() == 1);

  VaeConfig config = small();
  config.logvar_bound = std::nan("");
  CHECK_CONTAINS(
      rejected<FormatError>([&] { config_to_json(config); }, "configuration", "logvar_bound"),
      "is \"nan\", expected a positive number, or null");
  files::check_no_place([&](const std::filesystem::path& place) {
    save_model(place, Vae<Cpu<float>>(small(), one_thread));
  });
}

TEST_CASE("model file: the parts given to a model are saved, not those of its config") {
  const Folder folder;
  const longhand::AnyLikelihood likelihood = longhand::Gaussian(0.25);
  const Vae<Cpu<float>> vae(small(), likelihood, one_thread);
  save_model(folder / "model", vae);
  const VaeConfig config = read_model_header(folder / "model").config;
  CHECK(std::get<longhand::Gaussian>(config.likelihood.variant()).formula().variance == 0.25);

  const longhand::AnyLatent latent = longhand::GaussianLatent{2, {3}};
  const Vae<Cpu<float>> other(small(), likelihood, latent, one_thread);
  CHECK_THROWS_AS(save_model(folder / "other", other), std::invalid_argument);
}

TEST_CASE("model file: what one device wrote the other loads") {
  longhand::test::check_crossing(longhand::test::FakeDevice());
}

TEST_CASE("model file: no file, no model") {
  files::check_no_file([](const std::filesystem::path& path) { load_model<Cpu<float>>(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_model_header(path); });
}
