// SPDX-License-Identifier: MIT
#include "longhand/io/model_file.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "backend/fake_models.hpp"
#include "crossing.hpp"
#include "longhand/core/version.hpp"
#include "longhand/infer.hpp"
#include "longhand/models/aae.hpp"
#include "support/models.hpp"

using files::bytes;
using files::Bytes;
using files::Folder;
using files::rejected;
using longhand::Aae;
using longhand::AaeSpec;
using longhand::CodeSpec;
using longhand::ConditionalPrior;
using longhand::Cpu;
using longhand::GaussianLatentSpec;
using longhand::Index;
using longhand::InputTransform;
using longhand::layout_of;
using longhand::mlp;
using longhand::NormalPrior;
using longhand::OutputMap;
using longhand::ParamBlock;
using longhand::ParamLayout;
using longhand::RingPrior;
using longhand::Samples;
using longhand::Vae;
using longhand::VaeSpec;
using longhand::io::describe;
using longhand::io::Dtype;
using longhand::io::encode_model;
using longhand::io::encode_safetensors;
using longhand::io::FormatError;
using longhand::io::load_model;
using longhand::io::ModelHeader;
using longhand::io::read_file;
using longhand::io::read_model;
using longhand::io::read_model_file;
using longhand::io::read_safetensors;
using longhand::io::Safetensors;
using longhand::io::save_model;
using longhand::io::spec_from_description;
using longhand::io::Tensor;
using longhand::io::TensorInfo;
using longhand::io::tensors_of;
using longhand::io::write_file;
using longhand::io::write_safetensors;
using nlohmann::json;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const auto one_thread = Cpu<float>(1);

VaeSpec small() {
  VaeSpec spec;
  spec.input_dim = 6;
  spec.hidden = {5};
  spec.latent_dim = 2;
  spec.seed = 7;
  return spec;
}
GaussianLatentSpec& gaussian(VaeSpec& spec) { return std::get<GaussianLatentSpec>(spec.latent); }

VaeSpec conditional() {
  VaeSpec spec = small();
  const longhand::LeakyRelu leaky{0.2};
  spec.hidden = mlp({5, 4}, leaky, 0.1);
  spec.condition_dim = 2;
  spec.latent = GaussianLatentSpec{
      .dim = 2, .logvar_bound = infinity, .prior = ConditionalPrior{mlp({3}, leaky)}};
  spec.likelihood = longhand::LearnedGaussian{.logvar_bound = 9};
  spec.transform = {InputTransform::Kind::standardize,
                    {0.1, -0.2, 0.3, 0, 5, 1.0 / 3},
                    {1, 2, 0.5, 0.7, 1e-3, 3}};
  return spec;
}

/// One spec for every choice that a file can hold.
std::vector<VaeSpec> all_kinds() {
  std::vector<VaeSpec> all{small(), conditional()};
  const auto add = [&](auto change) { change(all.emplace_back(small())); };
  add([](VaeSpec& c) { c.latent = CodeSpec{2}; });
  add([](VaeSpec& c) { c.condition_dim = 3; });
  add([](VaeSpec& c) {
    c.latent = CodeSpec{2};
    c.condition_dim = 1;
  });
  add([](VaeSpec& c) {
    gaussian(c).prior = ConditionalPrior{};
    c.condition_dim = 1;
  });
  add([](VaeSpec& c) { c.hidden = {}; });
  add([](VaeSpec& c) {
    c.hidden = {3, 4, 5};
    c.hidden.stages[1].activation = longhand::Tanh{};
    c.hidden.stages[2].dropout = 0.25;
    c.decoder_hidden = mlp({7}, longhand::Silu{});
  });
  add([](VaeSpec& c) {
    c.likelihood = longhand::Gaussian{.variance = 0.1, .output = OutputMap::sigmoid};
  });
  add([](VaeSpec& c) {
    c.likelihood =
        longhand::LearnedGaussian{.output = OutputMap::sigmoid, .logvar_bound = infinity};
  });
  add([](VaeSpec& c) {
    c.transform = {InputTransform::Kind::unit, {-1.0}, {255.0}};
    c.image = {1, 2, 3};
  });
  add([](VaeSpec& c) { c.transform = {InputTransform::Kind::symmetric, {0.1}, {1.0 / 3}}; });
  add([](VaeSpec& c) { c.window = 3; });
  add([](VaeSpec& c) { c.names = {"a", "b", "c, d", "\"", "", "Gr\u00f6\u00dfe"}; });
  add([](VaeSpec& c) {
    c.condition_dim = 2;
    c.class_names = {"red", "-1"};
  });
  add([](VaeSpec& c) {
    c.condition_dim = 2;
    c.condition_names = {"age", "dose, mg"};
    c.condition_transform = {InputTransform::Kind::standardize, {40.5, 1e-3}, {12, 0.1}};
  });
  add([](VaeSpec& c) { c.transform.byte_unit = 1; });
  for (const char* name : {"tanh", "sigmoid", "softplus", "silu", "gelu", "identity"})
    add([&](VaeSpec& c) {
      c.hidden = mlp({5}, longhand::from_name<longhand::Activation>("activation", name));
    });
  add([](VaeSpec& c) { c.hidden = mlp({5}, longhand::Elu{0.1}); });
  return all;
}

AaeSpec small_aae() { return {.autoencoder = small(), .discriminator = {4}}; }

AaeSpec ring() {
  AaeSpec spec = small_aae();
  spec.autoencoder.latent = CodeSpec{2};
  spec.autoencoder.likelihood = longhand::Gaussian{.variance = 0.25, .output = OutputMap::sigmoid};
  spec.autoencoder.transform = {InputTransform::Kind::unit, {0.0}, {255.0}};
  spec.autoencoder.image = {2, 3, 1};
  spec.prior = RingPrior{.components = 3, .radius = 2.5, .deviation = 0.1};
  spec.discriminator = mlp({4, 3}, longhand::LeakyRelu{0.2}, 0.1);
  return spec;
}

/// One spec of an adversarial autoencoder for every choice that a file can hold.
std::vector<AaeSpec> all_aaes() {
  std::vector<AaeSpec> all{small_aae(), ring()};
  const auto add = [&](auto change) { change(all.emplace_back(small_aae())); };
  add([](AaeSpec& c) { c.autoencoder.latent = CodeSpec{3}; });
  add([](AaeSpec& c) { c.prior = NormalPrior{1.0 / 3}; });
  add([](AaeSpec& c) { c.discriminator = {}; });
  add([](AaeSpec& c) { gaussian(c.autoencoder).logvar_bound = infinity; });
  return all;
}

/// What a spec says of encoder, decoder and input.
const VaeSpec& autoencoder(const VaeSpec& spec) { return spec; }
const VaeSpec& autoencoder(const AaeSpec& spec) { return spec.autoencoder; }

/// The model that a spec describes, on one thread.
template <class S>
auto model_of(const VaeSpec& spec) {
  return Vae<Cpu<S>>(spec, Cpu<S>(1));
}
template <class S>
auto model_of(const AaeSpec& spec) {
  return Aae<Cpu<S>>(spec, Cpu<S>(1));
}

template <class S>
Samples<S> samples(Index dim, Index count) {
  typename Samples<S>::Matrix x(dim, count);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = S(static_cast<double>(i * 37 % 11) / 10);
  return Samples<S>(std::move(x));
}

template <class M>
std::vector<typename M::Backend::Scalar> weights(const M& model) {
  const auto flat = model.params().flat();
  return {flat.data, flat.data + flat.rows};
}

template <class Range>
bool same_bytes(const Range& a, const Range& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(*a.data()) * static_cast<std::size_t>(a.size())) ==
             0;
}

template <class S, class Spec>
void check_round_trip(const Spec& spec) {
  CAPTURE(describe(spec));
  const Folder folder;
  const auto saved = model_of<S>(spec);
  using Model = std::remove_const_t<decltype(saved)>;
  save_model(folder / "model", saved);
  CHECK(folder.entries() == 1);
  const Model loaded = load_model<Model>(folder / "model", Cpu<S>(1));
  CHECK(same_bytes(weights(loaded), weights(saved)));
  CHECK(describe(loaded.spec()) == describe(spec));
  const VaeSpec &own = autoencoder(spec), &back = autoencoder(loaded.spec());
  CHECK(back.transform.shift == own.transform.shift);
  CHECK(back.transform.scale == own.transform.scale);
  CHECK(back.image == own.image);

  const auto x = samples<S>(own.input_dim, 4);
  const Index C = own.condition_dim;
  const Samples<S> c = C > 0 ? samples<S>(C, 4) : Samples<S>{};
  const auto z = saved.encode(x, c);
  CHECK(same_bytes(loaded.encode(x, c).in_columns(), z.in_columns()));
  CHECK(same_bytes(loaded.decode(z, c).in_columns(), saved.decode(z, c).in_columns()));
  if (saved.has_logvar()) {
    CHECK(same_bytes(loaded.encode_logvar(x, c).in_columns(),
                     saved.encode_logvar(x, c).in_columns()));
  }
  if (saved.has_prior()) {
    longhand::SampleOptions<S> options{.seed = 3, .draw = true};
    options.condition = c;
    CHECK(
        same_bytes(loaded.sample(4, options).in_columns(), saved.sample(4, options).in_columns()));
  }

  const ModelHeader header = read_model_file(folder / "model").header;
  CHECK(header.kind == longhand::io::kind_of(spec));
  CHECK(header.verified);
  CHECK(!header.bare);
  CHECK(header.scalar == (sizeof(S) == 8 ? "float64" : "float32"));
  CHECK(header.library == longhand::version);
  CHECK(header.tensors == tensors_of(saved.params().layout(), longhand::io::dtype_of<S>));
  CHECK(header.tensors == tensors_of(layout_of(spec), longhand::io::dtype_of<S>));
  save_model(folder / "again", loaded);
  CHECK(read_file(folder / "again") == read_file(folder / "model"));
}

/// The bytes of a small model's file.
template <class Spec>
Bytes model_bytes(const Spec& spec) {
  const Folder folder;
  save_model(folder / "model", model_of<float>(spec));
  return read_file(folder / "model");
}
Bytes model_bytes() { return model_bytes(small()); }

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
template <class Spec = VaeSpec>
std::string refused(const Bytes& file, std::string_view field) {
  const std::string message =
      rejected<FormatError>([&] { read_model<Spec>(file, "memory"); }, "memory", field);
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

/// A description that is wrong in one place.
struct Wrong {
  const char* place;  // a JSON pointer
  json value;         // discarded = remove
  const char* field;
  const char* message;
};

/// Each of `cases` is refused where it is wrong; `right` is not.
template <class Spec>
void check_refusals(const Parts& right, const std::vector<Wrong>& cases) {
  CHECK(read_model<Spec>(right.bytes(), "memory").header.verified == false);
  for (const Wrong& one : cases) {
    CAPTURE(one.place);
    Parts wrong = right;
    const json::json_pointer place(one.place);
    if (one.value.is_discarded()) {
      wrong.description[place.parent_pointer()].erase(place.back());
    } else {
      wrong.description[place] = one.value;
    }
    CHECK_CONTAINS(refused<Spec>(wrong.bytes(), one.field), one.message);
  }
}

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

/// Whether a model of type M computes what the .json beside its golden file says.
template <class M>
void check_golden(const std::string& name, double tolerance) {
  CAPTURE(name);
  using S = typename M::Backend::Scalar;
  const Bytes text = read_file(golden(name + ".json"));
  const json numbers = json::parse(files::text(text));
  const std::filesystem::path file = golden(name + ".safetensors");
  CHECK(read_model_file(file).header.verified);
  CHECK(json::parse(describe(read_model<typename M::Spec>(file).spec)) == numbers.at("config"));

  const M model = load_model<M>(file, Cpu<S>(1));
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
  close(model.encode(x, c), "mu");
  if (model.has_logvar()) close(model.encode_logvar(x, c), "logvar");
  close(model.reconstruct(x, c), "reconstruction");
  if (!numbers.contains("fooled")) return;

  // What the discriminator costs the encoder, in the model's own units.
  using B = typename M::Backend;
  longhand::Workspace<B> workspace;
  const longhand::Pass<B> pass{
      .backend = model.backend(), .theta = model.params(), .workspace = workspace};
  const auto& names = model.terms();
  const auto terms = pass.matrix(static_cast<Index>(names.size()), x.count());
  model.values(pass, {.input = model.input().to_model(pass, x.view())}, terms);
  typename Samples<S>::Matrix fooled(1, x.count());
  const auto at = std::ranges::find(names, "fooled", &longhand::Term::name) - names.begin();
  for (Index j = 0; j < x.count(); ++j) fooled(0, j) = terms(at, j);
  close(Samples<S>(std::move(fooled)), "fooled");
}

}  // namespace

TEST_CASE("model file: every kind of model comes back bit for bit, in float and double") {
  const auto check = [](const auto& specs) {
    for (const auto& spec : specs) {
      check_round_trip<float>(spec);
      check_round_trip<double>(spec);
    }
  };
  check(all_kinds());
  check(all_aaes());
}

TEST_CASE("model file: the weights are those of the model, not those its seed would give") {
  const Folder folder;
  const Vae<Cpu<float>> vae(conditional(), one_thread);
  const auto flat = vae.params().flat();
  for (const auto& block : vae.params().layout().blocks())
    for (Index i = 0; i < block.size(); ++i)
      flat(block.offset + i) = 1 + static_cast<float>(i) + static_cast<float>(block.offset);
  save_model(folder / "model", vae);
  CHECK(
      same_bytes(weights(load_model<Vae<Cpu<float>>>(folder / "model", one_thread)), weights(vae)));
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
  CHECK(tensors_of(layout_of(conditional())) == expected);
  CHECK(read_model(model_bytes(conditional()), "memory").header.tensors == expected);
}

TEST_CASE("model file: the description says what the model is, number by number") {
  CHECK(json::parse(describe(conditional())) == json::parse(R"({
    "format": 2, "model": "cvae",
    "input": {"rows": 6, "shape": null, "transform": {"kind": "standardize",
      "shift": [0.1, -0.2, 0.3, 0.0, 5.0, 0.3333333333333333],
      "scale": [1.0, 2.0, 0.5, 0.7, 0.001, 3.0]}},
    "encoder": [{"dense": 5, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1},
                {"dense": 4, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1}],
    "decoder": [{"dense": 4, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1},
                {"dense": 5, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1}],
    "latent": {"kind": "gaussian", "dim": 2, "logvar_bound": null, "prior": {"kind": "conditional",
      "net": [{"dense": 3, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.0}]}},
    "likelihood": [{"name": "gaussian-learned", "output": "identity", "logvar_bound": 9.0}],
    "condition_rows": 2})"));
  VaeSpec code = small();
  code.latent = CodeSpec{3};
  CHECK(json::parse(describe(code)).at("latent") == json::parse(R"({"kind": "code", "dim": 3})"));

  VaeSpec spec = small();
  spec.transform.kind = InputTransform::Kind::standardize;
  spec.transform.shift = {0.1, -0.0, 5e-324, 1.7976931348623157e308, 1.0 / 3, 123456789.123456789};
  spec.transform.scale = {2.2250738585072014e-308};
  gaussian(spec).logvar_bound = 0.1 + 0.2;
  spec.likelihood = longhand::Gaussian{.variance = std::nextafter(1.0, 2.0)};
  VaeSpec back = spec_from_description<VaeSpec>(describe(spec));
  CHECK(same_bytes(back.transform.shift, spec.transform.shift));
  CHECK(back.transform.scale == spec.transform.scale);
  CHECK(gaussian(back).logvar_bound == gaussian(spec).logvar_bound);
  CHECK(std::get<longhand::Gaussian>(back.likelihood).variance == std::nextafter(1.0, 2.0));
}

TEST_CASE("model file: what a description leaves out has its default") {
  const auto described = [](const char* text) { return spec_from_description<VaeSpec>(text); };
  VaeSpec least = described(R"({"format": 2, "model": "vae", "input": {"rows": 6},
    "latent": {"kind": "gaussian", "dim": 2}, "likelihood": [{"name": "bernoulli"}]})");
  VaeSpec same = small();
  same.hidden = {};
  CHECK(describe(least) == describe(same));

  const VaeSpec more = described(R"({"format": 2, "model": "cvae", "condition_rows": 1,
    "input": {"rows": 6, "transform": {"kind": "none"}},
    "encoder": [{"dense": 5}, {"dense": 3, "activation": {"name": "elu"}}],
    "latent": {"kind": "gaussian", "dim": 2, "prior": {"kind": "conditional"}},
    "likelihood": [{"name": "gaussian"}]})");
  same.hidden = {5, 3};
  same.hidden.stages[1].activation = longhand::Elu{};
  same.condition_dim = 1;
  gaussian(same).prior = ConditionalPrior{};
  same.likelihood = longhand::Gaussian{};
  CHECK(describe(more) == describe(same));
}

TEST_CASE("model file: files of earlier versions load and compute what they computed") {
  // Written by format 2. The numbers beside them come from a computation in NumPy's float64.
  check_golden<Vae<Cpu<float>>>("vae", 1e-6);
  check_golden<Vae<Cpu<double>>>("cvae", 1e-14);
  check_golden<Aae<Cpu<float>>>("aae", 1e-6);
}

TEST_CASE("model file: a file of format 1 is refused in one clear sentence") {
  const std::string path = golden("format1.safetensors").string();
  CHECK(rejected<FormatError>([&] { read_model(path); }, path, "format") ==
        path +
            ": format is 1, written before the first release; expected 2: train the model again");
}

TEST_CASE("model file: writes the golden files of this format" * doctest::skip()) {
  VaeSpec spec = small();
  spec.transform = {InputTransform::Kind::unit, {0.0}, {255.0}};
  spec.image = {2, 3, 1};
  save_model(golden("vae.safetensors"), Vae<Cpu<float>>(spec, one_thread));
  save_model(golden("cvae.safetensors"), Vae<Cpu<double>>(conditional(), Cpu<double>(1)));
  save_model(golden("aae.safetensors"), model_of<float>(ring()));
}

TEST_CASE("model file: a damaged bit is found, wherever it is") {
  const Bytes file = model_bytes();
  const auto original = read_model(file, "memory");
  const std::string spec = describe(original.spec);
  Bytes damaged = file;
  std::size_t harmless = 0;
  for (std::size_t i = 0; i < 8 * file.size(); ++i) {
    const auto bit = static_cast<std::byte>(1u << i % 8);
    damaged[i / 8] ^= bit;
    try {
      const auto content = read_model(damaged, "memory");
      ++harmless;
      CHECK(content.tensors == original.tensors);
      CHECK(describe(content.spec) == spec);
    } catch (const FormatError&) {
    }
    damaged[i / 8] ^= bit;
  }
  // Spaces that become other spaces, and the letters of the key "longhand_checksum".
  CHECK(harmless < 200);
}

TEST_CASE("model file: a description that is wrong in one place is refused there") {
  const json remove(json::value_t::discarded);
  const json huge = 2147483648u;
  const std::vector<Wrong> cases = {
      {"/format", 1, "format", "is 1, written before the first release; expected 2"},
      {"/format", 3, "format", "is 3, written by longhand \"0.1.0\"; expected at most 2"},
      {"/format", 0, "format", "from 1"},
      {"/format", "1", "format", "is \"1\", expected an integer"},
      {"/format", remove, "format", "is missing"},
      {"/author", "me", "description", "has the key \"author\", expected only model, input"},
      {"/model", "cvae", "model", "expected \"vae\""},
      {"/model", remove, "model", "is missing"},
      {"/model", "gan", "model", "is \"gan\", expected one of vae, ae, cvae"},
      {"/model", "aae", "model", "is \"aae\", expected one of vae, ae, cvae"},
      {"/input", remove, "input", "is missing"},
      {"/input/rows", remove, "input.rows", "is missing"},
      {"/input/rows", 600000000, "description", "units in all, expected at most 536870912"},
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
      {"/encoder", {5, 0}, "encoder[0]", "is 5, expected an object"},
      {"/encoder/0/dense", 0, "encoder[0].dense", "is 0"},
      {"/encoder/0/dense", remove, "encoder[0].dense", "is missing"},
      {"/encoder/0/conv", 3, "encoder[0]", "has the key \"conv\", expected only dense"},
      {"/encoder", std::vector<int>(1025, 1), "encoder", "has 1025 entries, expected at most 1024"},
      {"/decoder", {{"width", 5}}, "decoder", "is an object"},
      {"/encoder/0/activation", "relu", "encoder[0].activation", "is \"relu\", expected an object"},
      {"/encoder/0/activation/name", "Relu", "encoder[0].activation.name",
       "is \"Relu\", expected one of relu, leaky-relu"},
      {"/encoder/0/activation/slope", 0.1, "encoder[0].activation",
       "has the key \"slope\", expected only name"},
      {"/encoder/0/activation",
       {{"name", "leaky-relu"}, {"slope", -0.1}},
       "encoder[0].activation.slope",
       "is -0.1, expected a number from 0 on"},
      {"/encoder/0/dropout", 1, "encoder[0].dropout", "is 1, expected a number from 0 to below 1"},
      {"/encoder/0/dropout", true, "encoder[0].dropout", "is true"},
      {"/latent", remove, "latent", "is missing"},
      {"/latent/kind", "gumbel", "latent.kind", "expected one of gaussian, code"},
      {"/latent/kind", "code", "latent", "has the key \"logvar_bound\", expected only kind, dim"},
      {"/latent", {{"kind", "code"}, {"dim", 2}}, "model", "is \"vae\", expected \"ae\""},
      {"/latent/dim", 0, "latent.dim", "is 0"},
      {"/latent/dim", remove, "latent.dim", "is missing"},
      {"/latent/temperature", 1, "latent", "\"temperature\""},
      {"/latent/logvar_bound", 0, "latent.logvar_bound",
       "is 0, expected a positive number, or null"},
      {"/latent/logvar_bound", -15, "latent.logvar_bound", "is -15"},
      {"/latent/logvar_bound", "inf", "latent.logvar_bound", "is \"inf\""},
      {"/latent/prior/kind", "conditional", "latent.prior.kind",
       "is \"conditional\", expected \"standard-normal\" without condition rows"},
      {"/latent/prior/kind", "vamp", "latent.prior.kind",
       "expected one of standard-normal, conditional"},
      {"/latent/prior/net", json::array(), "latent.prior", "\"net\""},
      {"/likelihood", remove, "likelihood", "is missing"},
      {"/likelihood", json::array(), "likelihood", "has 0 entries, expected 1"},
      {"/likelihood/1", {{"name", "bernoulli"}}, "likelihood", "has 2 entries, expected 1"},
      {"/likelihood/0/name", 7, "likelihood[0].name",
       "is 7, expected one of bernoulli, gaussian, gaussian-learned"},
      {"/likelihood/0/variance", 1, "likelihood[0]", "\"variance\""},
      {"/likelihood/0",
       {{"name", "gaussian"}, {"variance", 0}, {"output", "identity"}},
       "likelihood[0].variance",
       "is 0, expected a positive number"},
      {"/likelihood/0",
       {{"name", "gaussian"}, {"variance", 1}, {"output", "tanh"}},
       "likelihood[0].output",
       "is \"tanh\", expected one of identity, sigmoid"},
      {"/likelihood/0",
       {{"name", "gaussian-learned"}, {"output", "identity"}, {"logvar_bound", -1}},
       "likelihood[0].logvar_bound",
       "is -1"},
      {"/condition_rows", -1, "condition_rows", "expected an integer from 0"},
      {"/condition_rows", 3, "model", "is \"vae\", expected \"cvae\" with this latent and 3"},
      {"/input/names", {"a", "b"}, "input.names", "has 2 entries, expected none or 6"},
      {"/input/names", {"a", "b", "c", "d", "e", 6}, "input.names[5]", "is 6, expected a text"},
      {"/input/names",
       {"a", "b", "c", "d", "e", "b"},
       "input.names[5]",
       "expected every name once"},
      {"/input/names",
       {"a", "b", "c", "d", "e", "\x1b[1m"},
       "input.names[5]",
       "expected text without control characters"},
      {"/class_names", json::array({"a"}), "class_names", "has 1 entries, expected at most 0"},
      {"/condition_names", json::array({"a"}), "condition_names",
       "has 1 entries, expected at most 0"},
      {"/condition_transform",
       {{"kind", "standardize"}, {"shift", {1.0}}, {"scale", {1.0}}},
       "condition_transform.shift",
       "has 1 entries, expected at most 0"},
      {"/input/window", 4, "input.window", "is 4, expected to divide the 6 rows"},
      {"/input/window", 0, "input.window", "expected"},
      {"/input/transform/bytes", 128, "input.transform.bytes", "is 128, expected 255, or 1"},
      {"/scalar", "float16", "scalar", "is \"float16\", expected \"float32\" or \"float64\""},
      {"/library", 1, "library", "is 1, expected a text"},
      {"/checksum", "crc32:1", "checksum", "is \"crc32:1\", expected \"crc32:\" and 8"},
      {"/checksum", "crc32:-1234567", "checksum", "8 hexadecimal digits"},
      {"/checksum", "md5:00000000", "checksum", "8 hexadecimal digits"},
      {"/checksum", "crc32:00000000", "checksum", "is crc32:00000000, expected crc32:"},
      {"/model", "v\x1b[31m\nae", "model", "is \"v?[31m?ae\""},
  };
  check_refusals<VaeSpec>(Parts(), cases);
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
  CHECK_CONTAINS(refused(with_text("{\"format\":2," + text.substr(1)), "description"),
                 "has the key \"format\" twice");
  CHECK_CONTAINS(refused(with_text("{\"format\":1e999}"), "description"), "too large for float64");
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
  absurd.description["encoder"] = json(std::size_t{1024}, json{{"dense", 2147483647u}});
  CHECK_CONTAINS(refused(absurd.bytes(), "description"), "units in all, expected at most");
  absurd.description["encoder"] = json::array({json{{"dense", 500000000u}}});
  CHECK_CONTAINS(refused(absurd.bytes(), "\"encoder.0.bias\""), "expected F32 [500000000]");
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
  auto content = read_model(encode_safetensors(file), "memory");
  CHECK(!content.header.verified);
  CHECK(gaussian(content.spec).logvar_bound == 25);
}

TEST_CASE("model file: a bare state dict loads with the configuration it is given") {
  const Folder folder;
  const Vae<Cpu<float>> saved(small(), one_thread);
  save_model(folder / "model", saved);
  Safetensors bare = read_safetensors(folder / "model");
  bare.metadata = {{"format", "pt"}};
  write_safetensors(folder / "bare", bare);
  const std::string path = (folder / "bare").string();

  const ModelHeader header = read_model_file(folder / "bare").header;
  CHECK(header.bare);
  CHECK(!header.verified);
  CHECK(header.scalar == "float32");
  CHECK(header.tensors == tensors_of(layout_of(small())));
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(path); }, path, "description"),
      "or a spec given for this state dict");

  const VaeSpec spec = small();
  const auto loaded = load_model<Vae<Cpu<float>>>(folder / "bare", one_thread, &spec);
  CHECK(same_bytes(weights(loaded), weights(saved)));
  const auto told = read_model(folder / "bare", &spec);
  CHECK(told.header.bare);
  CHECK(!told.header.verified);
  CHECK(describe(told.spec) == describe(spec));

  VaeSpec wrong = spec;
  gaussian(wrong).dim = 3;
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(path, one_thread, &wrong); }, path,
                            "\"decoder.0.weight\""),
      "is F32 [5,2], expected F32 [5,3]");
  gaussian(wrong).dim = -3;
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(path, one_thread, &wrong); }, "spec",
                            "latent.dim"),
      "is -3, expected");
  const std::string described = (folder / "model").string();
  CHECK_CONTAINS(
      rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(described, one_thread, &spec); },
                            described, "description"),
      "expected a bare state dict");
}

TEST_CASE("model file: numbers that float32 does not hold are refused, before a training too") {
  using longhand::io::require_savable;
  const auto refuses = [](const VaeSpec& spec, std::string_view field) {
    CAPTURE(field);
    CHECK_CONTAINS(rejected<FormatError>([&] { require_savable(spec); }, "model", field),
                   "float32 holds");
    // A model of doubles computes with them.
    require_savable(spec, Dtype::f64);
    Safetensors bare;
    for (const TensorInfo& info : tensors_of(layout_of(spec))) {
      std::uint64_t count = 1;
      for (const std::uint64_t extent : info.shape) count *= extent;
      bare.tensors[info.name] = Tensor::of<float>(info.shape, std::vector<float>(count, 1));
    }
    rejected<FormatError>([&] { read_model(encode_safetensors(bare), "bare", &spec); }, "spec",
                          field);
    bare.metadata = {{"longhand", describe(spec)}};
    rejected<FormatError>([&] { read_model(encode_safetensors(bare), "file"); }, "file", field);
    rejected<FormatError>([&] { encode_model(spec, bare.tensors); }, "model", field);
  };
  VaeSpec spec = small();
  require_savable(spec);
  spec.transform = {InputTransform::Kind::standardize, {0, 1, 2, 3, 4, 1e-300}, {1, 1, 1, 1, 1, 1}};
  require_savable(spec);  // a shift that becomes 0 is harmless
  spec.transform.shift[3] = -1e39;
  refuses(spec, "input.transform.shift[3]");
  spec.transform.shift[3] = 0;
  spec.transform.scale[5] = 1e-60;
  refuses(spec, "input.transform.scale[5]");
  spec = small();
  gaussian(spec).logvar_bound = 1e39;
  refuses(spec, "latent.logvar_bound");
  spec = small();
  spec.likelihood = longhand::Gaussian{.variance = 1e-46};
  refuses(spec, "likelihood[0].variance");
  spec = small();
  spec.hidden = mlp({5}, longhand::Elu{1e300}, 0);
  refuses(spec, "decoder[0].activation.alpha");
}

TEST_CASE("model file: more layers than a file holds are refused before a training") {
  VaeSpec spec = small();
  spec.hidden = mlp(std::vector<Index>(1024, 1));
  longhand::io::require_savable(spec);
  spec.hidden = mlp(std::vector<Index>(1025, 1));
  CHECK_CONTAINS(
      rejected<FormatError>([&] { longhand::io::require_savable(spec); }, "model", "encoder"),
      "has 1025 entries, expected at most 1024");
}

TEST_CASE("model file: text after a NUL in the description is refused") {
  const std::string text = describe(small());
  CHECK(describe(spec_from_description<VaeSpec>(text)) == text);
  for (const std::string& evil :
       {text + std::string(1, '\0'), text + std::string(1, '\0') + "{\"format\": 2}",
        std::string(1, '\0') + text})
    CHECK_CONTAINS(rejected<FormatError>([&] { spec_from_description<VaeSpec>(evil, "x"); }, "x",
                                         "description"),
                   "NUL");
}

TEST_CASE("model file: a bare state dict in half precision loads, and says so") {
  const VaeSpec spec = small();
  // 1, -2 and 2^-24, the smallest half; bfloat16 is the upper half of a float.
  const std::array<std::uint16_t, 3> halves = {0x3c00, 0xc000, 0x0001};
  const std::array<std::uint16_t, 3> bfloats = {0x3f80, 0xc000, 0x3380};
  const std::array<float, 3> expected = {1, -2, 0x1p-24f};
  for (const bool bfloat : {false, true}) {
    CAPTURE(bfloat);
    Safetensors bare;
    for (const TensorInfo& info : tensors_of(layout_of(spec))) {
      std::uint64_t count = 1;
      for (const std::uint64_t extent : info.shape) count *= extent;
      std::vector<std::uint16_t> bits(count);
      for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = (bfloat ? bfloats : halves)[i % 3];
      Tensor& tensor = bare.tensors[info.name];
      tensor = Tensor::of<std::uint16_t>(info.shape, bits);
      tensor.dtype = bfloat ? Dtype::bf16 : Dtype::f16;
    }
    const Bytes file = encode_safetensors(bare);
    const auto content = read_model(file, "half", &spec);
    CHECK(content.header.scalar == "float32");
    CHECK(content.header.tensors.front().dtype == (bfloat ? Dtype::bf16 : Dtype::f16));
    for (const auto& [name, tensor] : content.tensors) {
      REQUIRE(tensor.dtype == Dtype::f32);
      const std::vector<float> values = tensor.as<float>();
      for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == expected[i % 3]);
    }
    bare.tensors.begin()->second.data[1] = static_cast<std::byte>(bfloat ? 0x7f : 0x7c);
    bare.tensors.begin()->second.data[0] = static_cast<std::byte>(bfloat ? 0x80 : 0x00);
    CHECK_CONTAINS(
        rejected<FormatError>([&] { read_model(encode_safetensors(bare), "half", &spec); }, "half",
                              "\"decoder.0.bias\""),
        "is inf, expected a finite number");
  }
}

TEST_CASE("model file: prefixes of PyTorch's wrappers are taken off a bare state dict") {
  const VaeSpec spec = small();
  const Vae<Cpu<float>> saved(spec, one_thread);
  const auto prefixed = [&](const std::string& prefix) {
    Safetensors bare;
    for (auto& [name, tensor] : longhand::io::tensors_in(saved))
      bare.tensors[prefix + name] = tensor;
    return bare;
  };
  for (const std::string prefix : {"", "module.", "_orig_mod.", "module._orig_mod."}) {
    CAPTURE(prefix);
    const auto content = read_model(encode_safetensors(prefixed(prefix)), "memory", &spec);
    CHECK(content.header.prefix == prefix);
    CHECK(content.header.tensors == tensors_of(layout_of(spec)));
    CHECK(content.tensors == longhand::io::tensors_in(saved));
  }
  // One name without it: then it is no wrapper's.
  Safetensors mixed = prefixed("module.");
  mixed.tensors["own"] = Tensor::of<float>({1}, std::array<float, 1>{0});
  CHECK(read_model_file(encode_safetensors(mixed), "memory").header.prefix.empty());
  // A described model has the names that its description says.
  Safetensors described =
      read_safetensors(encode_model(spec, longhand::io::tensors_in(saved)), "m");
  for (auto& [name, tensor] : prefixed("module.").tensors) described.tensors[name] = tensor;
  std::erase_if(described.tensors, [](const auto& t) { return !t.first.starts_with("module."); });
  CHECK_THROWS_AS(read_model(encode_safetensors(described), "memory"), FormatError);
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
      rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(wide_path); }, wide_path, "scalar"),
      "is float64, expected float32; ask for the conversion to load it all the same (convert = "
      "true)");
  CHECK_CONTAINS(rejected<FormatError>([&] { load_model<Vae<Cpu<double>>>(narrow_path); },
                                       narrow_path, "scalar"),
                 "is float32, expected float64");

  const auto narrowed = load_model<Vae<Cpu<float>>>(wide_path, one_thread, nullptr, true);
  const auto widened = load_model<Vae<Cpu<double>>>(narrow_path, Cpu<double>(1), nullptr, true);
  CHECK(narrowed.params().layout().size() == wide.params().layout().size());
  for (Index i = 0; i < wide.params().layout().size(); ++i) {
    CHECK(narrowed.params().flat()(i) == static_cast<float>(wide.params().flat()(i)));
    CHECK(widened.params().flat()(i) == static_cast<double>(narrow.params().flat()(i)));
  }

  wide.params().flat()(0) = 1e300;  // encoder.0.weight begins the buffer
  save_model(folder / "wide", wide);
  CHECK_CONTAINS(rejected<FormatError>(
                     [&] { load_model<Vae<Cpu<float>>>(wide_path, one_thread, nullptr, true); },
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
    VaeSpec spec = small();
    change(spec);
    return rejected<FormatError>([&] { save_model(path, Vae<Cpu<float>>(spec, one_thread)); }, path,
                                 field);
  };
  CHECK_CONTAINS(refuse("input.shape",
                        [](VaeSpec& c) {
                          c.image = {28, 28, 1};
                        }),
                 "is [28,28,1], expected extents whose product is 6 rows");
  CHECK_CONTAINS(refuse("input.transform.scale[0]",
                        [](VaeSpec& c) {
                          c.transform = {InputTransform::Kind::unit, {0.0}, {-1.0}};
                        }),
                 "is -1.0, expected a positive number");
  CHECK_CONTAINS(refuse("input.transform.shift[0]",
                        [](VaeSpec& c) {
                          c.transform = {InputTransform::Kind::unit, {infinity}, {1.0}};
                        }),
                 "is \"inf\", expected a number");
  CHECK(read_file(path) == before);
  CHECK(folder.entries() == 1);

  VaeSpec spec = small();
  gaussian(spec).logvar_bound = std::nan("");
  CHECK_CONTAINS(
      rejected<FormatError>([&] { encode_model(spec, {}); }, "model", "latent.logvar_bound"),
      "is \"nan\", expected a positive number, or null");
  files::check_no_place([&](const std::filesystem::path& place) {
    save_model(place, Vae<Cpu<float>>(small(), one_thread));
  });
}

TEST_CASE(
    "model file: a likelihood that is compiled in is saved, one of the program's own is not") {
  const Folder folder;
  using Compiled = Vae<Cpu<float>, longhand::PerElement<longhand::GaussianFixed>>;
  save_model(folder / "model", Compiled(longhand::Gaussian{.variance = 0.25}, small(), one_thread));
  const VaeSpec spec = read_model(folder / "model").spec;
  CHECK(std::get<longhand::Gaussian>(spec.likelihood).variance == 0.25);

  VaeSpec custom = small();
  custom.likelihood = longhand::CustomLikelihood{"gaussian"};
  CHECK_CONTAINS(
      rejected<FormatError>([&] { encode_model(custom, {}); }, "model", "likelihood[0].name"),
      "is \"gaussian (a type of the program that made it)\", expected one of bernoulli, gaussian");
}

// ---- the adversarial autoencoder
// ------------------------------------------------------------------

TEST_CASE("model file: the description of an adversarial autoencoder, number by number") {
  CHECK(json::parse(describe(ring())) == json::parse(R"({
    "format": 2, "model": "aae",
    "input": {"rows": 6, "shape": [2, 3, 1],
      "transform": {"kind": "unit", "shift": [0.0], "scale": [255.0]}},
    "encoder": [{"dense": 5, "activation": {"name": "relu"}, "dropout": 0.0}],
    "decoder": [{"dense": 5, "activation": {"name": "relu"}, "dropout": 0.0}],
    "latent": {"kind": "code", "dim": 2},
    "likelihood": [{"name": "gaussian", "variance": 0.25, "output": "sigmoid"}],
    "prior": {"kind": "ring", "components": 3, "radius": 2.5, "deviation": 0.1},
    "discriminator": [
      {"dense": 4, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1},
      {"dense": 3, "activation": {"name": "leaky-relu", "slope": 0.2}, "dropout": 0.1}]})"));
  const json drawn = json::parse(describe(small_aae()));
  CHECK(drawn.at("latent") ==
        json::parse(R"({"kind": "gaussian", "dim": 2, "logvar_bound": 15.0})"));
  CHECK(drawn.at("prior") == json::parse(R"({"kind": "normal", "scale": 1.0})"));
}

TEST_CASE("model file: what an adversarial autoencoder's description leaves out has its default") {
  const auto described = [](const std::string& more) {
    return spec_from_description<AaeSpec>(R"({"format": 2, "model": "aae", "input": {"rows": 6},
      "latent": {"kind": "code", "dim": 2}, "likelihood": [{"name": "bernoulli"}])" +
                                          more + "}");
  };
  AaeSpec same;
  same.autoencoder.input_dim = 6;
  same.autoencoder.hidden = {};
  same.autoencoder.latent = CodeSpec{2};
  same.discriminator = {};
  CHECK(describe(described("")) == describe(same));
  CHECK(describe(described(R"(, "prior": {"kind": "normal"})")) == describe(same));
  same.prior = RingPrior{};
  CHECK(describe(described(R"(, "prior": {"kind": "ring"})")) == describe(same));
}

TEST_CASE("model file: an adversarial autoencoder that is wrong in one place is refused there") {
  const json remove(json::value_t::discarded);
  const std::vector<Wrong> cases = {
      {"/model", "vae", "model", "is \"vae\", expected \"aae\""},
      {"/input/rows", 0, "input.rows", "is 0, expected an integer from 1"},
      {"/encoder/0/dense", 0, "encoder[0].dense", "is 0"},
      {"/latent",
       {{"kind", "categorical"}, {"variables", 2}, {"classes", 3}},
       "latent.kind",
       "is \"categorical\", expected \"code\" or \"gaussian\" in an adversarial autoencoder"},
      {"/latent",
       {{"kind", "gaussian"}, {"dim", 2}, {"prior", {{"kind", "standard-normal"}}}},
       "latent",
       "has the key \"prior\", expected only kind, dim, logvar_bound"},
      {"/latent/kind", "vmf", "latent.kind", "expected one of gaussian, code"},
      {"/latent/dim", 3, "prior.kind",
       "is \"ring\", expected \"normal\" with 3 latent dimensions: a ring has 2"},
      {"/likelihood/1", {{"name", "bernoulli"}}, "likelihood", "has 2 entries, expected 1"},
      {"/condition_rows", 0, "description", "has the key \"condition_rows\", expected only model"},
      {"/prior", "normal", "prior", "is \"normal\", expected an object"},
      {"/prior/kind", remove, "prior.kind", "is missing"},
      {"/prior/kind", "swiss-roll", "prior.kind",
       "is \"swiss-roll\", expected one of normal, ring"},
      {"/prior/kind", "normal", "prior", "has the key \"components\", expected only kind, scale"},
      {"/prior",
       {{"kind", "normal"}, {"scale", 0}},
       "prior.scale",
       "is 0, expected a positive number"},
      {"/prior", {{"kind", "normal"}, {"scale", -1.5}}, "prior.scale", "is -1.5"},
      {"/prior", {{"kind", "normal"}, {"scale", nullptr}}, "prior.scale", "is null"},
      {"/prior/scale", 1, "prior",
       "has the key \"scale\", expected only kind, components, radius, deviation"},
      {"/prior/components", 1, "prior.components", "is 1, expected an integer from 2 to 1024"},
      {"/prior/components", 1025, "prior.components", "is 1025, expected an integer from 2"},
      {"/prior/radius", 0, "prior.radius", "is 0, expected a positive number"},
      {"/prior/deviation", -1, "prior.deviation", "is -1, expected a positive number"},
      {"/discriminator", 4, "discriminator", "is 4, expected a list"},
      {"/discriminator/1/dense", 0, "discriminator[1].dense", "is 0"},
      {"/discriminator/0/dropout", 1, "discriminator[0].dropout", "is 1"},
      {"/discriminator/0/activation/name", "tan", "discriminator[0].activation.name",
       "expected one of relu"},
      {"/discriminator/0/dense", 600000000, "description",
       "units in all, expected at most 536870912"},
      {"/generator", json::array(), "description", "has the key \"generator\""},
  };
  check_refusals<AaeSpec>(Parts(model_bytes(ring())), cases);
}

TEST_CASE("model file: tensors of an adversarial autoencoder have names, and none is missing") {
  const auto f32 = [](const char* name, std::vector<std::uint64_t> shape) {
    return TensorInfo{name, Dtype::f32, std::move(shape)};
  };
  const std::vector<TensorInfo> expected = {
      f32("decoder.0.bias", {5}),
      f32("decoder.0.weight", {5, 2}),
      f32("decoder.2.bias", {6}),
      f32("decoder.2.weight", {6, 5}),
      f32("discriminator.0.bias", {4}),
      f32("discriminator.0.weight", {4, 2}),
      f32("discriminator.2.bias", {3}),
      f32("discriminator.2.weight", {3, 4}),
      f32("discriminator.4.bias", {1}),
      f32("discriminator.4.weight", {1, 3}),
      f32("encoder.0.bias", {5}),
      f32("encoder.0.weight", {5, 6}),
      f32("mu.bias", {2}),
      f32("mu.weight", {2, 5}),
  };
  CHECK(tensors_of(layout_of(ring())) == expected);

  const Parts right(model_bytes(ring()));
  Parts wrong = right;
  wrong.content.tensors.erase("discriminator.4.weight");
  CHECK_CONTAINS(refused<AaeSpec>(wrong.bytes(), "\"discriminator.4.weight\""),
                 "is missing, expected F32 [1,3]");
  wrong = right;
  wrong.description["discriminator"].erase(1);
  CHECK_CONTAINS(refused<AaeSpec>(wrong.bytes(), "\"discriminator.2.bias\""),
                 "is F32 [3], expected F32 [1]");
  // A code that no memory holds is compared with the tensors, never made.
  wrong = right;
  wrong.description["latent"]["dim"] = 500000000u;
  wrong.description["prior"] = {{"kind", "normal"}};
  CHECK_CONTAINS(refused<AaeSpec>(wrong.bytes(), "\"decoder.0.weight\""),
                 "expected F32 [5,500000000]");
}

TEST_CASE("model file: an adversarial autoencoder and a Vae are not taken for one another") {
  CHECK_CONTAINS(refused(model_bytes(ring()), "model"),
                 "is \"aae\", expected one of vae, ae, cvae");
  CHECK_CONTAINS(refused<AaeSpec>(model_bytes(), "model"), "is \"vae\", expected \"aae\"");
}

TEST_CASE("model file: a bare state dict of an adversarial autoencoder loads") {
  const Folder folder;
  const auto saved = model_of<float>(ring());
  save_model(folder / "model", saved);
  Safetensors bare = read_safetensors(folder / "model");
  bare.metadata = {};
  write_safetensors(folder / "bare", bare);
  AaeSpec spec = ring();
  CHECK(same_bytes(weights(load_model<Aae<Cpu<float>>>(folder / "bare", one_thread, &spec)),
                   weights(saved)));
  spec.discriminator = {7};
  CHECK_CONTAINS(rejected<FormatError>(
                     [&] { load_model<Aae<Cpu<float>>>(folder / "bare", one_thread, &spec); },
                     (folder / "bare").string(), "\"discriminator.0.bias\""),
                 "is F32 [4], expected F32 [7]");
}

TEST_CASE("model file: the spec of an adversarial autoencoder that is no model is not written") {
  const auto refuse = [&](const char* field, auto change) {
    AaeSpec spec = small_aae();
    change(spec);
    return rejected<FormatError>([&] { encode_model(spec, {}); }, "model", field);
  };
  CHECK_CONTAINS(refuse("description", [](AaeSpec& c) { c.autoencoder.condition_dim = 2; }),
                 "has the key \"condition_rows\"");
  CHECK_CONTAINS(
      refuse("latent", [](AaeSpec& c) { gaussian(c.autoencoder).prior = ConditionalPrior{}; }),
      "has the key \"prior\"");
  CHECK_CONTAINS(
      refuse("latent.kind",
             [](AaeSpec& c) { c.autoencoder.latent = longhand::CategoricalLatentSpec{}; }),
      "is \"categorical\"");
  CHECK_CONTAINS(refuse("prior.scale", [](AaeSpec& c) { c.prior = NormalPrior{infinity}; }),
                 "is \"inf\", expected a positive number");
  CHECK_CONTAINS(refuse("prior.kind",
                        [](AaeSpec& c) {
                          c.autoencoder.latent = CodeSpec{5};
                          c.prior = RingPrior{};
                        }),
                 "with 5 latent dimensions");
  CHECK_CONTAINS(
      refuse("prior.components", [](AaeSpec& c) { c.prior = RingPrior{.components = 1}; }),
      "is 1, expected");
}

// ---- a model that longhand does not know
// ----------------------------------------------------------

namespace made_up {

/// One weight, a picture filter whose columns lie in memory in another order than in the file.
struct Spec {
  Index channels = 2, filters = 3;
  bool twice = false;  ///< a second tensor of the same name
  const char* name = "filter.weight";
};

std::string spec_to_json(const Spec& spec) {
  return json{{"model", "filter"}, {"channels", spec.channels}, {"filters", spec.filters}}.dump();
}
void spec_from_json(std::string_view text, std::string_view file, Spec& spec) {
  const json object = json::parse(text);
  if (object.at("model") != "filter") throw FormatError(file, "model", "expected \"filter\"");
  spec.channels = object.at("channels").get<Index>();
  spec.filters = object.at("filters").get<Index>();
}
ParamLayout layout_of(const Spec& spec) {
  ParamLayout layout;
  layout.begin_segment("filter");
  for (int times = 0; times < (spec.twice ? 2 : 1); ++times)
    layout.add({.inner = {spec.channels, 2, 3},
                .outputs = spec.filters,
                .fan_in = 6 * spec.channels,
                .parts = {{spec.name, 0, spec.filters}},
                .order = {1, 2, 0}});
  return layout;
}

template <class B>
struct Filter {
  using Backend = B;
  using Spec = made_up::Spec;

  Filter(Spec spec, B backend) : spec_(spec), backend_(backend), params_(layout_of(spec)) {}
  const Spec& spec() const { return spec_; }
  const B& backend() const { return backend_; }
  const longhand::Params<B>& params() const { return params_; }

 private:
  Spec spec_;
  B backend_;
  longhand::Params<B> params_;
};

}  // namespace made_up

TEST_CASE("model file: a permuted block goes to the order of the file and back") {
  const ParamBlock block{.inner = {2, 3}, .outputs = 2, .order = {1, 0}};
  // Memory has the last axis slowest: (0,0) (1,0) (0,1) (1,1) (0,2) (1,2).
  const std::vector<int> memory{0, 10, 1, 11, 2, 12, 100, 110, 101, 111, 102, 112};
  const std::vector<int> file{0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112};
  CHECK(longhand::io::in_file_order(block, memory) == file);
  CHECK(longhand::io::in_memory_order(block, file) == memory);
  const ParamBlock plain{.inner = {2, 3}, .outputs = 2};
  CHECK(longhand::io::in_file_order(plain, memory) == memory);
}

TEST_CASE("model file: a kind of model that is not longhand's is saved and loaded all the same") {
  using Model = made_up::Filter<Cpu<float>>;
  const Folder folder;
  const std::string path = (folder / "model").string();
  const Model saved(made_up::Spec{}, one_thread);
  const auto weight = saved.params()[longhand::BlockId{0}];
  for (Index i = 0; i < weight.size(); ++i) weight.data[i] = static_cast<float>(i);
  save_model(path, saved);

  const auto file = read_model_file(path);
  CHECK(file.header.kind == "filter");
  CHECK(file.header.verified);
  const Tensor& tensor = file.tensors.at("filter.weight");
  CHECK(tensor.shape == std::vector<std::uint64_t>{3, 2, 2, 3});
  // The file goes (channel, row, column), memory (row, column, channel), 12 per filter.
  CHECK(tensor.as<float>()[1] == 2);
  CHECK(tensor.as<float>()[6] == 1);
  CHECK(tensor.as<float>()[12] == 12);

  const Model loaded = load_model<Model>(path, one_thread);
  CHECK(loaded.spec().filters == 3);
  for (Index i = 0; i < weight.size(); ++i)
    CHECK(loaded.params()[longhand::BlockId{0}].data[i] == weight.data[i]);

  CHECK_CONTAINS(rejected<FormatError>([&] { load_model<Vae<Cpu<float>>>(path); }, path, "model"),
                 "is \"filter\", expected one of vae, ae, cvae");
  made_up::Spec wrong;
  wrong.twice = true;
  CHECK_CONTAINS(
      rejected<FormatError>([&] { tensors_of(layout_of(wrong)); }, "layout", "\"filter.weight\""),
      "is the name of two tensors of the model");
  wrong = {.name = "training.weight"};
  CHECK_CONTAINS(
      rejected<FormatError>([&] { tensors_of(layout_of(wrong)); }, "layout", "\"training.weight\""),
      "kept for the state of a training");
}

TEST_CASE("model file: what one device wrote the other loads") {
  longhand::test::check_crossing(longhand::test::FakeDevice());
}

TEST_CASE("model file: no file, no model") {
  files::check_no_file(
      [](const std::filesystem::path& path) { load_model<Vae<Cpu<float>>>(path); });
  files::check_no_file([](const std::filesystem::path& path) { read_model_file(path); });
}

TEST_CASE("model file: a model with its likelihood compiled in") {
  const files::Folder folder;
  const auto path = folder / "v.safetensors";
  const longhand::VaeSpec spec{.input_dim = 3, .hidden = {4}, .latent_dim = 2};
  const longhand::Vae vae(longhand::Gaussian{.variance = 0.25}, spec);
  save_model(path, vae);
  using Compiled = std::remove_const_t<decltype(vae)>;
  const Compiled back = load_model<Compiled>(path);
  const auto was = vae.params().flat(), is = back.params().flat();
  CHECK(std::equal(was.data, was.data + was.rows, is.data));
  CHECK(std::get<longhand::Gaussian>(back.spec().likelihood).variance == 0.25);
  // A file of another likelihood is another type's.
  save_model(path, longhand::Vae<Cpu<float>>(spec));
  CHECK_THROWS_WITH_AS(
      load_model<Compiled>(path),
      "longhand: the likelihood is 'bernoulli', the model was compiled for another one",
      std::invalid_argument);
}
