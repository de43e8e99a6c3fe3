// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <vector>

namespace longhand::study {

/// Column-major; a sample is a column.
template <class T>
struct Matrix {
  std::size_t rows = 0, cols = 0;
  std::vector<T> values;

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c, T fill = T(0)) : rows(r), cols(c), values(r * c, fill) {}

  std::size_t size() const { return values.size(); }
  T& operator()(std::size_t i, std::size_t j = 0) { return values[i + j * rows]; }
  const T& operator()(std::size_t i, std::size_t j = 0) const { return values[i + j * rows]; }
  void reset(std::size_t r, std::size_t c) {
    rows = r, cols = c;
    values.assign(r * c, T(0));
  }
};

/// y = W x + b. The bias comes last, so that b = -(W x) gives exactly 0 (a planted kink).
template <class T>
void affine(const Matrix<T>& W, const Matrix<T>& b, const Matrix<T>& x, Matrix<T>& y) {
  y.reset(W.rows, x.cols);
  for (std::size_t j = 0; j < x.cols; ++j) {
    for (std::size_t k = 0; k < W.cols; ++k)
      for (std::size_t i = 0; i < W.rows; ++i) y(i, j) += W(i, k) * x(k, j);
    for (std::size_t i = 0; i < W.rows; ++i) y(i, j) += b(i);
  }
}

/// dW = dy x^T
inline Matrix<double> outer(const Matrix<double>& dy, const Matrix<double>& x) {
  Matrix<double> dW(dy.rows, x.rows);
  for (std::size_t j = 0; j < x.cols; ++j)
    for (std::size_t k = 0; k < x.rows; ++k)
      for (std::size_t i = 0; i < dy.rows; ++i) dW(i, k) += dy(i, j) * x(k, j);
  return dW;
}
/// db = dy 1
inline Matrix<double> row_sums(const Matrix<double>& dy) {
  Matrix<double> db(dy.rows, 1);
  for (std::size_t j = 0; j < dy.cols; ++j)
    for (std::size_t i = 0; i < dy.rows; ++i) db(i) += dy(i, j);
  return db;
}
/// dx = W^T dy
inline Matrix<double> pull_back(const Matrix<double>& W, const Matrix<double>& dy) {
  Matrix<double> dx(W.cols, dy.cols);
  for (std::size_t j = 0; j < dy.cols; ++j)
    for (std::size_t k = 0; k < W.cols; ++k)
      for (std::size_t i = 0; i < W.rows; ++i) dx(k, j) += W(i, k) * dy(i, j);
  return dx;
}
inline Matrix<double> transposed(const Matrix<double>& m) {
  Matrix<double> t(m.cols, m.rows);
  for (std::size_t j = 0; j < m.cols; ++j)
    for (std::size_t i = 0; i < m.rows; ++i) t(j, i) = m(i, j);
  return t;
}
/// f(i, j) for every element.
template <class F>
Matrix<double> make(std::size_t rows, std::size_t cols, const F& f) {
  Matrix<double> m(rows, cols);
  for (std::size_t j = 0; j < cols; ++j)
    for (std::size_t i = 0; i < rows; ++i) m(i, j) = f(i, j);
  return m;
}

}  // namespace longhand::study
