// SPDX-License-Identifier: MIT
#pragma once

/// What a program needs that uses trained models and trains none: encode, decode, reconstruct,
/// sample, score and elbo on the CPU. It needs Eigen (3.4 or newer) and the standard library.
/// Training is in longhand/longhand.hpp, which includes this file; model files are in
/// longhand/io.hpp.

// clang-format off
#include "longhand/core/language.hpp"  // first of all
// clang-format on

#include "longhand/backend/cpu.hpp"
#include "longhand/core/columns.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/core/version.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/separate.hpp"

namespace longhand {

/// Vae vae(Gaussian{.variance = 0.05}, {.input_dim = 8, …}): on the CPU in float, with a Gaussian
/// latent, and with nothing else compiled in.
template <class L>
requires requires(const L& likelihood) { part_of(likelihood); }
Vae(const L&, VaeSpec)
    ->Vae<Cpu<float>, decltype(part_of(std::declval<L>())), GaussianLatent<Cpu<float>>>;
/// The same on a backend that is given: Vae vae(Gaussian{…}, {…}, Cpu<double>(4)).
template <class L, Backend B>
requires requires(const L& likelihood) { part_of(likelihood); }
Vae(const L&, VaeSpec, B)->Vae<B, decltype(part_of(std::declval<L>())), GaussianLatent<B>>;

}  // namespace longhand

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<float>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<double>);
LONGHAND_SEPARATE_FLOAT(LONGHAND_SEPARATE_INFERENCE, extern);
LONGHAND_SEPARATE_DOUBLE(LONGHAND_SEPARATE_INFERENCE, extern);
LONGHAND_SEPARATE_LIKELIHOODS(LONGHAND_SEPARATE_INFERENCE, extern);
#endif
