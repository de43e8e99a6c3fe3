// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("gradient check: accepts a right gradient, sharply, and restores the tensors") {
  Layer layer;
  const Layer before = layer;
  const GradientReport r = layer.check();
  CHECK_MESSAGE(r.passed(), r.text());
  CHECK(r.verdict == Verdict::pass);
  CHECK(r.entries.size() == layer.W.size() + layer.x.size());
  CHECK(r.resolution < 1e-9);
  CHECK(layer.W == before.W);
  CHECK(layer.x == before.x);
}

TEST_CASE("gradient check: rejects wrong gradients") {
  Layer layer;
  constexpr std::size_t n = Layer::n;
  const auto rejected = [&](const char* what, const auto& spoil) {
    const GradientReport r = layer.check(spoil);
    CHECK_MESSAGE(r.verdict == Verdict::fail, what);
    return r;
  };
  rejected("sign", [](auto dW, auto) {
    for (double& g : dW) g = -g;
  });
  rejected("a factor of 1.001", [](auto dW, auto) {
    for (double& g : dW) g *= 1.001;
  });
  rejected("a factor of 1 + 1e-7", [](auto, auto dx) {
    for (double& g : dx) g *= 1 + 1e-7;
  });
  rejected("divided by the batch", [](auto dW, auto) {
    for (double& g : dW) g /= Layer::batch;
  });
  const GradientReport one = rejected("one entry", [](auto, auto dx) { dx[4] *= 1.01; });
  CHECK(one.worst()->name == "x");
  CHECK(one.worst()->place(one.worst()->worst) == "[1,1]");
  rejected("transposed", [](auto dW, auto) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < i; ++k) std::swap(dW[i + k * n], dW[k + i * n]);
  });
  rejected("the last row dropped", [](auto dW, auto) {
    for (std::size_t k = 0; k < n; ++k) dW[n - 1 + k * n] = 0;
  });
  rejected("zero", [](auto dW, auto dx) {
    std::fill(dW.begin(), dW.end(), 0.0);
    std::fill(dx.begin(), dx.end(), 0.0);
  });
}

TEST_CASE("gradient check: a stale cache is found, whatever it keeps") {
  Layer layer, cached;
  const auto tensors = [&] {
    return std::vector<NamedTensor>{{"W", layer.W, Layer::n}, {"x", layer.x, Layer::n}};
  };
  // Backward uses what the first forward ever left.
  bool filled = false;
  const GradientReport first_kept = check_gradient(
      "stale", tensors(),
      [&] {
        if (!filled) cached = layer, filled = true;
        return layer.forward();
      },
      [&](Cotangent dy, TensorGradients& g) { cached.backward(dy, g["W"], g["x"]); });
  CHECK(!first_kept.passed());
  // Backward is one forward late.
  Layer latest;
  const GradientReport late = check_gradient(
      "late", tensors(),
      [&] {
        cached = latest, latest = layer;
        return layer.forward();
      },
      [&](Cotangent dy, TensorGradients& g) { cached.backward(dy, g["W"], g["x"]); });
  CHECK(late.verdict == Verdict::fail);
  CHECK(late.text().find("stale cache") != std::string::npos);
}

TEST_CASE("gradient check: what proves nothing is refused, in one sentence") {
  Layer layer;
  const auto zero = [](Cotangent, TensorGradients& g) {
    for (std::size_t t = 0; t < g.size(); ++t) std::fill(g.at(t).begin(), g.at(t).end(), 0.0);
  };
  const auto forward = [&] { return layer.forward(); };
  const std::vector<NamedTensor> W{{"W", layer.W, Layer::n}};
  const auto refused = [](const GradientReport& r, const char* sentence,
                          Verdict as = Verdict::fail) {
    CHECK(r.verdict == as);
    CHECK_MESSAGE(r.reason.find(sentence) != std::string::npos, r.text());
  };

  SUBCASE("no tensors") {
    refused(check_gradient("none", {}, forward, zero), "nothing was checked");
  }
  SUBCASE("only empty tensors") {
    refused(check_gradient("empty", {{"W", {}}}, forward, zero), "nothing was checked");
  }
  SUBCASE("no outputs") {
    refused(check_gradient(
                "mute", W, [] { return std::vector<double>(); }, zero),
            "nothing was checked");
  }
  SUBCASE("two tensors of one name") {
    refused(check_gradient("twins", {{"W", layer.W}, {"W", layer.x}}, forward, zero),
            "two tensors are called 'W'");
  }
  SUBCASE("rows that do not divide the entries") {
    refused(check_gradient("rows", {{"W", layer.W, 4}}, forward, zero), "no multiple");
  }
  SUBCASE("an entry not assigned") {
    refused(check_gradient("early return", W, forward, [](Cotangent, TensorGradients&) {}),
            "not finite at W[0,0]");
  }
  SUBCASE("a NaN in the gradient") {
    refused(layer.check([](auto, auto dx) { dx[2] = std::nan(""); }), "not finite at x[2,0]");
  }
  SUBCASE("an infinite gradient") {
    refused(layer.check([](auto, auto dx) { dx[2] = HUGE_VAL; }), "not finite at x[2,0]");
  }
  SUBCASE("a NaN in the inputs") {
    layer.x[0] = std::nan("");
    refused(layer.check(), "tensor 'x' is not finite");
  }
  SUBCASE("a NaN in the outputs") {
    refused(check_gradient(
                "nan", W,
                [&] {
                  std::vector<double> y = layer.forward();
                  y[3] = std::sqrt(-1.0);
                  return y;
                },
                zero),
            "nan at the given inputs (output 3 of 12)");
  }
  SUBCASE("a random forward") {
    double drift = 0;
    refused(check_gradient(
                "random", W,
                [&] {
                  std::vector<double> y = layer.forward();
                  y[0] += drift += 1;
                  return y;
                },
                zero),
            "forward does not repeat itself", Verdict::nondeterministic);
  }
  SUBCASE("a forward that changes its inputs") {
    refused(check_gradient(
                "wanders", W,
                [&] {
                  layer.W[1] = std::floor(layer.W[1] * 8) / 8;
                  return layer.forward();
                },
                zero),
            "forward changes its inputs");
  }
  SUBCASE("a backward that changes its inputs") {
    refused(layer.check([&](auto, auto) { layer.W[0] += 1e-9; }), "backward changes its inputs");
  }
  SUBCASE("a backward that adds up") {
    double twice = 0;
    refused(layer.check([&](auto dW, auto) { dW[1] *= ++twice; }),
            "a second backward gives another gradient, at W[1,0]", Verdict::nondeterministic);
  }
  SUBCASE("a forward that throws") {
    refused(check_gradient(
                "throws", W,
                []() -> std::vector<double> { throw std::runtime_error("no such file"); }, zero),
            "forward threw: no such file");
  }
  SUBCASE("a forward that throws later, the tensors are put back") {
    const Layer before = layer;
    int calls = 0;
    refused(check_gradient(
                "throws later", W,
                [&] {
                  if (++calls > 50) throw std::runtime_error("tired");
                  return layer.forward();
                },
                [&](Cotangent dy, TensorGradients& g) {
                  Layer copy = layer;
                  std::vector<double> dx(copy.x.size());
                  copy.backward(dy, g["W"], dx);
                }),
            "forward threw: tired");
    CHECK(layer.W == before.W);
  }
  SUBCASE("a backward that throws") {
    refused(
        check_gradient("throws", W, forward,
                       [](Cotangent, TensorGradients&) { throw std::runtime_error("not yet"); }),
        "backward failed: not yet");
  }
  SUBCASE("another number of outputs") {
    std::size_t size = 3;
    refused(check_gradient(
                "grows", W, [&] { return std::vector<double>(size++, 1.0); }, zero),
            "forward does not repeat itself", Verdict::nondeterministic);
  }
  SUBCASE("a tensor that is not there") {
    refused(
        check_gradient("name", W, forward, [](Cotangent, TensorGradients& g) { g["V"][0] = 1; }),
        "'V', but no tensor has that name");
  }
  SUBCASE("a gradient of the wrong size") {
    refused(check_gradient(
                "size", W, forward,
                [](Cotangent, TensorGradients& g) { g.assign("W", std::vector<double>(8)); }),
            "8 numbers as the gradient of 'W', which has 9 entries");
  }
  SUBCASE("a forward in float") {
    refused(check_gradient(
                "float", W,
                [&] {
                  std::vector<double> y;
                  for (const double v : layer.forward()) y.push_back(static_cast<float>(v));
                  return y;
                },
                [&](Cotangent dy, TensorGradients& g) {
                  std::vector<double> dx(layer.x.size());
                  layer.backward(dy, g["W"], dx);
                }),
            "forward computes in float");
  }
  SUBCASE("a forward that does not read the tensors") {
    const Layer copy = layer;
    const GradientReport r = check_gradient(
        "detached", W, [&] { return copy.forward(); },
        [&](Cotangent dy, TensorGradients& g) {
          std::vector<double> dx(layer.x.size());
          layer.backward(dy, g["W"], dx);
        });
    CHECK(r.verdict == Verdict::fail);
  }
  SUBCASE("a backward that ignores its cotangent") {
    const GradientReport r =
        check_gradient("ones", W, forward, [&](Cotangent dy, TensorGradients& g) {
          std::vector<double> dx(layer.x.size());
          layer.backward(std::vector<double>(dy.size(), 1.0), g["W"], dx);
        });
    CHECK(r.verdict == Verdict::fail);
  }
}

TEST_CASE("gradient check: a gradient that is zero must be confirmed to be zero") {
  const auto one = [](double) { return 1.0; };
  const auto zero = [](double) { return 0.0; };
  const GradientReport constant = check_scalar({0.3, -2.0}, one, zero);
  CHECK(constant.passed());
  CHECK(constant.tensors[0].diagnosis == "zero, confirmed");
  const GradientReport never = check_scalar(
      {0.3, -2.0}, [](double a) { return a * a; }, zero);
  CHECK(never.verdict == Verdict::fail);
  CHECK(never.tensors[0].diagnosis.find("zero everywhere") != std::string::npos);
  CHECK(check_scalar({0.3, -2.0}, one, one).verdict == Verdict::fail);
}

TEST_CASE("gradient check: an empty tensor beside others is said to be empty") {
  std::vector<double> a{0.5};
  const GradientReport r = check_gradient(
      "one empty", {{"a", a}, {"none", {}}}, [&] { return std::exp(a[0]); },
      [&](TensorGradients& g) { g["a"][0] = std::exp(a[0]); });
  CHECK(r.passed());
  CHECK(r.tensors[1].diagnosis == "empty");
}

TEST_CASE("gradient check: right over scales, offsets and curvature") {
  for (const double s : {1e-12, 1e-3, 1.0, 1e6, 1e12}) {
    CAPTURE(s);
    const GradientReport r = check_scalar(
        {0.3, -1.2, 4.0}, [s](double a) { return s * std::exp(a); },
        [s](double a) { return s * std::exp(a); });
    CHECK_MESSAGE(r.passed(), r.text());
  }
  const GradientReport offset = check_scalar(
      {0.3, -1.2}, [](double a) { return 1e6 + std::sin(a); },
      [](double a) { return std::cos(a); });
  CHECK_MESSAGE(offset.passed(), offset.text());
  const GradientReport large = check_scalar(
      {1000.0, -3e5}, [](double a) { return a * a; }, [](double a) { return 2 * a; });
  CHECK_MESSAGE(large.passed(), large.text());
  const GradientReport steep = check_scalar(
      {0.3, 1.1}, [](double a) { return std::sin(30 * a); },
      [](double a) { return 30 * std::cos(30 * a); });
  CHECK_MESSAGE(steep.passed(), steep.text());
}

TEST_CASE("gradient check: a function with a border is differenced inside it") {
  const GradientReport logarithm = check_scalar(
      {0.05, 3.0, 1e-3}, [](double a) { return std::log(a); }, [](double a) { return 1 / a; });
  CHECK_MESSAGE(logarithm.passed(), logarithm.text());
}

TEST_CASE("gradient check: a loss needs no cotangent") {
  std::vector<double> a{0.2, -0.7};
  const auto loss = [&] { return a[0] * a[0] * a[1]; };
  const auto check = [&](double factor) {
    return check_gradient("loss", {{"a", a}}, loss, [&, factor](TensorGradients& g) {
      g.assign("a", std::vector<double>{factor * 2 * a[0] * a[1], a[0] * a[0]});
    });
  };
  CHECK(check(1).passed());
  CHECK(check(1.001).verdict == Verdict::fail);
}

TEST_CASE(
    "gradient check: where an offset drowns the differences there is no power, and no verdict") {
  for (const double offset : {1e13, 1e14, 1e15, 1e16, 1e17, 1e18}) {
    CAPTURE(offset);
    const GradientReport r = check_scalar(
        {0.3, -1.2}, [&](double a) { return offset + std::sin(a); },
        [](double a) { return std::cos(a); });
    CHECK_MESSAGE(r.verdict == Verdict::no_power, r.text());
  }
}

TEST_CASE("gradient check: thousands of right entries, none rejected") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> weight(-2, 2);
  int rejected = 0;
  for (int trial = 0; trial < 200; ++trial) {
    Layer layer;
    for (double& w : layer.W) w = weight(random);
    for (double& v : layer.x) v = weight(random);
    rejected += !layer.check({.seed = static_cast<std::uint64_t>(trial)}).passed();
  }
  CHECK(rejected == 0);
}
