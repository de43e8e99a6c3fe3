// SPDX-License-Identifier: MIT
// What can be known of the CUDA backend without a GPU: its kernels run here over blocks and threads
// as loops. (What only a GPU can tell is in tests/cuda.)
#include <longhand/backend/cpu.hpp>

#include "backend/fake_device.hpp"
#include "backend/formula_parity.hpp"
#include "backend/through.hpp"
#include "layers/net_parity.hpp"
#include "models/difference.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

using Emulated = Through<FakeDevice>;
static_assert(Backend<FakeDevice> && Backend<Emulated>);

const Emulated forwards{FakeDevice(FakeOrder::forwards)};
const Emulated backwards{FakeDevice(FakeOrder::backwards)};

template <class B>
void check_same_bits(const Primitives<B>& a, const Primitives<B>& b) {
  for (std::size_t k = 0; k < a.all().size(); ++k) {
    CAPTURE(k);
    CHECK(a.all()[k]->flat() == b.all()[k]->flat());
  }
}

}  // namespace

TEST_CASE("cuda kernels: every primitive against the reference, awkward shapes") {
  for (const Index rows : kRows)
    for (const Index cols : kCols)
      for (const Index gap : {0, 3}) check_shape(forwards, rows, cols, gap);
  // Around the threads of a block, for lanes and slices of all sizes.
  for (const Index rows : {31, 32, 127, 128, 255, 256, 257, 600}) check_shape(forwards, rows, 5, 1);
}

TEST_CASE(
    "cuda kernels: softmax and one-hot of columns, every shape and content [CAT-1] [CAT-2] "
    "[CAT-6]") {
  for (const Emulated& device : {forwards, backwards}) {
    check_columns(device);
    check_undefined_columns(device);
    check_cuts_of_columns(device);
  }
}

TEST_CASE("cuda kernels: more elements than there are threads") {
  const Index most = cuda::kMostBlocks * cuda::kThreads;
  check_shape(forwards, 3, most / 3 + 1000, 0);
  check_shape(forwards, 3, most / 3 + 1000, 1);
  check_shape(forwards, most + 7, 1, 0);
}

TEST_CASE("cuda kernels: a sum of more parts than one block has threads") {
  const Index parts = cuda::kMostParts, count = 4096 * parts + 4097;
  CHECK(cuda::parts_of(0) == 1);
  CHECK(cuda::parts_of(4097) == 2);
  CHECK(cuda::parts_of(count) == parts);
  Matrix<float> ones(count, 1), sum(1, 1);
  ones.fill(1);
  const auto total = [&](Index n) {
    forwards.reduce(Value{}, in<Emulated>(ones.view()), n, sum.view());
    return sum(0);
  };
  for (const Index n : {Index{0}, Index{1}, Index{4095}, Index{4096}, Index{4097}, count})
    CHECK(total(n) == static_cast<float>(n));  // below 2^24: exact, each counted once
}

TEST_CASE("cuda kernels: sums of many columns, in runs") {
  const auto runs_of = cuda::ReduceRows<Value, 1>::runs_of;
  CHECK(runs_of(400, 1024) == 1);
  CHECK(runs_of(400, 2047) == 1);
  CHECK(runs_of(400, 8192) == 8);
  CHECK(runs_of(20'000, 8192) == 3);  // as many as there is room for
  CHECK(runs_of(40'000, 8192) == 1);
  CHECK(runs_of(0, 8192) == 8);
  for (const Index rows : {1, 7, 20})
    for (const Index cols : {2047, 2048, 2049, 8191, 8197}) {
      Matrix<float> sums(rows, 1);
      forwards.reduce_rows(Value{}, in<Emulated>(constant<Emulated>(1)), rows, cols, sums.view(),
                           Store::assign);
      forwards.reduce_rows(Value{}, in<Emulated>(constant<Emulated>(1)), rows, cols, sums.view(),
                           Store::accumulate);
      for (Index i = 0; i < rows; ++i) CHECK(sums(i) == static_cast<float>(2 * cols));
    }
}

TEST_CASE("cuda kernels: the order of threads and blocks does not matter") {
  for (const Index gap : {0, 3})
    for (const auto& [rows, cols] :
         {std::pair<Index, Index>{20, 128}, {301, 257}, {784, 33}, {20, 4100}})
      check_same_bits(Primitives<Emulated>(forwards, rows, cols, gap),
                      Primitives<Emulated>(backwards, rows, cols, gap));
}

TEST_CASE("cuda kernels: a sum does not depend on where its numbers lie") {
  for (const Index rows : {7, 50, 300}) {
    const Primitives<Emulated> packed(forwards, rows, 9, 0), spread(forwards, rows, 9, 3);
    CHECK(packed.column_sums.flat() == spread.column_sums.flat());
    CHECK(packed.row_sums.flat() == spread.row_sums.flat());
  }
}

TEST_CASE("cuda kernels: products are followed by their sweep") {
  check_products(forwards);
  check_products(Emulated(FakeDevice({.epilogues = true})));
}

TEST_CASE("cuda kernels: noise has the bits of the CPU's [NOI-2] [NOI-3]") {
  for (const Index rows : {1, 3, 20, 257}) {
    const Primitives<Emulated> gpu(forwards, rows, 300, 1);
    const Primitives<Cpu<float>> cpu(Cpu<float>(1), rows, 300, 1);
    CHECK(gpu.normal.flat() == cpu.normal.flat());
    CHECK(gpu.uniform.flat() == cpu.uniform.flat());
  }
}

TEST_CASE("cuda kernels: every formula that has a kernel") {
  CHECK(check_all_formulas(forwards) > 60);
}

TEST_CASE("cuda kernels: a net, every stage within its bound, every activation [DEN-1] [DEN-2]") {
  for (const Activation& activation : all_activations) {
    const std::string name = name_of(activation);
    CAPTURE(name);
    const double worst =
        worst_ratio(forwards, {.in = 33, .hidden = mlp({65, 17}, activation), .out = 7}, 19);
    CHECK_FALSE(!(worst <= 1));
  }
}

TEST_CASE("cuda kernels: loss and gradient of models of all parts [ELBO-1]") {
  for (const auto& [config, masked] : models_of_all_parts()) {
    const std::string activation = name_of(config.hidden.stages[0].activation);
    CAPTURE(activation);
    const std::string likelihood = name_of(config.likelihood);
    CAPTURE(likelihood);
    const double worst = gradient_difference(forwards, config, 19, masked);
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= gamma_bound<float>(roundings(config, 19))));
  }
}

TEST_CASE("cuda kernels: the gradient of whole models is the slope of their own loss [ELBO-1]") {
  check_slopes(forwards);
}
