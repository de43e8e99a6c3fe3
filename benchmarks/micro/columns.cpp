// SPDX-License-Identifier: MIT
// softmax and one-hot codes of many columns: ten classes, as a categorical latent has them, and
// columns long enough for packs down each.
#include <memory>

#include "measure.hpp"

namespace longhand::micro {
namespace {

struct Size {
  Index rows, cols;
};
constexpr Size kClasses{10, 2560}, kLong{256, 100};

/// body(backend, x, y, row) reads x and writes y, and for each column a number of `row` or none.
template <class S, class Body>
void columns(const char* primitive, const Size& size, Index per_column, const Body& body) {
  const auto values = static_cast<double>(size.rows * size.cols);
  const double numbers = 2 * values + static_cast<double>(per_column * size.cols);
  measure(std::string(primitive) + " " + std::to_string(size.rows) + "x" +
              std::to_string(size.cols) + "/" + scalar_name<S>,
          values, numbers * sizeof(S), 0, [=] {
            const auto x = std::make_shared<Numbers<S>>(size.rows, size.cols);
            const auto y = std::make_shared<Numbers<S>>(size.rows, size.cols);
            const auto row = std::make_shared<Numbers<S>>(1, size.cols);
            return [=] { body(Cpu<S>(1), x->view(), y->view(), row->view()); };
          });
}

template <class S>
void add() {
  for (const Size& size : {kClasses, kLong}) {
    columns<S>("softmax_columns", size, 1, [](const auto& backend, auto x, auto y, auto row) {
      backend.softmax_columns(x, y, row);
    });
    columns<S>("one_hot_columns", size, 0,
               [](const auto& backend, auto x, auto y, auto) { backend.one_hot_columns(x, y); });
  }
}

}  // namespace

void add_columns() {
  add<float>();
  add<double>();
}

}  // namespace longhand::micro
