// SPDX-License-Identifier: MIT
#include "longhand/core/extent.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace {

using namespace longhand;

template <class S, class X>
Extent extent(const std::vector<X>& x, Index rows, Index ld) {
  const Index cols = (static_cast<Index>(x.size()) + ld - rows) / ld;
  return extent_of<S>(MatrixView<const X, HostMemory>{x.data(), rows, cols, ld});
}

}  // namespace

TEST_CASE_TEMPLATE("the range of numbers, wherever its ends lie", S, float, double) {
  for (const Index n : {1, 2, 63, 64, 65, 127, 200})
    for (Index at = 0; at < n; ++at) {
      std::vector<S> x(static_cast<std::size_t>(n), S(2));
      const Extent same = extent<S>(x, n, n);
      CHECK(same.low == 2);
      CHECK(same.high == 2);
      x[static_cast<std::size_t>(at)] = S(-3.5);
      CHECK(extent<S>(x, n, n).low == -3.5);
      x[static_cast<std::size_t>(at)] = S(7);
      CHECK(extent<S>(x, n, n).high == 7);
      CHECK(extent<S>(x, n, n).finite);
      for (const double lost :
           {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
            -std::numeric_limits<double>::infinity()}) {
        x[static_cast<std::size_t>(at)] = static_cast<S>(lost);
        CHECK_FALSE(extent<S>(x, n, n).finite);
      }
    }
}

TEST_CASE("what lies between the columns does not count, NaN is left out, bytes are b / 255") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Extent gaps = extent<double>(std::vector<double>{1, nan, 3, 99, -1, 2, 0.5}, 3, 4);
  CHECK(gaps.low == -1);
  CHECK(gaps.high == 3);
  CHECK_FALSE(gaps.finite);
  const Extent none = extent<double>(std::vector<double>{nan, nan}, 2, 2);
  CHECK(none.low > none.high);

  const Extent bytes = extent<float>(std::vector<std::uint8_t>{51, 102, 100}, 3, 3);
  CHECK(bytes.low == static_cast<double>(51 / 255.0f));
  CHECK(bytes.high == static_cast<double>(102 / 255.0f));
  CHECK(bytes.finite);
}
