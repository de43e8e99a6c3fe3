// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/models/input_transform.hpp"

namespace longhand {

/// An input transform of `features` features where sweeps can read it: from the user's units to the
/// model's and back.
template <class B>
class InputUnits {
  using S = typename B::Scalar;

 public:
  InputUnits() = default;
  /// Throws std::invalid_argument if the transform has neither one entry nor one per feature.
  InputUnits(const B& backend, const InputTransform& transform, Index features)
      : transform_(transform),
        shift_(spread(backend, transform.shift, features, 0)),
        scale_(spread(backend, transform.scale, features, 1)) {}

  const InputTransform& transform() const { return transform_; }
  bool identity() const { return transform_.identity(); }
  /// What ToModelUnits and ToUserUnits read, for a sweep of which they are a part.
  OperandOf<B> shift() const { return per_feature(shift_.column()); }
  OperandOf<B> scale() const { return per_feature(scale_.column()); }

  /// x in the model's units: x itself if it has them already.
  ConstView<B> to_model(const Pass<B>& pass, ConstView<B> x) const {
    if (identity()) return x;
    const View<B> y = pass.matrix(x.rows, x.cols);
    pass.backend.for_each(ToModelUnits{}, in<B>(x, shift(), scale()), out<B>(y));
    return y;
  }
  /// Brings x into the user's units, in place.
  void to_user(const Pass<B>& pass, View<B> x) const {
    if (!identity()) pass.backend.for_each(ToUserUnits{}, in<B>(x, shift(), scale()), out<B>(x));
  }

 private:
  static Buffer<B> spread(const B& backend, const std::vector<double>& v, Index features,
                          double otherwise) {
    require(v.empty() || v.size() == 1 || v.size() == static_cast<std::size_t>(features),
            "input transform has ", v.size(), " entries, expected 1 or ", features);
    std::vector<S> all(static_cast<std::size_t>(features));
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = S(v.empty() ? otherwise : v[v.size() == 1 ? 0 : i]);
    Buffer<B> buffer(features);
    backend.upload(all.data(), buffer.column());
    return buffer;
  }

  InputTransform transform_;
  Buffer<B> shift_, scale_;
};

}  // namespace longhand
