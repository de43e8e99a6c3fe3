// SPDX-License-Identifier: MIT
// What several threads of a program may do at once: each with a model of its own anything, all with
// one const model whatever does not change it. CI runs this under ThreadSanitizer as well.
#include <doctest/doctest.h>

#include <functional>
#include <thread>
#include <vector>

#include "longhand/longhand.hpp"

using namespace longhand;

namespace {

using Model = Vae<Cpu<float>>;

Eigen::MatrixXf waves(Index rows) {
  Eigen::MatrixXf x(12, rows);
  for (Index j = 0; j < rows; ++j)
    for (Index i = 0; i < 12; ++i)
      x(i, j) = 0.5f + 0.45f * std::sin(0.3f * static_cast<float>((i + 1) * (j % 31)));
  return x;
}
VaeSpec small(std::uint64_t seed) {
  return {.input_dim = 12, .hidden = {16}, .latent_dim = 3, .seed = seed};
}

std::vector<float> trained(std::uint64_t seed, int threads) {
  Model model(small(seed), Cpu<float>(threads));
  fit(model, Samples<float>(waves(200)), {.epochs = 2, .batch = 32, .validation = 0.2});
  const auto theta = model.params().flat();
  return {theta.data, theta.data + theta.rows};
}

/// All that a model answers without being changed.
std::vector<Eigen::MatrixXf> answers(const Model& model, Index rows) {
  const Samples<float> x(waves(rows));
  const Samples<float> z = model.encode(x);
  const Scores scores = model.score(x, {.draws = 2, .seed = 5});
  Eigen::MatrixXf elbo(1, rows);
  for (Index j = 0; j < rows; ++j) elbo(0, j) = static_cast<float>(scores.elbo()(j));
  Data<float> data;
  data.input = Samples<float>(waves(rows));
  elbo(0, 0) += static_cast<float>(evaluate(model, data).elbo());
  return {z.in_columns(), model.decode(z).in_columns(), model.encode_logvar(x).in_columns(),
          model.sample(rows, {.seed = 4}).in_columns(), std::move(elbo)};
}

void all_at_once(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int k = 0; k < count; ++k) threads.emplace_back([&work, k] { work(k); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("threads: each trains a model of its own, to the bits of one after the other") {
  for (const int inner : {1, 2}) {
    std::vector<std::vector<float>> at_once(3);
    all_at_once(3, [&](int k) {
      at_once[static_cast<std::size_t>(k)] = trained(static_cast<std::uint64_t>(k), inner);
    });
    for (std::size_t k = 0; k < at_once.size(); ++k) CHECK(at_once[k] == trained(k, inner));
  }
}

TEST_CASE("threads: all ask one const model, and each gets the answers of one alone") {
  for (const int inner : {1, 2}) {
    const Model model(small(1), Cpu<float>(inner));
    std::vector<std::vector<Eigen::MatrixXf>> at_once(4);
    all_at_once(4, [&](int k) {
      for (int again = 0; again < 3; ++again)
        at_once[static_cast<std::size_t>(k)] = answers(model, 20 + k);
    });
    for (std::size_t k = 0; k < at_once.size(); ++k)
      CHECK(at_once[k] == answers(model, 20 + static_cast<Index>(k)));
  }
}

// Not run but by CI, which wants to see that its sanitizer finds this one.
TEST_CASE("threads: two trainings of one model race" * doctest::skip()) {
  Model model(small(1), Cpu<float>(1));
  all_at_once(2, [&](int) { fit(model, Samples<float>(waves(200)), {.epochs = 1, .batch = 32}); });
}
