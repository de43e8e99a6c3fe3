// SPDX-License-Identifier: MIT
#include "longhand/core/columns.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

namespace {

using namespace longhand;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Writable = MatrixView<float, HostMemory>;
using Readable = MatrixView<const float, HostMemory>;

template <class V>
void check(const V& v, const float* data, Index rows, Index cols, Index ld) {
  CHECK(v.data == data);
  CHECK(v.rows == rows);
  CHECK(v.cols == cols);
  CHECK(v.ld == ld);
  CHECK(v.present());
}

}  // namespace

TEST_CASE("columns and rows are borrowed where they lie") {
  Eigen::MatrixXf columns = Eigen::MatrixXf::Random(5, 7);
  RowMajor rows = RowMajor::Random(7, 5);
  Eigen::VectorXf one = Eigen::VectorXf::Random(5);
  Eigen::RowVectorXf row = Eigen::RowVectorXf::Random(5);
  check(columns_of(columns), columns.data(), 5, 7, 5);
  check(rows_of(rows), rows.data(), 5, 7, 5);
  check(columns_of(one), one.data(), 5, 1, 5);
  check(rows_of(row), row.data(), 5, 1, 5);

  check(columns_of(columns.middleCols(2, 3)), columns.data() + 10, 5, 3, 5);
  check(columns_of(columns.topRows(2)), columns.data(), 2, 7, 5);
  check(columns_of(columns.col(3)), columns.data() + 15, 5, 1, 5);
  check(rows_of(rows.rightCols(4)), rows.data() + 1, 4, 7, 5);
  check(rows_of(rows.row(6)), rows.data() + 30, 5, 1, 5);

  std::vector<float> memory(40);
  check(columns_of(Eigen::Map<Eigen::MatrixXf>(memory.data(), 8, 5)), memory.data(), 8, 5, 8);
  CHECK(columns_of(columns)(4, 6) == columns(4, 6));
  CHECK(rows_of(rows)(4, 6) == rows(6, 4));
}

TEST_CASE("a view is writable if the matrix is") {
  Eigen::MatrixXf mine(5, 7);
  const Eigen::MatrixXf constant = mine;
  const Eigen::Ref<const Eigen::MatrixXf> looked_at = mine;
  Eigen::Ref<Eigen::MatrixXf> lent = mine;
  static_assert(std::is_same_v<decltype(columns_of(mine)), Writable>);
  static_assert(std::is_same_v<decltype(columns_of(mine.leftCols(2))), Writable>);
  static_assert(std::is_same_v<decltype(columns_of(lent)), Writable>);
  static_assert(std::is_same_v<decltype(columns_of(constant)), Readable>);
  static_assert(std::is_same_v<decltype(columns_of(constant.leftCols(2))), Readable>);
  static_assert(std::is_same_v<decltype(columns_of(looked_at)), Readable>);
  check(columns_of(looked_at), mine.data(), 5, 7, 5);
}

TEST_CASE("numbers of a sample that do not lie side by side are refused") {
  Eigen::MatrixXf columns(5, 7);
  CHECK_THROWS_WITH_AS(
      rows_of(columns.row(2)),
      "longhand: the numbers of a sample lie 5 apart in memory, expected one after "
      "the other",
      std::invalid_argument);
  std::vector<float> memory(40);
  const Eigen::Map<Eigen::MatrixXf, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> every_second(
      memory.data(), 4, 5, {8, 2});
  CHECK_THROWS_AS(columns_of(every_second), std::invalid_argument);
}
