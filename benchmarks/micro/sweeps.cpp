// SPDX-License-Identifier: MIT
// Every formula that longhand sweeps (cuda/formulas.def is the list), and the optimizers as they
// run.
#include <memory>
#include <string>
#include <vector>

#include "longhand/backend/cuda_families.hpp"
#include "longhand/latent/gaussian_kl.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/math/adversarial.hpp"
#include "longhand/math/batch_changes.hpp"
#include "longhand/math/categorical.hpp"
#include "longhand/math/cross_entropy.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/optim/optimizer.hpp"
#include "measure.hpp"

namespace longhand::micro {
namespace {

/// A long column, or what a tile of a product is: 48 rows of a larger matrix.
struct Layout {
  const char* name;
  Index rows, cols, ld;
};
constexpr Layout kFlat{"", 4096, 1, 4096}, kTile{" tile", 48, 85, 784};

template <class S, std::size_t I, std::size_t O>
struct Operands {
  std::vector<Numbers<S>> inputs, outputs;
  Numbers<S> sums;
  std::array<OperandOf<Cpu<S>>, I> in;
  std::array<View<Cpu<S>>, O> out;

  explicit Operands(const Layout& l) : sums(l.rows, l.cols) {
    for (auto& x : in) x = inputs.emplace_back(l.rows, l.cols, l.ld).view();
    for (auto& y : out) y = outputs.emplace_back(l.rows, l.cols, l.ld).view();
  }
};

/// call(operands) over all the formula's operands, each a matrix.
template <class S, std::size_t I, std::size_t O, class Call>
void sweep(const char* primitive, std::string formula, const Layout& layout, const Call& call) {
  std::erase(formula, ' ');
  const double values = static_cast<double>(layout.rows * layout.cols);
  measure(std::string(primitive) + layout.name + " " + formula + "/" + scalar_name<S>, values,
          values * static_cast<double>((I + O) * sizeof(S)), 0, [=] {
            const auto operands = std::make_shared<Operands<S, I, O>>(layout);
            return [=] { call(*operands); };
          });
}

template <class S, class F, std::size_t I, std::size_t O>
void for_each(const char* formula) {
  for (const Layout& layout : {kFlat, kTile})
    sweep<S, I, O>("for_each", formula, layout,
                   [](auto& backend) { Cpu<S>(1).for_each(F{}, backend.in, backend.out); });
}
template <class S, class F, std::size_t I, std::size_t O>
void reduce_columns(const char* formula) {
  sweep<S, I, O>("reduce_columns", formula, {"", 784, 5, 784}, [](auto& backend) {
    Cpu<S>(1).reduce_columns(F{}, backend.in, backend.out, 784,
                             {backend.sums.view().data, 1, 5, 1});
  });
}
template <class S, class F, std::size_t I>
void reduce_rows(const char* formula) {
  sweep<S, I, 0>("reduce_rows", formula, {"", 64, 64, 64}, [](auto& backend) {
    Cpu<S>(1).reduce_rows(F{}, backend.in, 64, 64, {backend.sums.view().data, 64, 1, 64},
                          Store::assign);
  });
}
template <class S, class F, std::size_t I>
void reduce(const char* formula) {
  sweep<S, I, 0>("reduce", formula, kFlat, [](auto& backend) {
    Cpu<S>(1).reduce(F{}, backend.in, kFlat.rows, {backend.sums.view().data, 1, 1, 1});
  });
}

/// One step over the parameters of a 784-400-20 model: what comes from memory counts.
template <class S, class O>
void optimizer_step(const O& optimizer) {
  using B = Cpu<S>;
  constexpr Index parameters = 652'824;
  const double numbers = 3 + 2 * O::moments;  // gradient, parameters read and written, moments too
  measure(
      "optimizer " + std::string(O::name) + " 652824/" + scalar_name<S>, parameters,
      numbers * parameters * sizeof(S), 0, [=] {
        struct Training {
          ParamLayout layout;
          Params<B> params;
          Grads<B> grads;
          OptimizerState<B> state;
          S learning_rate = S(1e-3), one = S(1), clip = S(1), finite = S(1);
          explicit Training(const O& o)
              : layout(one_block()),
                params(layout),
                grads(layout),
                state(o, {{0, layout.size()}}) {}
          static ParamLayout one_block() {
            ParamLayout layout;
            layout.add({.inner = {parameters}, .outputs = 1});
            return layout;
          }
        };
        const auto training = std::make_shared<Training>(optimizer);
        return [=] {
          training->state.step(B(1), training->params, training->grads,
                               {&training->learning_rate, &training->one, &training->one,
                                &training->clip, &training->finite});
        };
      });
}

template <class S>
void add() {
#define LONGHAND_CUDA_FOR_EACH(inputs, outputs, ...) \
  for_each<S, __VA_ARGS__, inputs, outputs>(#__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_COLUMNS(inputs, outputs, ...) \
  reduce_columns<S, __VA_ARGS__, inputs, outputs>(#__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_ROWS(inputs, ...) reduce_rows<S, __VA_ARGS__, inputs>(#__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE(inputs, ...) reduce<S, __VA_ARGS__, inputs>(#__VA_ARGS__);
// A sweep that follows noise; those that follow a sum are in the list by themselves, but for that
// of a single number.
#define LONGHAND_CUDA_FILL_THEN(noise, inputs, outputs, ...) \
  for_each<S, __VA_ARGS__, inputs, outputs>(#__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_COLUMNS_THEN(...)
#define LONGHAND_CUDA_REDUCE_THEN(...)
#define LONGHAND_CUDA_GATHER(inputs, ...)  // rows.cpp: what counts there is memory
#include "../../cuda/formulas.def"
  optimizer_step<S>(Sgd{});
  optimizer_step<S>(Momentum{});
  optimizer_step<S>(RmsProp{});
  optimizer_step<S>(Adam{});
}

}  // namespace

void add_sweeps() {
  add<float>();
  add<double>();
}

}  // namespace longhand::micro
