// SPDX-License-Identifier: MIT
// The state of a training through a file: nothing is lost, and nothing damaged is taken.
#include "longhand/io/checkpoint.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "files.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/io/model_file.hpp"
#include "longhand/models/aae.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

using files::rejected;
using namespace longhand;
using namespace longhand::io;

namespace {

constexpr Index kRows = 40, kDim = 5;

template <class S>
Data<S> data() {
  typename Samples<S>::Matrix columns(kDim, kRows);
  for (Index j = 0; j < kRows; ++j)
    for (Index i = 0; i < kDim; ++i)
      columns(i, j) = S(0.5 + 0.45 * std::sin(0.7 * double(i + 1) * (1 + double(j % 11) / 7)));
  Data<S> all;
  all.input = Samples<S>(std::move(columns));
  return all;
}

VaeSpec small() { return {.input_dim = kDim, .hidden = {4}, .latent_dim = 2, .seed = 3}; }
AaeSpec adversarial() {
  VaeSpec code = small();
  code.latent = CodeSpec{2};
  code.likelihood = Gaussian{.variance = 0.1};
  return {.autoencoder = code, .discriminator = {3}};
}
TrainOptions options() {
  TrainOptions o;
  o.epochs = 3;
  o.batch = 8;
  o.validation = 0.2;
  o.grad_norms = true;
  o.seed = 0xfedcba9876543210;  // more than a signed number holds
  return o;
}

/// All states of a training and the weights it ends with.
template <class M>
struct Run {
  using S = typename M::Backend::Scalar;
  std::vector<TrainState<S>> states;
  std::vector<S> weights;
  std::size_t lines = 0;
};
template <class M>
Run<M> run(const typename M::Spec& spec,
           std::optional<TrainState<typename M::Backend::Scalar>> from = std::nullopt) {
  using S = typename M::Backend::Scalar;
  M model(spec, typename M::Backend(1));
  Run<M> result;
  std::optional<Trainer<M>> trainer;
  TrainOptions o = options();
  o.checkpoint.steps = 1;
  o.on_checkpoint = [&] { result.states.push_back(trainer->state()); };
  trainer.emplace(model, std::move(o));
  if (from) trainer->resume(std::move(*from));
  result.lines = trainer->fit(data<S>()).history.size();
  const auto theta = model.params().flat();
  result.weights.assign(theta.data, theta.data + theta.rows);
  return result;
}

template <class M>
void check_every_state(const typename M::Spec& spec) {
  using S = typename M::Backend::Scalar;
  const Run<M> whole = run<M>(spec);
  REQUIRE(whole.states.size() == 12);
  for (const TrainState<S>& state : whole.states) {
    const files::Bytes bytes = encode_checkpoint(spec, state, "notes\nof \"any\" kind");
    const ModelFile file = read_model_file(bytes, "memory");
    CHECK(notes_in(file) == "notes\nof \"any\" kind");
    const TrainState<S> back = state_in<S>(file, spec);
    CHECK(encode_checkpoint(spec, back, notes_in(file)) == bytes);
    const Run<M> rest = run<M>(spec, back);
    CHECK(rest.weights == whole.weights);
    CHECK(rest.lines == whole.lines);
  }
}

}  // namespace

TEST_CASE("checkpoint: every state of a training survives its file") {
  check_every_state<Vae<Cpu<float>>>(small());
  check_every_state<Vae<Cpu<double>>>(small());
  check_every_state<Aae<Cpu<float>>>(adversarial());
}

TEST_CASE("checkpoint: it is a model file with the newest weights") {
  using M = Vae<Cpu<float>>;
  const files::Folder folder;
  const auto path = folder / "c.safetensors";
  const Run<M> whole = run<M>(small());
  M model(small());
  save_checkpoint(path, model, whole.states[4], "hello");
  CHECK(folder.entries() == 1);
  const M loaded = load_model<M>(path);
  const auto theta = loaded.params().flat();
  CHECK(std::vector<float>(theta.data, theta.data + theta.rows) == whole.states[4].weights);
  CHECK(load_checkpoint(path, model).weights == whole.states[4].weights);
  // A model alone is no checkpoint.
  save_model(path, model);
  rejected<FormatError>([&] { load_checkpoint(path, model); }, path.string(), "training");
}

TEST_CASE("checkpoint: a model of another shape, kind or names is named") {
  using M = Vae<Cpu<float>>;
  const files::Bytes bytes = encode_checkpoint(small(), run<M>(small()).states[2]);
  const ModelFile file = read_model_file(bytes, "memory");
  VaeSpec other = small();
  other.hidden = {7};
  rejected<FormatError>([&] { state_in<float>(file, other); }, "memory", "decoder");
  other = small();
  other.names = {"a", "b", "c", "d", "e"};
  rejected<FormatError>([&] { state_in<float>(file, other); }, "memory", "input.names");
  rejected<FormatError>([&] { state_in<double>(file, small()); }, "memory", "scalar");
}

TEST_CASE("checkpoint: cut short or with a flipped bit it is refused") {
  using M = Vae<Cpu<float>>;
  const files::Bytes bytes = encode_checkpoint(small(), run<M>(small()).states[6]);
  const auto refused = [](const files::Bytes& damaged) {
    try {
      state_in<float>(read_model_file(damaged, "memory"), small());
    } catch (const io::Error&) {
      return true;
    }
    return false;
  };
  CHECK_FALSE(refused(bytes));
  for (std::size_t size = 0; size < bytes.size(); size += 53)
    CHECK(refused(files::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))));
  for (std::size_t i = 8; i < bytes.size(); i += 31) {
    CAPTURE(i);
    files::Bytes damaged = bytes;
    damaged[i] ^= std::byte{4};
    CHECK(refused(damaged));
  }
}

TEST_CASE("checkpoint: moments that are not finite are kept as they are") {
  using M = Vae<Cpu<float>>;
  TrainState<float> state = run<M>(small()).states[2];
  state.players[0].moments[1][0] = std::numeric_limits<float>::infinity();
  const ModelFile file = read_model_file(encode_checkpoint(small(), state), "memory");
  CHECK(std::isinf(state_in<float>(file, small()).players[0].moments[1][0]));
  state.weights[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(encode_checkpoint(small(), state), FormatError);
}
