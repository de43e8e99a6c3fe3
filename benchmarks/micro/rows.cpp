// SPDX-License-Identifier: MIT
// What a batch of 128 rows of 784 costs before the first product: gather, noise, copies. Rows come
// from 60,000 in random order, as in training.
#include <memory>
#include <numeric>

#include "longhand/models/input_transform.hpp"
#include "measure.hpp"

namespace longhand::micro {
namespace {

constexpr Index kRows = 784, kBatch = 128, kDataSet = 60'000;
constexpr double kValues = kRows * kBatch;

template <class X>
struct Shuffled {
  std::vector<X> data = std::vector<X>(kRows * kDataSet, X(1));
  std::vector<std::uint32_t> order = std::vector<std::uint32_t>(kDataSet);
  Index first = 0;

  Shuffled() {
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
  }
  MatrixView<const X, HostMemory> view() const { return {data.data(), kRows, kDataSet, kRows}; }
  MatrixView<const std::uint32_t, HostMemory> next() {
    first = first + 2 * kBatch > kDataSet ? 0 : first + kBatch;
    return {order.data() + first, 1, kBatch, 1};
  }
};

template <class S, class X, class F, std::size_t I>
void gather(const std::string& what, const F& formula) {
  const auto bytes = static_cast<double>(sizeof(X) + sizeof(S) * (I + 1));
  measure("gather " + what + "/" + scalar_name<S>, kValues, kValues * bytes, 0, [=] {
    const auto data = std::make_shared<Shuffled<X>>();
    const auto batch = std::make_shared<Numbers<S>>(kRows, kBatch);
    const auto other = std::make_shared<Numbers<S>>(kRows, kBatch);
    return [=] {
      std::array<OperandOf<Cpu<S>>, I> in;
      for (auto& x : in) x = other->view();
      Cpu<S>(1).gather(formula, data->view(), data->next(), in, batch->view());
    };
  });
}

/// body(batch) writes the batch, having read `reads` numbers for each.
template <class S, class Body>
void fill(const std::string& what, int reads, const Body& body) {
  measure(what + "/" + scalar_name<S>, kValues, kValues * sizeof(S) * (1 + reads), 0, [=] {
    const auto batch = std::make_shared<Numbers<S>>(kRows, kBatch);
    const auto other = std::make_shared<Numbers<S>>(kRows, kBatch);
    return [=] { body(Cpu<S>(1), other->view(), batch->view()); };
  });
}

template <class S>
void add() {
  gather<S, S, Value, 0>("numbers", {});
  gather<S, std::uint8_t, Value, 0>("bytes", {});
  gather<S, std::uint8_t, ToModelUnits, 2>("bytes, in the model's units", {});
  fill<S>("fill_normal", 0,
          [](const auto& backend, auto, auto y) { backend.fill_normal({}, {}, y); });
  fill<S>("fill_uniform", 0,
          [](const auto& backend, auto, auto y) { backend.fill_uniform({}, {}, y); });
  const PictureMoves shifted{.height = 28, .width = 28, .shift = 2};
  PictureMoves turned = shifted;
  turned.turn = 0.1f, turned.flip = true;
  for (const auto& [what, moves] : {std::pair("shifted", shifted), std::pair("turned", turned)})
    fill<S>(std::string("move_pictures, ") + what, 1, [moves](const auto& backend, auto x, auto y) {
      backend.move_pictures(moves, {x.data, kMoveNumbers, x.cols, x.ld}, x, y);
    });
  fill<S>("copy", 1, [](const auto& backend, auto x, auto y) { backend.copy(x, y); });
  fill<S>("fill", 0, [](const auto& backend, auto, auto y) { backend.fill(y, S(1)); });
}

}  // namespace

void add_rows() {
  add<float>();
  add<double>();
}

}  // namespace longhand::micro
