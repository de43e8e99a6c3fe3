// SPDX-License-Identifier: MIT
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

#include "longhand/core/view.hpp"

namespace longhand {

/// Throws std::invalid_argument with the parts of `message` written one after the other.
/// Used at the edges (construction, public calls), never inside a sweep.
template <class... Part>
void require(bool condition, const Part&... message) {
  if (condition) return;
  std::ostringstream text;
  text << "longhand: ";
  (text << ... << message);
  throw std::invalid_argument(text.str());
}

/// Names the argument whose shape is wrong, with the shape it has and the one expected.
template <class T, class Memory>
void require_shape(const char* name, const MatrixView<T, Memory>& m, Index rows, Index cols) {
  require(m.rows == rows && m.cols == cols && (m.ld >= rows || m.cols == 0), name, " is ", m.rows,
          " x ", m.cols, " (leading dimension ", m.ld, "), expected ", rows, " x ", cols);
}

}  // namespace longhand
