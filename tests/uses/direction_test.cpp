// SPDX-License-Identifier: MIT
#include "longhand/uses/direction.hpp"

#include <doctest/doctest.h>

using namespace longhand;

TEST_CASE("direction: the difference of two class means, other classes left out") {
  Eigen::MatrixXf codes(2, 5);
  codes << 1, 3, 10, 100, 20,  //
      0, 4, -1, 100, -3;
  const std::vector<std::int64_t> labels{4, 4, 7, 9, 7};
  const Samples<float> samples(codes);
  CHECK(class_direction(samples, labels, 4, 7) == std::vector<double>{13, -4});
  CHECK(class_direction(samples, labels, 7, 4) == std::vector<double>{-13, 4});
  CHECK(class_direction(samples, labels, 9, 9) == std::vector<double>{0, 0});
  CHECK_THROWS_WITH_AS(class_direction(samples, labels, 4, 5),
                       "longhand: class 5 has no sample to go by", std::invalid_argument);
  CHECK_THROWS_WITH_AS(class_direction(samples, {1, 2}, 1, 2),
                       "longhand: there are 2 labels for 5 codes", std::invalid_argument);
}
