// SPDX-License-Identifier: MIT
#include "longhand/core/samples.hpp"

#include <doctest/doctest.h>

namespace {
using namespace longhand;
}

TEST_CASE("orientation is said on the way in and on the way out") {
  Eigen::MatrixXd X(2, 3);
  X << 1, 2, 3, 4, 5, 6;
  const Samples<double> rows = samples_in_rows(X), columns = samples_in_columns(X);
  CHECK(rows.count() == 2);
  CHECK(rows.dim() == 3);
  CHECK(columns.count() == 3);
  CHECK(columns.dim() == 2);
  CHECK(rows.in_rows() == X);
  CHECK(rows.in_columns() == X.transpose());
  CHECK(columns.in_columns() == X);
  CHECK(rows.view()(2, 1) == 6);
}

TEST_CASE("expressions, row-major matrices and blocks are taken as they read") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> X(2, 3);
  X << 1, 2, 3, 4, 5, 6;
  CHECK(samples_in_rows(X).in_rows() == Eigen::MatrixXf(X));
  CHECK(samples_in_rows((2 * X).rightCols(2)).in_rows()(1, 0) == 10);
}

TEST_CASE("memory is borrowed, a moved set keeps its numbers") {
  const float data[] = {1, 2, 3, 4, 5, 6};
  Samples<float> borrowed = samples_in_memory(data, 3, 2);
  CHECK(borrowed.view().data == data);
  CHECK(borrowed.in_rows()(2, 1) == 6);
  Samples<float> owned = samples_in_rows(borrowed.in_rows());
  const float* place = owned.view().data;
  const Samples<float> moved = std::move(owned);
  CHECK(moved.view().data == place);
  CHECK(moved.in_rows()(2, 1) == 6);
  CHECK(!Samples<float>().present());
}

TEST_CASE("a data set of numbers or of bytes: shape, elements, as numbers") {
  const std::uint8_t bytes[] = {0, 51, 255, 102, 1, 254};
  const AnySamples<double> pixels = samples_in_memory(bytes, 3, 2);
  CHECK(pixels.present());
  CHECK(pixels.dim() == 2);
  CHECK(pixels.count() == 3);
  CHECK(pixels(1, 0) == 0.2);
  CHECK(pixels(0, 2) == 1 / 255.0);
  CHECK(pixels.numbers().in_rows()(2, 1) == 254 / 255.0);

  const double data[] = {1, 2, 3, 4};
  const AnySamples<double> numbers = samples_in_memory(data, 2, 2);
  CHECK(numbers(1, 1) == 4);
  CHECK(numbers.numbers().view().data == data);
  CHECK(!AnySamples<double>().present());
  CHECK(!AnySamples<double>().numbers().present());
}

TEST_CASE("samples: a row-major matrix without gaps is borrowed, everything else is copied") {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  RowMajor rows(3, 2);
  rows << 1, 2, 3, 4, 5, 6;
  const Eigen::MatrixXd columns = rows;
  const Eigen::Map<const RowMajor> mapped(rows.data(), 3, 2);
  const Samples<double> borrowed = samples_in_rows(rows), from_map = samples_in_rows(mapped);
  for (const Samples<double>* samples : {&borrowed, &from_map}) {
    CHECK(samples->view().data == rows.data());
    CHECK(samples->in_rows() == columns);
  }
  CHECK(samples_in_rows(columns).view().data != columns.data());
  CHECK(samples_in_rows(columns).in_rows() == columns);
  const Samples<double> part = samples_in_rows(rows.leftCols(1));  // has gaps
  CHECK(part.view().data != rows.data());
  CHECK(part.in_rows() == columns.leftCols(1));
  const Samples<double> left = samples_in_rows(RowMajor(rows));  // about to be destroyed
  CHECK(left.in_rows() == columns);
  CHECK(samples_in_rows(2 * rows).in_rows() == 2 * columns);
}
