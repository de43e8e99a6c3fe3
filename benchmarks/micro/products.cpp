// SPDX-License-Identifier: MIT
// The products of a training step and of inference, in GFLOP/s.
#include <memory>

#include "measure.hpp"

namespace longhand::micro {
namespace {

struct Shape {
  Index m, n, k;
};

/// C (m x n) = op(A) op(B), depth k.
template <class S>
void product(const char* form, Transpose ta, Transpose tb, const Shape& s) {
  const auto [m, n, k] = s;
  const std::string name = "multiply " + std::string(form) + " " + std::to_string(m) + " x " +
                           std::to_string(n) + " depth " + std::to_string(k) + "/" + scalar_name<S>;
  measure(name, 0, 0,
          2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
          [=, m = m, n = n, k = k] {
            struct Operands {
              Numbers<S> a, b, c;
              typename Cpu<S>::Scratch scratch;
              Operands(Numbers<S> left, Numbers<S> right, Numbers<S> result)
                  : a(std::move(left)), b(std::move(right)), c(std::move(result)) {}
            };
            const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
            const auto backend =
                std::make_shared<Operands>(Numbers<S>(at ? k : m, at ? m : k),
                                           Numbers<S>(bt ? n : k, bt ? k : n), Numbers<S>(m, n));
            return [=] {
              Cpu<S>(1).multiply(backend->scratch, ta, backend->a.view(), tb, backend->b.view(),
                                 backend->c.view(), Store::assign, Nothing{});
            };
          });
}

template <class S>
void add() {
  // Forward, gradient of the weights, gradient of the input (layers/dense.hpp).
  for (const Shape& layer : {Shape{400, 128, 784}, Shape{40, 128, 400}, Shape{784, 128, 400},
                             Shape{1024, 1024, 784}, Shape{1024, 1024, 1024}}) {
    const auto [outputs, batch, inputs] = layer;
    product<S>("forward", Transpose::yes, Transpose::no, layer);
    product<S>("weights", Transpose::no, Transpose::yes, {inputs, outputs, batch});
    product<S>("input", Transpose::no, Transpose::no, {inputs, batch, outputs});
  }
  for (const Shape& one : {Shape{400, 1, 784}, Shape{784, 1, 400}, Shape{1024, 1, 1024}})
    product<S>("one row", Transpose::yes, Transpose::no, one);
}

}  // namespace

void add_products() {
  add<float>();
  add<double>();
}

}  // namespace longhand::micro
