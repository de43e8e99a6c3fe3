// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "longhand/gradcheck/detail/rig.hpp"

namespace longhand {

/// The sizes and inputs on which a layer is checked.
struct LayerCheck {
  Index in = 0, out = 0;  ///< numbers per sample; 0: as the layer's in() and out() say
  std::vector<std::size_t> batches = {0, 1, 2, 7};
  Mode mode = Mode::train;
};

namespace detail {

template <class L>
concept ReturnsItsOutput = requires {
  typename L::Cache;
};

/// A layer of either interface, on one backend.
template <class B, class L>
struct LayerRig : Rig<B> {
  template <class Make>
  LayerRig(const Make& make, const LayerCheck& how, std::uint64_t seed)
      : layer(make_on<B>(make, this->layout)) {
    this->ready(seed);
    this->mode = how.mode;
  }
  L layer;

  /// The output; `cache` receives what backward needs.
  View<B> forward(const Pass<B>& pass, ConstView<B> x, View<B> y, PartCache& cache) const {
    if constexpr (ReturnsItsOutput<L>) {
      auto own = std::make_shared<typename L::Cache>();
      y = layer.forward(pass, x, *own);
      cache = own;
    } else {
      layer.forward(pass, x, y);
      cache = nullptr;
    }
    return y;
  }
  void backward(const Pass<B>& pass, const PartCache& cache, ConstView<B> x, ConstView<B> dy,
                View<B> dx) const {
    if constexpr (ReturnsItsOutput<L>) {
      layer.backward(pass, *static_cast<const typename L::Cache*>(cache.get()), dy, dx);
    } else {
      layer.backward(pass, x, dy, dx);
    }
  }
};

template <class L>
Index rows_in(const L& layer, Index said) {
  if constexpr (requires { layer.in(); })
    return said > 0 ? said : layer.in();
  else
    return said;
}
template <class L>
Index rows_out(const L& layer, Index said) {
  if constexpr (requires { layer.out(); })
    return said > 0 ? said : layer.out();
  else
    return said;
}

}  // namespace detail

/// Checks a layer: its gradients by differences and dual numbers, the identities of its backward,
/// its contracts about buffers (check_part lists them), at several batch sizes.
///
///     check_layer("dense", []<class B>(ParamLayout& layout) {
///       return Dense<B>(layout, "dense", 5, 3);
///     });
///
/// `make` constructs the layer for any backend, which is how dual numbers get through it; a layer
/// for one backend alone is made by a plain [](ParamLayout& layout) { … }. Either interface counts:
/// forward(pass, x, y), backward(pass, x, dy, dx) as Dense has it, or, with a type Cache inside,
/// View forward(pass, x, cache), backward(pass, cache, dy, dx) as Net does.
template <class B = Cpu<double>, class Make>
GradientReport check_layer(std::string_view name, const Make& make, const LayerCheck& how = {},
                           const CheckOptions& options = {}) {
  using namespace detail;
  using L = decltype(make_on<B>(make, std::declval<ParamLayout&>()));
  LayerRig<B, L> rig(make, how, options.seed);
  Part part;
  part.inputs = {{.name = "x", .rows = static_cast<std::size_t>(rows_in(rig.layer, how.in))}};
  part.outputs = static_cast<std::size_t>(rows_out(rig.layer, how.out));
  if (part.inputs[0].rows == 0 || part.outputs == 0) {
    GradientReport report;
    report.name = std::string(name);
    report.reason = "the layer has no in() and out(): give their sizes, {.in = …, .out = …}";
    return report;
  }
  describe_parameters<B>(part, rig.theta, rig.grads);
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    PartCache cache;
    const View<B> place = view_of<B>(y);
    const View<B> result = rig.forward(rig.pass(batch), view_of<B>(batch.inputs[0]), place, cache);
    if (result.data != place.data) {
      require_shape("the layer's output", result, place.rows, place.cols);
      rig.backend.copy(result, place);
    }
    return cache;
  };
  part.backward = [&](const PartBatch& batch, const PartCache& cache, PartMatrix dy,
                      const std::vector<PartMatrix>& dinputs, GradientWrite write) {
    rig.backward(rig.pass(batch, rig.into(write)), cache, view_of<B>(batch.inputs[0]),
                 view_of<B>(dy), view_of<B>(dinputs[0]));
    if (write == GradientWrite::assign) rig.finish(batch);
  };
  using D = Reference<Dual>;
  if constexpr (MadeFor<D, Make>) {
    auto twin = std::make_shared<LayerRig<D, decltype(make_on<D>(make, rig.layout))>>(make, how,
                                                                                      options.seed);
    part.dual = [twin, &part](const PartBatch& batch, const DualTensors& x) {
      twin->workspace.reset();
      take_parameters(twin->theta, x);
      const Pass<D> pass = twin->pass(batch);
      PartCache cache;
      const View<D> y =
          pass.matrix(static_cast<Index>(part.outputs), static_cast<Index>(batch.size));
      return flat(twin->forward(pass, dual_input(x, "x", batch.inputs[0]), y, cache));
    };
  }
  return check_part(name, part, how.batches, options);
}

}  // namespace longhand
