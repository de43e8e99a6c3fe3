// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

constexpr std::size_t n = Layer::n;

/// What the report says about W (or x) when `spoil(dW, dx)` is done to the right gradients.
template <class Spoil>
std::string said(const Spoil& spoil, std::size_t tensor = 0) {
  Layer layer;
  return layer.check(spoil).tensors[tensor].diagnosis;
}
auto times(double c) {
  return [c](auto dW, auto) {
    for (double& g : dW) g *= c;
  };
}
bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("diagnosis: constant factors") {
  contains(said(times(-1)), "wrong sign");
  contains(said(times(0.5)), "ratio 0.5 constant (9/9) -> factor 2 missing");
  contains(said(times(2)), "factor 2 too many");
  contains(said(times(-2)), "wrong sign and factor 2 too many");
  contains(said(times(1.0 / Layer::batch)), "factor 4 missing (divided by the columns of x?)");
  contains(said(times(4)), "factor 4 too many (the columns of x?)");
  contains(said(times(1.0 / 7)), "factor 7 missing");
  contains(said(times(1.37)), "ratio 1.37 constant");
  contains(said(times(0)), "zero everywhere");
}

TEST_CASE("diagnosis: entries in the wrong place") {
  contains(said([](auto dW, auto) {
             for (std::size_t i = 0; i < n; ++i)
               for (std::size_t k = 0; k < i; ++k) std::swap(dW[i + k * n], dW[k + i * n]);
           }),
           "transposed");
  contains(said([](auto dW, auto) { std::rotate(dW.begin(), dW.end() - 1, dW.end()); }),
           "shifted by one entry");
  contains(said(
               [](auto, auto dx) {
                 std::rotate(dx.begin(), dx.end() - static_cast<std::ptrdiff_t>(n), dx.end());
               },
               1),
           "shifted by one column");
}

TEST_CASE("diagnosis: dropped rows, columns and entries") {
  contains(said([](auto dW, auto) {
             for (std::size_t k = 0; k < n; ++k) dW[n - 1 + k * n] = 0;
           }),
           "last row dropped");
  contains(said([](auto, auto dx) { std::fill(dx.end() - 3, dx.end(), 0.0); }, 1),
           "last column dropped");
  contains(said([](auto, auto dx) { std::fill(dx.begin(), dx.begin() + 3, 0.0); }, 1),
           "first column dropped");
  contains(said([](auto dW, auto) { dW[4] *= 1.01; }), "only [1,1] is wrong");
  contains(said([](auto dW, auto) { dW[1] += 1, dW[3] -= 2, dW[8] *= 5; }),
           "3 of 9 entries are wrong");
}

TEST_CASE("diagnosis: a term that is parallel to a tensor") {
  const Layer layer;
  contains(said([&](auto dW, auto) {
             for (std::size_t k = 0; k < dW.size(); ++k) dW[k] += 0.01 * layer.W[k];
           }),
           "a term parallel to W is too many");
  contains(said([&](auto dW, auto) {
             for (std::size_t k = 0; k < dW.size(); ++k) dW[k] -= 0.2;
           }),
           "constant term was dropped");
}

TEST_CASE("diagnosis: the gradient of another tensor") {
  std::vector<double> u{0.3, -0.8, 1.1}, v{0.5, 0.2, -0.9};
  const GradientReport r = check_gradient(
      "swapped", {{"u", u}, {"v", v}},
      [&] {
        double sum = 0;
        for (std::size_t k = 0; k < 3; ++k) sum += std::sin(u[k]) * std::exp(v[k]);
        return sum;
      },
      [&](TensorGradients& g) {
        for (std::size_t k = 0; k < 3; ++k) {
          g["v"][k] = std::cos(u[k]) * std::exp(v[k]);
          g["u"][k] = std::sin(u[k]) * std::exp(v[k]);
        }
      });
  contains(r.tensors[0].diagnosis, "this is the gradient of v");
  contains(r.tensors[1].diagnosis, "this is the gradient of u");
}
