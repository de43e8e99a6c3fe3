// SPDX-License-Identifier: MIT
// Terms, players and phases, on a model that is none of longhand's.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/train/trainer.hpp"
#include "train/made_up_model.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

template <class S>
Data<S> cloud(Index n) {
  typename Samples<S>::Matrix x(3, n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < 3; ++i) x(i, j) = S(std::sin(0.7 * double(i + 1) * double(j + 1)));
  Data<S> data;
  data.input = Samples<S>(std::move(x));
  return data;
}

template <class B>
std::vector<double> segment_of(const Policed<B>& model, const char* name) {
  const View<B> flat = model.params().flat(model.params().layout().segment(name).range);
  return {flat.data, flat.data + flat.rows};
}

}  // namespace

TEST_CASE_TEMPLATE("players: both learn, every term and player is reported", B, Cpu<float>,
                   Reference<double>) {
  Policed<B> model({});
  const TrainResult result = Trainer<Policed<B>>(model, {.epochs = 30,
                                                         .batch = 16,
                                                         .learning_rate = 0.02,
                                                         .validation = 0.25,
                                                         .grad_norms = true})
                                 .fit(cloud<typename B::Scalar>(120));
  REQUIRE(result.history.size() == 60);
  const EpochReport &first = result.history[0], &last = result.history[58];
  CHECK(last.term("distance") < 0.2 * first.term("distance"));
  CHECK(last.term("gap") < 0.5 * first.term("gap"));
  REQUIRE(last.players.size() == 2);
  CHECK(last.players[0].name == "mapper");
  CHECK(last.loss() == doctest::Approx(last.term("distance") + 0.1 * 0.5 * last.term("size")));
  CHECK(last.players[1].loss == doctest::Approx(2 * last.term("gap")));
  CHECK(last.schedules.get("pressure") == 0.5);
  for (const PlayerReport& player : last.players) CHECK(player.grad_norm > 0);
  REQUIRE(last.grad_norms.size() == 4);
  CHECK(last.grad_norms[0].name == "map.weight");
  for (const NamedValue& tensor : last.grad_norms) CHECK(tensor.value > 0);
  const EpochReport& held = result.history[59];
  CHECK(held.split == Split::validation);
  CHECK(held.samples == 30);
  CHECK(held.term("distance") > 0);
  CHECK(held.players[1].loss == doctest::Approx(2 * held.term("gap")));
}

TEST_CASE("players: each phase moves its own segments and nothing else, from its own moments") {
  using B = Reference<double>;
  const auto trained = [](std::map<std::string, PlayerOptions> players) {
    Policed<B> model({});
    Trainer<Policed<B>>(model, {.epochs = 2, .batch = 20, .players = std::move(players)})
        .fit(cloud<double>(60));
    return model;
  };
  const Policed<B> both = trained({});
  // A watcher that learns otherwise leaves the mapper's bits alone, moments included.
  const Policed<B> other =
      trained({{"watcher", {.optimizer = Sgd{}, .learning_rate = 0.3, .clip_norm = 0.01}}});
  CHECK(segment_of(both, "map") == segment_of(other, "map"));
  CHECK(segment_of(both, "watch") != segment_of(other, "watch"));
  // One that hardly moves stays where it began.
  const Policed<B> idle = trained({{"watcher", {.optimizer = Sgd{}, .learning_rate = 1e-300}}});
  CHECK(segment_of(idle, "watch") == segment_of(Policed<B>({}), "watch"));
}

TEST_CASE("players: a player's loss is one over all samples, weights included [ELBO-1]") {
  using B = Reference<double>;
  Data<double> data = cloud<double>(8);
  Eigen::MatrixXd weight(1, 8);
  for (Index j = 0; j < 8; ++j) weight(0, j) = 0.25 * double(j);
  data.sample_weights = Samples<double>(weight);
  Policed<B> model({});
  const ResidentData<B> resident(model.backend(), data);
  Workspace<B> workspace;
  const std::vector<std::uint32_t> all{0, 1, 2, 3, 4, 5, 6, 7};
  const Pass<B> pass{.backend = model.backend(), .theta = model.params(), .workspace = workspace};
  const View<B> terms = pass.matrix(3, 8);
  model.values(pass, {.input = data.input.numbers().view()}, terms);
  double distance = 0;
  for (Index j = 0; j < 8; ++j) distance += weight(0, j) * terms(0, j) / 8;
  const TrainResult r = Trainer<Policed<B>>(model, {.epochs = 1, .batch = 8}).fit(data);
  CHECK(r.history[0].term("distance") == doctest::Approx(distance).epsilon(1e-14));
}

TEST_CASE("players: a phase that is not finite stops everybody [OPT-14]") {
  using B = Reference<double>;
  Policed<B> model({});
  const auto watch =
      model.params()[model.params().layout().segment("watch").first_block == 2 ? BlockId{2}
                                                                               : BlockId{0}];
  watch(0, 0) = 1e200;  // its loss overflows, the mapper's does not
  bool thrown = false;
  try {
    Trainer<Policed<B>>(model, {.epochs = 1, .batch = 60}).fit(cloud<double>(60));
  } catch (const NonFinite& error) {
    thrown = true;
    CHECK(error.step == 0);
    CHECK(error.tensor.empty());  // every gradient is finite, the term of the watcher is not
    CHECK(error.samples.size() == 60);
  }
  CHECK(thrown);
  CHECK(watch(0, 0) == 1e200);
}

TEST_CASE("players: names that the model does not have are refused") {
  using B = Cpu<float>;
  Policed<B> model({});
  const auto refused = [&](TrainOptions options, const char* message) {
    CHECK_THROWS_WITH_AS(Trainer<Policed<B>>(model, std::move(options)).fit(cloud<float>(20)),
                         message, std::invalid_argument);
  };
  refused({.players = {{"critic", {}}}},
          "longhand: the options name a player 'critic' that the model does not have");
  refused({.schedules = {{"tau", Schedule::constant(1)}}},
          "longhand: the options name a schedule 'tau' that the model does not have");
  refused({.beta = 2}, "longhand: beta and kl_warmup are for a model with a KL");
}
