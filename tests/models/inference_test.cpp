// SPDX-License-Identifier: MIT
// The inference calls in the caller's memory. What the numbers mean is proven with the one-shot
// calls (by_hand_test, vae_test), which are made of these.
#include <doctest/doctest.h>

#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/fake_models.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/models/vae.hpp"
#include "models/configs.hpp"
#include "support/allocation_count.hpp"
#include "support/matrix.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

/// Random samples in [0, 1] and where a backend finds them: columns of a larger array whose gaps
/// nobody may touch.
template <class B>
class Held {
 public:
  using S = typename B::Scalar;

  Held(const B& backend, Index rows, Index cols, unsigned seed)
      : backend_(backend), all_(rows + kGap, cols), memory_(all_.size()) {
    Matrix<S> random(rows, cols);
    random.randomise(seed, 0, 1);
    all_.setConstant(S(kUntouched));
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) all_(i, j) = random(i, j);
    backend_.upload(all_.data(), whole());
  }

  Index rows() const { return all_.rows() - kGap; }
  View<B> view() const { return whole().middle_rows(0, rows()); }
  ConstView<B> const_view() const { return view(); }
  /// Before any call.
  Samples<S> samples() const { return samples_in_columns(all_.topRows(rows())); }
  /// Now. Fails if a number between the columns was touched.
  typename Samples<S>::Matrix numbers() const {
    typename Samples<S>::Matrix now(all_.rows(), all_.cols());
    backend_.download(whole(), now.data());
    CHECK((now.bottomRows(kGap).array() == S(kUntouched)).all());
    return now.topRows(rows());
  }

 private:
  static constexpr Index kGap = 3;
  static constexpr int kUntouched = -77;
  View<B> whole() const { return {memory_.data(), all_.rows(), all_.cols(), all_.rows()}; }

  B backend_;
  typename Samples<S>::Matrix all_;
  Buffer<B> memory_;
};

/// The noise of a call.
struct Noise {
  std::uint64_t seed = 0;
  Index first_sample = 0;
};

VaeSpec transformed_model() {
  VaeSpec config = conditional_model();
  config.transform = {InputTransform::Kind::standardize,
                      {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7},
                      {2, 2, 2, 4, 4, 1, 1}};
  return config;
}

/// Everything the calls give for the same samples, one call after the other into one workspace.
template <class B>
struct Everything {
  Held<B> z, logvar, x, back, drawn;
  Eigen::VectorXd term, kl, elbo;

  Everything(const Vae<B>& model, ConstView<B> input, ConstView<B> condition, Noise noise,
             Workspace<B>& workspace)
      : Everything(model, input.cols) {
    run(model, input, condition, noise, workspace);
  }
  Everything(const Vae<B>& model, Index n)
      : z(model.backend(), model.z_rows(), n, 1),
        logvar(model.backend(), model.z_rows(), n, 2),
        x(model.backend(), model.input_dim(), n, 3),
        back(model.backend(), model.input_dim(), n, 4),
        drawn(model.backend(), model.input_dim(), n, 5),
        term(n),
        kl(n),
        elbo(n) {}
  void run(const Vae<B>& model, ConstView<B> input, ConstView<B> condition, Noise noise,
           Workspace<B>& workspace) {
    model.encode(input, z.view(), workspace, condition);
    model.encode_logvar(input, logvar.view(), workspace, condition);
    model.decode(z.view(), x.view(), workspace, condition);
    model.reconstruct(input, back.view(), workspace, condition);
    model.sample(drawn.view(), workspace,
                 {.seed = noise.seed,
                  .first_sample = noise.first_sample,
                  .draw = true,
                  .condition = condition});
    const ScoreCall<B> call{
        .draws = 3, .seed = noise.seed, .first_sample = noise.first_sample, .condition = condition};
    model.score(input, term, kl, workspace, call);
    model.elbo(input, elbo, workspace, call);
  }
};

/// Columns [first, first + count) of a were computed as b.
template <class B>
void check_equal(const Everything<B>& a, Index first, Index count, const Everything<B>& b) {
  const auto same = [&](const Held<B>& l, const Held<B>& r) {
    return l.numbers().middleCols(first, count) == r.numbers();
  };
  CHECK(same(a.z, b.z));
  CHECK(same(a.logvar, b.logvar));
  CHECK(same(a.x, b.x));
  CHECK(same(a.back, b.back));
  CHECK(same(a.drawn, b.drawn));
  CHECK(a.term.segment(first, count) == b.term);
  CHECK(a.kl.segment(first, count) == b.kl);
  CHECK(a.elbo.segment(first, count) == b.elbo);
}

}  // namespace

TEST_CASE_TEMPLATE("inference: views give what the one-shot calls give", B, Cpu<float>, Cpu<double>,
                   Reference<double>, FakeDevice) {
  for (const VaeSpec& config : {small_model(), conditional_model(), transformed_model()}) {
    const Vae<B> model(config);
    for (const Index n : {1, 9}) {
      const Held<B> x(model.backend(), config.input_dim, n, 21),
          c(model.backend(), std::max<Index>(config.condition_dim, 1), n, 22);
      const bool conditional = config.condition_dim > 0;
      const ConstView<B> condition = conditional ? c.const_view() : ConstView<B>{};
      using S = typename B::Scalar;
      const Samples<S> X = x.samples(), C = conditional ? c.samples() : Samples<S>();
      Workspace<B> workspace;
      const Everything<B> got(model, x.view(), condition, {.seed = 6}, workspace);

      CHECK(got.z.numbers() == model.encode(X, C).in_columns());
      CHECK(got.logvar.numbers() == model.encode_logvar(X, C).in_columns());
      CHECK(got.x.numbers() == model.decode(model.encode(X, C), C).in_columns());
      CHECK(got.back.numbers() == got.x.numbers());
      CHECK(got.drawn.numbers() ==
            model.sample(n, {.seed = 6, .draw = true, .condition = C}).in_columns());
      const Scores scores = model.score(X, {.draws = 3, .seed = 6, .condition = C});
      CHECK(got.term == scores.log_likelihood_term);
      CHECK(got.kl == scores.kl);
      CHECK(got.elbo == model.elbo(X, {.draws = 3, .seed = 6, .condition = C}));
      CHECK(got.elbo == scores.elbo());
      CHECK(x.numbers() == X.in_columns());
    }
  }
}

TEST_CASE("inference: a mask reaches the score, an autoencoder has no KL") {
  using B = Cpu<double>;
  const Vae<B> model(small_model());
  const Index n = 4;
  const Held<B> x(model.backend(), 7, n, 21);
  Eigen::MatrixXd mask = Eigen::MatrixXd::Ones(7, n);
  mask.row(2).setZero();
  Eigen::VectorXd term(n), kl(n), elbo(n);
  Workspace<B> workspace;
  model.score(x.view(), term, kl, workspace, {.draws = 2, .seed = 1, .mask = columns_of(mask)});
  const Samples<double> mask_samples = samples_in_columns(mask);
  const Scores want = model.score(x.samples(), {.draws = 2, .seed = 1, .mask = mask_samples});
  CHECK(term == want.log_likelihood_term);
  CHECK(kl == want.kl);
  CHECK(term != model.score(x.samples(), {.draws = 2, .seed = 1}).log_likelihood_term);
  model.elbo(x.view(), elbo, workspace, {.draws = 2, .seed = 1, .mask = columns_of(mask)});
  CHECK(elbo == want.elbo());

  VaeSpec config = small_model();
  config.latent_dim = 3;
  config.latent = CodeSpec{};
  const Vae<B> autoencoder(config);
  autoencoder.score(x.view(), term, kl, workspace);
  CHECK(kl == Eigen::VectorXd::Zero(n));
  CHECK_THROWS_AS(autoencoder.elbo(x.view(), elbo, workspace), std::invalid_argument);
  CHECK_THROWS_AS(autoencoder.encode_logvar(x.view(), columns_of(mask), workspace),
                  std::invalid_argument);
  CHECK_THROWS_AS(autoencoder.sample(columns_of(mask), workspace), std::invalid_argument);
}

TEST_CASE_TEMPLATE("inference: a large batch is its runs of 512, noise included", B, Cpu<float>,
                   Reference<double>, FakeDevice) {
  const VaeSpec config = conditional_model();
  const Vae<B> model(config);
  const Index n = 1100;
  const Held<B> x(model.backend(), config.input_dim, n, 21),
      c(model.backend(), config.condition_dim, n, 22);
  Workspace<B> workspace;
  const Everything<B> all(model, x.view(), c.view(), {.seed = 6, .first_sample = 40}, workspace);
  for (const Index first : {0, 512, 1024}) {
    const Index count = std::min<Index>(512, n - first);
    const Everything<B> run(model, x.const_view().middle_cols(first, count),
                            c.const_view().middle_cols(first, count),
                            {.seed = 6, .first_sample = 40 + first}, workspace);
    check_equal(all, first, count, run);
  }
}

TEST_CASE("inference: noise belongs to the sample, whichever call asks for it") {
  using B = Reference<double>;
  const Vae<B> model(small_model());
  const Index n = 6;
  const Held<B> x(model.backend(), 7, n, 21);
  Workspace<B> workspace;
  const Everything<B> all(model, x.view(), {}, {.seed = 6}, workspace);
  const Everything<B> rest(model, x.const_view().middle_cols(1, n - 1), {},
                           {.seed = 6, .first_sample = 1}, workspace);
  check_equal(all, 1, n - 1, rest);
  const Everything<B> other(model, x.view(), {}, {.seed = 7}, workspace);
  CHECK(other.drawn.numbers() != all.drawn.numbers());
  CHECK(other.elbo != all.elbo);
}

TEST_CASE_TEMPLATE("inference: nothing is allocated after the largest batch", B, Cpu<float>,
                   Cpu<double>, Reference<float>) {
#ifdef __clang__
  constexpr int threads = 1;  // LLVM's OpenMP allocates whenever it starts others
#else
  constexpr int threads = 2;
#endif
  for (const VaeSpec& config : {conditional_model(), transformed_model()}) {
    B backend;
    if constexpr (std::is_constructible_v<B, int>) backend = B(threads);
    const Vae<B> model(config, backend);
    const auto use = [&](Index n, Workspace<B>& workspace) {
      const Held<B> x(model.backend(), config.input_dim, n, 21),
          c(model.backend(), config.condition_dim, n, 22);
      Everything<B> results(model, n);
      const Noise noise{.seed = 6, .first_sample = 3};
      AllocationCount count;
      results.run(model, x.view(), c.view(), noise, workspace);
      return count.get();
    };
    Workspace<B> workspace;
    CHECK(use(600, workspace) > 0);
    for (const Index n : {600, 1, 33, 512, 2000, 1}) CHECK(use(n, workspace) == 0);
  }
}

TEST_CASE("inference: a workspace is left as it was, so inputs and results may lie in it") {
  using B = Cpu<float>;
  const Vae<B> model(small_model());
  Workspace<B> workspace;
  const View<B> x = workspace.matrix(7, 20), z = workspace.matrix(3, 20),
                back = workspace.matrix(7, 20);
  model.backend().fill(x, 0.25f);
  model.encode(x, z, workspace);
  model.decode(z, back, workspace);
  const Eigen::MatrixXf X = Eigen::MatrixXf::Constant(7, 20, 0.25f);
  CHECK(Eigen::Map<Eigen::MatrixXf>(x.data, 7, 20) == X);
  CHECK(Eigen::Map<Eigen::MatrixXf>(back.data, 7, 20) ==
        model.reconstruct(samples_in_columns(X)).in_columns());
}

TEST_CASE("inference: threads with a workspace each give the bits of one thread") {
  using B = Cpu<float>;
  VaeSpec config = conditional_model();
  config.hidden = mlp({120, 50}, Silu{});
  const Vae<B> model(config, B(1));
  const Index n = 150, rounds = 5;
  const unsigned workers = 4;
  std::vector<Held<B>> x, c;
  std::vector<Everything<B>> serial, parallel;
  for (unsigned w = 0; w < workers; ++w) {
    x.emplace_back(model.backend(), config.input_dim, n, 30 + w);
    c.emplace_back(model.backend(), config.condition_dim, n, 60 + w);
    serial.emplace_back(model, n);
    parallel.emplace_back(model, n);
  }
  const auto work = [&](unsigned w, Everything<B>& results, Workspace<B>& workspace) {
    results.run(model, x[w].view(), c[w].view(), {.seed = 6, .first_sample = n * Index(w)},
                workspace);
  };
  Workspace<B> shared;
  for (unsigned w = 0; w < workers; ++w) work(w, serial[w], shared);
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      Workspace<B> own;
      for (Index round = 0; round < rounds; ++round) work(w, parallel[w], own);
    });
  for (std::thread& thread : threads) thread.join();
  for (unsigned w = 0; w < workers; ++w) check_equal(parallel[w], 0, n, serial[w]);
}

TEST_CASE("inference: what does not fit is refused by its name") {
  using B = Cpu<double>;
  const Vae<B> model(conditional_model());  // 7 inputs, 3 latents, 2 conditions
  Workspace<B> workspace;
  Eigen::MatrixXd x(7, 5), z(3, 5), c(2, 5), narrow(6, 5), few(2, 4), none(7, 0);
  Eigen::VectorXd five(5), four(4);
  const auto refused = [](const auto& call, const char* message) {
    CHECK_THROWS_WITH_AS(call(), message, std::invalid_argument);
  };
  refused([&] { model.encode(columns_of(narrow), columns_of(z), workspace, columns_of(c)); },
          "longhand: encode: x has 5 samples of 6 numbers, expected 5 of 7");
  refused([&] { model.encode(columns_of(x), columns_of(c), workspace, columns_of(c)); },
          "longhand: encode: z has 5 samples of 2 numbers, expected 5 of 3");
  refused([&] { model.encode(columns_of(none), columns_of(z), workspace, columns_of(c)); },
          "longhand: encode: x has no samples, expected at least 1");
  refused([&] { model.encode(columns_of(x), columns_of(z), workspace); },
          "longhand: encode: the model has 2 condition numbers per sample, the call gives 0");
  refused([&] { model.encode(columns_of(x), columns_of(z), workspace, columns_of(few)); },
          "longhand: encode: condition has 4 samples of 2 numbers, expected 5 of 2");
  refused([&] { model.encode_logvar(columns_of(x), columns_of(x), workspace, columns_of(c)); },
          "longhand: encode_logvar: logvar has 5 samples of 7 numbers, expected 5 of 3");
  refused([&] { model.decode(columns_of(x), columns_of(x), workspace, columns_of(c)); },
          "longhand: decode: z has 5 samples of 7 numbers, expected 5 of 3");
  refused([&] { model.decode(columns_of(z), columns_of(narrow), workspace, columns_of(c)); },
          "longhand: decode: x has 5 samples of 6 numbers, expected 5 of 7");
  refused([&] { model.reconstruct(columns_of(x), columns_of(z), workspace, columns_of(c)); },
          "longhand: reconstruct: reconstruction has 5 samples of 3 numbers, expected 5 of 7");
  refused([&] { model.sample(columns_of(none), workspace, {.condition = columns_of(c)}); },
          "longhand: sample: x has no samples, expected at least 1");
  refused(
      [&] {
        model.sample(columns_of(x), workspace, {.first_sample = -1, .condition = columns_of(c)});
      },
      "longhand: first_sample: the samples are -1 to 3, expected 0 to 2^32 - 1");
  refused([&] { model.score(columns_of(x), four, five, workspace, {.condition = columns_of(c)}); },
          "longhand: score: log_likelihood_term has room for 4 samples, expected 5");
  refused([&] { model.score(columns_of(x), five, four, workspace, {.condition = columns_of(c)}); },
          "longhand: score: kl has room for 4 samples, expected 5");
  refused(
      [&] {
        model.score(columns_of(x), five, five, workspace, {.draws = 0, .condition = columns_of(c)});
      },
      "longhand: score: draws is 0, expected 1 to 65535");
  refused(
      [&] {
        model.score(columns_of(x), five, five, workspace,
                    {.condition = columns_of(c), .mask = columns_of(z)});
      },
      "longhand: score: mask has 5 samples of 3 numbers, expected 5 of 7");
  refused([&] { model.elbo(columns_of(narrow), five, workspace, {.condition = columns_of(c)}); },
          "longhand: elbo: x has 5 samples of 6 numbers, expected 5 of 7");
  MatrixView<const double, HostMemory> overlapping = columns_of(x);
  overlapping.ld = 6;
  refused([&] { model.encode(overlapping, columns_of(z), workspace, columns_of(c)); },
          "longhand: encode: x has a leading dimension of 6, expected at least 7");
}
