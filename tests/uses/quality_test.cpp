// SPDX-License-Identifier: MIT
#include "longhand/uses/quality.hpp"

#include <doctest/doctest.h>

using namespace longhand;

TEST_CASE("quality: the ratio in decibels, by hand") {
  const std::vector<double> wanted{0, 1, 0.5, 0.25}, got{0.1, 0.9, 0.6, 0.15};
  CHECK(psnr(wanted, got) == doctest::Approx(20));      // every number is off by 0.1
  CHECK(psnr(wanted, got, 10) == doctest::Approx(40));  // ten times the range
  CHECK(psnr(wanted, wanted) == std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(psnr(wanted, std::vector<double>{1}), std::invalid_argument);
}

TEST_CASE("quality: the similarity of pictures, by hand where the window is one pixel") {
  // One row: the window is 1 x 1, variances are 0, and the means alone count.
  const Picture line{1, 2};
  const std::vector<double> a{0.5, 1}, b{0.25, 1};
  const double c1 = 1e-4;
  CHECK(ssim(line, a, b) ==
        doctest::Approx(((2 * 0.125 + c1) / (0.25 + 0.0625 + c1) + 1) / 2).epsilon(1e-12));
}

TEST_CASE("quality: equal pictures are 1, an inverted one is far from it, channels are averaged") {
  const Picture shape{12, 13};
  std::vector<double> x, inverted, brighter;
  for (Index k = 0; k < shape.size(); ++k) {
    x.push_back(0.5 + 0.4 * std::sin(static_cast<double>(k * k)));
    inverted.push_back(1 - x.back());
    brighter.push_back(x.back() + 0.05);
  }
  CHECK(ssim(shape, x, x) == doctest::Approx(1).epsilon(1e-12));
  CHECK(ssim(shape, x, inverted) < -0.5);  // the covariance is minus the variance
  CHECK(ssim(shape, x, brighter) > 0.95);
  CHECK(ssim(shape, x, brighter) == doctest::Approx(ssim(shape, brighter, x)).epsilon(1e-12));

  const Picture two{12, 13, 2};
  std::vector<double> both, with;
  for (std::size_t k = 0; k < x.size(); ++k) {
    both.push_back(x[k]), both.push_back(x[k]);
    with.push_back(x[k]), with.push_back(inverted[k]);
  }
  CHECK(ssim(two, both, with) == doctest::Approx((1 + ssim(shape, x, inverted)) / 2));
  CHECK_THROWS_AS(ssim({12, 12}, x, x), std::invalid_argument);
}
