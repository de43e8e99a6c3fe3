// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <variant>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/math/batch_changes.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/models/input_units.hpp"
#include "longhand/train/batch_changes.hpp"

namespace longhand {

/// Brings samples of a data set, by number, into a batch in backend memory: from bytes to numbers,
/// into the model's units, and changed as BatchChanges says.
template <class B>
class BatchSource {
 public:
  /// `data` must outlive the source. Throws std::invalid_argument naming what of the changes is out
  /// of range or does not suit the data.
  BatchSource(const ResidentData<B>& data, const BatchChanges& changes)
      : data_(data), changes_(checked(changes, data)) {}

  /// The batch of the samples pass.sample_ids. A pass that trains draws afresh in every epoch,
  /// which it reads in its scalars. Any other pass augments nothing, and its draws are always the
  /// same.
  template <class M>
  Batch<B> gather(const M& model, const Pass<B>& pass) const {
    View<B> moves;
    if (pass.mode == Mode::train && changes_.augment.moves()) {
      moves = pass.matrix(kMoveNumbers, pass.sample_ids.cols);
      pass.backend.fill_uniform(key(pass, Stream::augment), pass.sample_ids, moves);
    }
    const auto whole = [&](const auto& columns) {
      return this->whole(model, pass, columns, moves);
    };
    Batch<B> batch;
    batch.input = std::visit(whole, data_.input());
    batch.target = std::visit(whole, data_.target());
    if (changes_.corrupt.any()) {
      batch.target = batch.target_or_input();
      batch.input = corrupted(model, pass, batch.input);
    }
    batch.condition = condition(model, pass);
    batch.mask = take(pass, data_.mask());
    batch.sample_weights = take(pass, data_.sample_weights());
    return batch;
  }

 private:
  /// f(x, in…) for the pass's columns of `from`; absent if that is.
  template <class X, class F = Value, std::size_t I = 0>
  static View<B> take(const Pass<B>& pass, const MatrixView<const X, typename B::Memory>& from,
                      const F& f = {}, const std::array<OperandOf<B>, I>& in = {}) {
    if (!from.present()) return {};
    const View<B> to = pass.matrix(from.rows, pass.sample_ids.cols);
    pass.backend.gather(f, from, pass.sample_ids, in, to);
    return to;
  }

  template <class M>
  View<B> condition(const M& model, const Pass<B>& pass) const {
    if constexpr (requires { model.condition_units(); })
      if (const InputUnits<B>& units = model.condition_units(); !units.identity())
        return take(pass, data_.condition(), ToModelUnits{}, in<B>(units.shift(), units.scale()));
    return take(pass, data_.condition());
  }

  /// Samples in the model's units, with every change that input and target share. `moves` holds the
  /// numbers that pictures are moved by, or is absent.
  template <class M, class X>
  View<B> whole(const M& model, const Pass<B>& pass,
                const MatrixView<const X, typename B::Memory>& from, View<B> moves) const {
    if (!from.present()) return {};
    const bool users_units_are_changed = changes_.dequantize || moves.present();
    const auto to_model = [&](auto... x) {
      return in<B>(x..., model.input().shift(), model.input().scale());
    };
    View<B> x;
    if (model.input().identity() || users_units_are_changed)
      x = take(pass, from);
    else
      x = take(pass, from, ToModelUnits{}, to_model());
    if (changes_.dequantize) change(pass, key(pass, Stream::dequantize), Dequantize{}, x);
    if (moves.present()) x = moved(pass, x, moves);
    if (users_units_are_changed && !model.input().identity())
      pass.backend.for_each(ToModelUnits{}, to_model(x), out<B>(x));
    if (pass.mode == Mode::train && changes_.augment.noise != 0) {
      const auto [low, high] = model.domain();
      add_noise(pass, key(pass, Stream::augment_noise), {changes_.augment.noise, low, high}, x, x);
    }
    binarize(pass, x);
    return x;
  }

  View<B> moved(const Pass<B>& pass, ConstView<B> x, ConstView<B> moves) const {
    const View<B> y = pass.matrix(x.rows, x.cols);
    pass.backend.move_pictures(changes_.augment.picture_moves(), moves, x, y);
    return y;
  }

  void binarize(const Pass<B>& pass, View<B> x) const {
    if (changes_.binarize == Binarize::none) return;
    if (changes_.binarize == Binarize::threshold)
      return pass.backend.for_each(Threshold{}, in<B>(x), out<B>(x));
    const bool trains = pass.mode == Mode::train;
    NoiseKey pixels = key(pass, trains ? Stream::binarize : Stream::binarize_held_out);
    pixels.draw = 0;
    if (changes_.binarize == Binarize::fixed) pixels.step_at = nullptr;
    change(pass, pixels, DrawPixel{}, x);
  }

  /// The input of a denoising model, made of what it is to come to.
  template <class M>
  View<B> corrupted(const M& model, const Pass<B>& pass, ConstView<B> x) const {
    const Corrupt& corrupt = changes_.corrupt;
    const double infinity = std::numeric_limits<double>::infinity();
    const View<B> y = pass.matrix(x.rows, x.cols);
    if (corrupt.gaussian != 0)
      add_noise(pass, key(pass, Stream::input_noise, 0), {corrupt.gaussian, -infinity, infinity}, x,
                y);
    else
      pass.backend.copy(x, y);
    if (corrupt.mask != 0)
      change(pass, key(pass, Stream::input_noise, 1), MaskOut{corrupt.mask}, y);
    if (corrupt.salt != 0)
      change(pass, key(pass, Stream::input_noise, 2), SaltAndPepper{corrupt.salt}, y,
             model.input().shift(), model.input().scale());
    return y;
  }

  // ---- draws ------------------------------------------------------------------------------------

  /// The key of what is drawn afresh in every epoch. Passes that do not train have no epoch, and
  /// draw numbers of their own.
  static NoiseKey key(const Pass<B>& pass, Stream stream, int draw = 0) {
    constexpr int held_out = 256;
    NoiseKey key = pass.key;
    key.stream = stream;
    key.draw = static_cast<std::uint16_t>(draw + (pass.mode == Mode::train ? 0 : held_out));
    key.step = 0;
    key.step_at = pass.scalars.present() ? &pass.scalars.counters->epoch : nullptr;
    return key;
  }

  /// x becomes f(x, operands…, u) with uniform u.
  template <class F, class... Operands>
  static void change(const Pass<B>& pass, const NoiseKey& key, const F& f, View<B> x,
                     const Operands&... operands) {
    const View<B> u = pass.matrix(x.rows, x.cols);
    pass.backend.fill_uniform(key, pass.sample_ids, u,
                              then<B>(f, in<B>(x, operands..., u), out<B>(x)));
  }
  static void add_noise(const Pass<B>& pass, const NoiseKey& key, const AddNoise& f, ConstView<B> x,
                        View<B> y) {
    const View<B> eps = pass.matrix(x.rows, x.cols);
    pass.backend.fill_normal(key, pass.sample_ids, eps, then<B>(f, in<B>(x, eps), out<B>(y)));
  }

  const ResidentData<B>& data_;
  BatchChanges changes_;
};

}  // namespace longhand
