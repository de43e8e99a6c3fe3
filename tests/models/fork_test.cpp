// SPDX-License-Identifier: MIT
// A process that trained with threads and then forks: its child has none of them, and must not wait
// for them.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "longhand/longhand.hpp"

using namespace longhand;

TEST_CASE("fork: a child computes with one thread after its parent has computed with several") {
  Eigen::MatrixXf x = (Eigen::MatrixXf::Random(32, 2000).array() + 1) / 2;
  const VaeSpec spec{.input_dim = 32, .hidden = {64}, .latent_dim = 4};
  const TrainOptions options{.epochs = 1, .batch = 500};
  Vae<Cpu<float>> parent(spec, Cpu<float>(3));
  fit(parent, samples_in_columns(x), options);

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);  // a hang ends the child by a signal
    Vae<Cpu<float>> own(spec, Cpu<float>(1));
    fit(own, samples_in_columns(x), options);
    const Eigen::MatrixXf a = own.encode(samples_in_columns(x)).in_columns();
    const auto theta = own.params().flat(), trained = parent.params().flat();
    const bool same = std::equal(theta.data, theta.data + theta.rows, trained.data);
    _exit(same && a.allFinite() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
