// SPDX-License-Identifier: MIT
#include "longhand/models/aae.hpp"

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/gradcheck/check_model.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "longhand/train/trainer.hpp"
#include "math/formulas.hpp"
#include "support/matrix.hpp"
#include "support/models.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

AaeSpec small(const LatentSpec& latent = CodeSpec{2}) {
  return {.autoencoder = {.input_dim = 5, .hidden = mlp({4}, Tanh{}), .latent = latent, .seed = 2},
          .discriminator = mlp({4, 3}, Tanh{})};
}

GradientReport check(const char* player, const AaeSpec& spec, ModelCheck how = {}) {
  how.player = player;
  return check_model(
      player, [&]<class B>() { return Aae<B>(spec); }, how);
}

constexpr Index kReconstruct = 0, kDiscriminate = 1, kConfuse = 2;
constexpr Index kNll = 0, kReal = 1, kFake = 2, kFooled = 3, kAccuracy = 4;
const std::vector<std::string> kSegments = {"encoder", "decoder", "discriminator"};

/// A model with one batch of random numbers and all that a call needs.
struct SmallAae {
  using B = Reference<double>;

  explicit SmallAae(const AaeSpec& spec, Index batch = 6) : model(spec), n(batch) {
    x = (Eigen::MatrixXd::Random(model.input_dim(), n).array() + 1) / 2;
    grads = Grads<B>(model.params().layout());
  }
  View<B> segment(const std::string& name) const {
    return model.params().flat(model.params().layout().segment(name).range);
  }
  View<B> gradient(const std::string& name) const {
    return grads.flat(model.params().layout().segment(name).range);
  }
  Pass<B> pass(Grads<B>* into) {
    workspace.reset();
    return {.backend = model.backend(),
            .theta = model.params(),
            .grads = into,
            .workspace = workspace,
            .key = {.seed = 5, .step = 3, .stream = Stream::latent, .draw = 0},
            .mode = Mode::train,
            .scalars = scalars.view()};
  }
  /// The terms of every sample (5 x n) without gradients.
  Eigen::MatrixXd values() {
    Eigen::MatrixXd terms(5, n);
    model.values(pass(nullptr), {.input = columns_of(x)}, columns_of(terms));
    return terms;
  }
  /// The terms that a phase leaves, and its gradients in `grads`, zero where it wrote none.
  Eigen::MatrixXd step(Index phase) {
    Eigen::MatrixXd terms = Eigen::MatrixXd::Zero(5, n);
    grads.clear();
    model.step(pass(&grads), {.input = columns_of(x)}, phase, columns_of(terms));
    grads.zero_unwritten(model.backend());
    return terms;
  }

  Aae<B> model;
  Index n;
  Eigen::MatrixXd x;
  Grads<B> grads;
  HostScalars<double> scalars{.inverse_samples = 1.0 / 6, .weights = {1, 1, 1, 1}};
  Workspace<B> workspace;
};

/// The scalar that a phase declares to minimise.
double declared(Index phase, const Eigen::MatrixXd& terms) {
  const auto mean = [&](Index row) { return terms.row(row).mean(); };
  return phase == kReconstruct    ? mean(kNll)
         : phase == kDiscriminate ? mean(kReal) + mean(kFake)
                                  : mean(kFooled);
}

double norm(View<Reference<double>> v) {
  double sum = 0;
  for (Index i = 0; i < v.rows; ++i) sum += v(i) * v(i);
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("aae: the gradient of every player, by differences and dual numbers [ADV-7] [ADV-8]") {
  AaeSpec ring = small(GaussianLatentSpec{.dim = 2});
  ring.prior = RingPrior{.components = 5};
  AaeSpec dropped = small();
  dropped.discriminator = mlp({4, 3}, Tanh{}, 0.4);
  dropped.autoencoder.hidden = mlp({4}, Silu{}, 0.2);
  for (const char* player : {"autoencoder", "discriminator", "generator"}) {
    LONGHAND_CHECK(check(player, small()));
    LONGHAND_CHECK(check(player, ring, {.masked = true}));
    LONGHAND_CHECK(check(player, dropped));
  }
  CHECK_THROWS_WITH_AS(check("critic", small()), "longhand: the model has no player 'critic'",
                       std::invalid_argument);
}

TEST_CASE_TEMPLATE(
    "aae: worked numbers of the page [ADV-1] [ADV-3] [ADV-4] [ADV-5] [ADV-6] [ADV-7] "
    "[ADV-8] [ADV-9] [ADV-10]",
    B, Reference<double>, Cpu<double>) {
  const Aae<B> model({.autoencoder = {.input_dim = 1,
                                      .hidden = {},
                                      .latent = CodeSpec{2},
                                      .likelihood = Gaussian{.variance = 0.5}},
                      .prior = RingPrior{.components = 4, .radius = 1, .deviation = 1e-300},
                      .discriminator = {}});
  const auto set = [&](std::uint32_t block, std::vector<double> numbers) {
    const View<B> m = model.params()[BlockId{block}];
    REQUIRE(m.size() == Index(numbers.size()));
    std::copy(numbers.begin(), numbers.end(), m.data);
  };
  set(0, {0.5, -1}), set(1, {0.1, 0.2});  // encoder
  set(2, {2, -0.5}), set(3, {0.3});       // decoder
  set(4, {1, -0.75}), set(5, {0.25});     // discriminator
  Matrix<double> x(1, 2), w(1, 2), terms(5, 2), z(2, 2), real(2, 2);
  x(0, 0) = 1, x(0, 1) = -1;
  w(0, 0) = 1, w(0, 1) = 2;
  const HostScalars<double> numbers{.inverse_samples = 0.5, .weights = {1, 1, 1, 1}};
  const Batch<B> batch{.input = x.view(), .sample_weights = w.view()};
  Grads<B> grads(model.params().layout());
  Workspace<B> workspace;
  // Seed 1 draws the components 2 and 3 in step 10.
  const Pass<B> pass{.backend = model.backend(),
                     .theta = model.params(),
                     .grads = &grads,
                     .workspace = workspace,
                     .key = {.seed = 1, .step = 10, .stream = Stream::latent},
                     .mode = Mode::train,
                     .scalars = numbers.view()};
  model.from_prior(pass, {}, real);
  REQUIRE(real(0, 0) < -0.99);
  REQUIRE(real(1, 1) < -0.99);

  const auto check = [&](const char* name, std::vector<double> got, std::vector<double> want) {
    REQUIRE(got.size() == want.size());
    for (std::size_t k = 0; k < want.size(); ++k) check_worked(name, got[k], want[k]);
  };
  const auto gradient = [&](std::uint32_t block) { return flat(grads[BlockId{block}]); };
  const auto phase = [&](Index number) {
    grads.clear();
    model.step(pass, batch, number, terms);
    join(pass.backend);
    grads.zero_unwritten(pass.backend);
  };
  const auto term = [&](Index row) { return std::vector{terms(row, 0), terms(row, 1)}; };
  terms.fill(0);
  model.posterior(pass, batch, z, {});
  check("adv_z", z.flat(), {0.6, -0.8, -0.4, 1.2});

  phase(0);
  check("adv_nll", term(0), {1.3823649429247, 0.5823649429247001});
  check("adv_dencoder_W_reconstruct", gradient(0), {2.2, -0.55});
  check("adv_dencoder_b_reconstruct", gradient(1), {1.4, -0.35});
  check("adv_ddecoder_W", gradient(2), {0.62, -0.96});
  check("adv_ddecoder_b", gradient(3), {0.7});
  check("nothing to the discriminator", gradient(4), {0, 0});
  check("nothing to the discriminator", gradient(5), {0});

  phase(1);
  check("adv_real", term(1), {1.1368710061148999, 0.3132616875182228});
  check("adv_fake", term(2), {1.6607229646697597, 0.3000584796176432});
  check("adv_accuracy", term(4), {0, 1});
  check("adv_ddiscriminator_W", gradient(4), {0.4788988394559642, 0.2560121687575355});
  check("adv_ddiscriminator_b", gradient(5), {0.05569354685249791});
  for (const std::uint32_t block : {0u, 1u, 2u, 3u})
    for (const double g : gradient(block)) CHECK(g == 0);

  const auto objective = [&](std::initializer_list<Index> rows) {
    double sum = 0;
    for (const Index row : rows)
      for (const Index j : {0, 1}) sum += w(0, j) * terms(row, j) / 2;
    return sum;
  };
  phase(2);
  check("adv_fooled", term(3), {0.21072296466975976, 1.3500584796176431});
  check("adv_dencoder_W_confuse", gradient(0), {0.6457741161744975, -0.4843305871308731});
  check("adv_dencoder_b_confuse", gradient(1), {-0.8357756821898105, 0.6268317616423579});
  for (const std::uint32_t block : {2u, 3u, 4u, 5u})
    for (const double g : gradient(block)) CHECK(g == 0);
  check_worked("adv_loss_reconstruct", objective({0}), 1.2735474143870502);
  check_worked("adv_loss_discriminate", objective({1, 2}), 2.012117152528196);
  check_worked("adv_loss_confuse", objective({3}), 1.455419961952523);
}

// What the model keeps to itself, from the formulas.
TEST_CASE("aae: logits and their gradients [ADV-4] [ADV-5] [ADV-6] [ADV-8] [ADV-9]") {
  const auto check = [](double logit, double target, double seed, double cost, double gradient) {
    double nll, da;
    BernoulliLogits{}.value_and_gradient(logit, target, nll, da);
    check_worked("cost", nll, cost);
    check_worked("gradient", seed * da, gradient);
  };
  check(-0.75, 1, 0.5, 1.1368710061148999, -0.3395893495876965);  // adv_real, adv_dreal_logit
  check(1, 1, 1, 0.3132616875182228, -0.2689414213699951);
  check(1.45, 0, 0.5, 1.6607229646697597, 0.40499921699234354);  // adv_fake, adv_dfake_logit
  check(-1.05, 0, 1, 0.3000584796176432, 0.259225100817846);
  check(1.45, 1, 0.5, 0.21072296466975976, -0.09500078300765649);  // adv_fooled, adv_dfooled_logit
  check(-1.05, 1, 1, 1.3500584796176431, -0.740774899182154);
}

// The table of the page: what depends on what, by differences along a segment, and what of that a
// phase hands to its player. What does not depend on a segment keeps its bits; that the gradients
// are right is the case above.
TEST_CASE("aae: routing, which phase gives which segment a gradient [ADV-3] [ADV-9]") {
  const bool depends[3][3] = {{true, true, false}, {true, false, true}, {true, false, true}};
  const bool given[3][3] = {{true, true, false}, {false, false, true}, {true, false, false}};
  SmallAae bench(small(GaussianLatentSpec{.dim = 2}));
  for (Index phase = 0; phase < 3; ++phase) {
    bench.step(phase);
    for (std::size_t s = 0; s < kSegments.size(); ++s) {
      CAPTURE(phase);
      CAPTURE(kSegments[s]);
      const View<SmallAae::B> theta = bench.segment(kSegments[s]),
                              gradient = bench.gradient(kSegments[s]);
      const double step = 0x1p-20;
      const auto moved = [&](double by) {
        for (Index i = 0; i < theta.rows; ++i) theta(i) += (i % 2 == 0 ? by : -by);
        const double value = declared(phase, bench.values());
        for (Index i = 0; i < theta.rows; ++i) theta(i) -= (i % 2 == 0 ? by : -by);
        return value;
      };
      const double difference = (moved(step) - moved(-step)) / (2 * step);
      CHECK((difference != 0) == depends[phase][s]);
      CHECK((norm(gradient) > 0) == given[phase][s]);
    }
  }
}

TEST_CASE("aae: a training step moves each player's segments from its own moments [ADV-6]") {
  using B = Cpu<float>;
  Eigen::MatrixXf x = (Eigen::MatrixXf::Random(5, 40).array() + 1) / 2;
  // The segments that change when all players but one stand still.
  const auto changed = [&](const char* moving) {
    TrainOptions options{.epochs = 2, .batch = 10};
    for (const Player& player : Aae<B>::players())
      if (player.name != moving)
        options.players[player.name] = {.optimizer = Sgd{}, .learning_rate = 1e-30};
    Aae<B> model(small());
    const Aae<B> before(small());
    fit(model, samples_in_columns(x), options);
    std::vector<std::string> names;
    for (const std::string& name : kSegments) {
      const ParamRange range = model.params().layout().segment(name).range;
      const View<B> now = model.params().flat(range), then = before.params().flat(range);
      if (!std::equal(now.data, now.data + now.rows, then.data)) names.push_back(name);
    }
    return names;
  };
  CHECK(changed("autoencoder") == std::vector<std::string>{"encoder", "decoder"});
  CHECK(changed("discriminator") == std::vector<std::string>{"discriminator"});
  CHECK(changed("generator") == std::vector<std::string>{"encoder"});
}

TEST_CASE("aae: a tensor that two players learn has a gradient norm for each") {
  Aae<Cpu<float>> model(small());
  const Eigen::MatrixXf x = (Eigen::MatrixXf::Random(5, 40).array() + 1) / 2;
  const TrainResult r =
      fit(model, samples_in_columns(x), {.epochs = 1, .batch = 20, .grad_norms = true});
  const NamedValues& norms = r.history[0].grad_norms;
  CHECK(norms.size() == 4 + 4 + 6 + 4);
  const double first = norms.get("autoencoder/encoder.0.weight"),
               other = norms.get("generator/encoder.0.weight");
  CHECK(first > 0);
  CHECK(other > 0);
  CHECK(first != other);
  CHECK(norms.get("discriminator.0.weight") > 0);
  CHECK(norms.get("decoder.0.weight") > 0);
}

TEST_CASE("aae: a discriminator that says nothing costs ln 2 [ADV-4] [ADV-5] [ADV-6] [ADV-10]") {
  SmallAae bench(small());
  const std::vector<ParamBlock>& blocks = bench.model.params().layout().blocks();
  for (std::size_t b = blocks.size() - 2; b < blocks.size(); ++b)
    bench.model.backend().fill(bench.model.params()[static_cast<BlockId>(b)], 0);
  const Eigen::MatrixXd terms = bench.values();
  for (const Index row : {kReal, kFake, kFooled})
    for (Index j = 0; j < bench.n; ++j)
      CHECK(terms(row, j) == doctest::Approx(std::numbers::ln2).epsilon(1e-15));
  CHECK((terms.row(kAccuracy).array() == 0.5).all());
  bench.step(kConfuse);
  CHECK(norm(bench.gradient("encoder")) == 0);
  // Each logit is pushed up by -1/2 and down by 1/2: the bias, which both share, stays.
  bench.step(kDiscriminate);
  const View<SmallAae::B> last = bench.grads[static_cast<BlockId>(blocks.size() - 1)];
  CHECK(std::fabs(last(0)) < 1e-16);
}

// The encoder fights the discriminator: a step of the generator against its gradient makes codes
// that the discriminator doubts less, one of the discriminator codes that it knows better.
TEST_CASE("aae: encoder and discriminator pull the fake codes' logit apart [ADV-5] [ADV-6]") {
  SmallAae bench(small());
  const auto fake_after = [&](Index phase, const char* segment) {
    bench.step(phase);
    const View<SmallAae::B> theta = bench.segment(segment), gradient = bench.gradient(segment);
    for (Index i = 0; i < theta.rows; ++i) theta(i) -= 0.01 * gradient(i);
    const double mean = bench.values().row(kFake).mean();
    for (Index i = 0; i < theta.rows; ++i) theta(i) += 0.01 * gradient(i);
    return mean;
  };
  const double before = bench.values().row(kFake).mean();
  CHECK(fake_after(kConfuse, "encoder") > before);
  bench.step(kDiscriminate);
  CHECK(fake_after(kDiscriminate, "discriminator") < before + 1e-9);
}

TEST_CASE("aae: a picture with every pixel twice costs twice, its code the same [ADV-3]") {
  AaeSpec once = small(), twice = small();
  once.autoencoder.hidden = twice.autoencoder.hidden = {};
  twice.autoencoder.input_dim = 10;
  SmallAae one(once), two(twice);
  const Params<SmallAae::B>&from = one.model.params(), &to = two.model.params();
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < 10; ++i) to[BlockId{0}](i, j) = from[BlockId{0}](i % 5, j) / 2;
  one.model.backend().copy(from[BlockId{1}], to[BlockId{1}]);
  for (Index j = 0; j < 10; ++j) {
    for (Index i = 0; i < 2; ++i) to[BlockId{2}](i, j) = from[BlockId{2}](i, j % 5);
    to[BlockId{3}](j % to[BlockId{3}].rows, j / to[BlockId{3}].rows) =
        from[BlockId{3}](j % 5 % from[BlockId{3}].rows, j % 5 / from[BlockId{3}].rows);
  }
  one.model.backend().copy(one.segment("discriminator"), two.segment("discriminator"));
  two.x << one.x, one.x;
  const Eigen::MatrixXd single = one.values(), pair = two.values();
  CHECK((pair.row(kNll) - 2 * single.row(kNll)).cwiseAbs().maxCoeff() < 1e-14);
  CHECK((pair.bottomRows(4) - single.bottomRows(4)).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE(
    "aae: draws of the prior know nothing of the codes' noise, masks differ [ADV-1] [ADV-2]") {
  // With an encoder of zeros a Gaussian code is its noise.
  const Index n = 20000;
  SmallAae bench(small(GaussianLatentSpec{.dim = 2}), n);
  bench.model.backend().fill(bench.segment("encoder"), 0);
  Eigen::MatrixXd code(2, n), real(2, n), terms(5, n);
  LatentStatistics<SmallAae::B> statistics;
  statistics.codes = columns_of(code);
  bench.model.values(bench.pass(nullptr), {.input = columns_of(bench.x)}, columns_of(terms),
                     statistics);
  bench.model.prior().draw(bench.pass(nullptr), columns_of(real));
  const double bound = 4.5 / std::sqrt(double(n));
  CHECK(code.rowwise().mean().cwiseAbs().maxCoeff() < bound);
  CHECK(std::fabs(code.squaredNorm() / double(2 * n) - 1) < 2 * bound);
  CHECK((code * real.transpose() / double(n)).cwiseAbs().maxCoeff() < bound);
  CHECK((code.array() != real.array()).all());

  // Codes and draws that are all (0, 0) differ in their logits by the dropout masks alone.
  AaeSpec dropped = small();
  dropped.discriminator = mlp({16}, Tanh{}, 0.5);
  dropped.prior = NormalPrior{.scale = 1e-300};
  SmallAae masks(dropped, 50);
  masks.model.backend().fill(masks.segment("encoder"), 0);
  const Eigen::MatrixXd t = masks.values();
  Index same = 0;
  for (Index j = 0; j < masks.n; ++j) {
    const double real_logit = -std::log(std::expm1(t(kReal, j))),
                 fake_logit = std::log(std::expm1(t(kFake, j))),
                 fooled_logit = -std::log(std::expm1(t(kFooled, j)));
    if (std::fabs(real_logit - fake_logit) < 1e-9) ++same;
    if (std::fabs(fooled_logit - fake_logit) < 1e-9) ++same;
    if (std::fabs(fooled_logit - real_logit) < 1e-9) ++same;
  }
  CHECK(same < 5);
}

TEST_CASE("aae: codes come to follow the prior, and reconstruct; any threads, the same bits") {
  using B = Cpu<float>;
  // Two numbers between 0 and 1 and what follows from them.
  Eigen::MatrixXf x(4, 600);
  for (Index j = 0; j < 600; ++j) {
    const float u = float(j % 25) / 25, v = float(j / 25) / 24;
    x.col(j) << u, v, u * v, (u + v) / 2;
  }
  AaeSpec spec{.autoencoder = {.input_dim = 4,
                               .hidden = mlp({32}, Tanh{}),
                               .latent = CodeSpec{2},
                               .likelihood = Gaussian{.variance = 0.01}},
               .discriminator = {32, 32}};
  TrainOptions options{.epochs = 80, .batch = 50, .learning_rate = 3e-3, .validation = 0.2};
  const auto trained = [&](int threads) {
    Aae<B> model(spec, B(threads));
    const TrainResult result = fit(model, samples_in_columns(x), options);
    return std::pair(std::move(model), result);
  };
  const auto [model, result] = trained(1);
  REQUIRE(result.best_epoch > 0);
  const EpochReport &first = result.history[1],
                    &kept = result.history[std::size_t(2 * result.best_epoch - 1)];
  MESSAGE("mmd from ", first.diagnostics.get("mmd"), " to ", kept.diagnostics.get("mmd"),
          ", epoch ", result.best_epoch, ", nll from ", first.term("nll"), " to ", kept.term("nll"),
          ", accuracy ", kept.term("accuracy"));
  CHECK(kept.diagnostics.get("mmd") < first.diagnostics.get("mmd") / 10);
  CHECK(kept.diagnostics.get("mean_gap") < 0.5);
  CHECK(kept.term("nll") < first.term("nll") / 4);
  REQUIRE(kept.players.size() == 3);
  CHECK(kept.players[1].loss ==
        doctest::Approx(kept.term("real") + kept.term("fake")).epsilon(1e-12));
  CHECK(kept.players[2].loss == doctest::Approx(kept.term("fooled")).epsilon(1e-12));

  const Eigen::MatrixXf z = model.encode(samples_in_columns(x)).in_columns();
  CHECK(z.rows() == 2);
  CHECK(model.sample(7).in_columns().allFinite());
  CHECK(model.score(samples_in_columns(x)).kl.isZero());
  CHECK_THROWS_WITH_AS(model.encode_logvar(samples_in_columns(x)),
                       "longhand: the model's latents have no posterior variance",
                       std::invalid_argument);
  options.epochs = 3;
  const Aae<B> one = trained(1).first, three = trained(3).first;
  const View<B> a = one.params().flat(), b = three.params().flat();
  CHECK(std::equal(a.data, a.data + a.rows, b.data));
}

TEST_CASE("aae: a discriminator that learns nothing is told from one that is deceived") {
  const Aae<Cpu<float>> model(small());
  EpochReport report;
  report.terms = {{"accuracy", 0.51}};
  report.diagnostics = {{"mmd", 0.3}};
  REQUIRE(model.remarks(report).size() == 1);
  CHECK(model.remarks(report).front().find("has learned nothing") != std::string::npos);
  report.diagnostics = {{"mmd", 0.001}};
  CHECK(model.remarks(report).empty());
  report.terms = {{"accuracy", 0.99}};
  report.diagnostics = {{"mmd", 0.3}};
  REQUIRE(model.remarks(report).size() == 1);
  CHECK(model.remarks(report).front().find("has won") != std::string::npos);
}

TEST_CASE("aae: a spec that describes no model is refused") {
  const auto refused = [](AaeSpec spec, const char* message) {
    CHECK_THROWS_WITH_AS(Aae<Cpu<float>>(std::move(spec)), message, std::invalid_argument);
  };
  AaeSpec spec = small(CodeSpec{3});
  spec.prior = RingPrior{};
  refused(spec, "longhand: a ring is a prior over 2 dimensions, the code has 3");
  spec = small();
  spec.prior = RingPrior{.components = 1};
  refused(spec, "longhand: the ring has 1 components, expected 2 to 1024");
  spec.prior = NormalPrior{.scale = 0};
  refused(spec, "longhand: the prior's scale is 0, expected a positive number");
  refused(small(CategoricalLatentSpec{.variables = 2}),
          "longhand: an adversarial autoencoder's latent is a code or gaussian, not categorical");
  spec = small();
  spec.autoencoder.condition_dim = 2;
  refused(spec, "longhand: an adversarial autoencoder has no condition, condition_dim is 2");
  spec = small();
  spec.discriminator = {0};
  refused(spec, "longhand: discriminator: a stage has width 0, expected at least 1");
  Aae<Cpu<float>> model(small());
  Eigen::MatrixXf x = Eigen::MatrixXf::Constant(5, 20, 0.5f);
  CHECK_THROWS_WITH_AS(fit(model, samples_in_columns(x), {.beta = 2}),
                       "longhand: beta and kl_warmup are for a model with a KL",
                       std::invalid_argument);
}
