// SPDX-License-Identifier: MIT
// Random bits as a function: docs/derivations/noise.md
//
// Nothing here has state. A noise value is a pure function of what it is for:
//
//   key     = the 64-bit seed, low word first
//   counter = { element / 4,  sample id,  step,  stream << 16 | draw }
//
// and `element % 4` picks one of the four words of the block. The sample id is the sample's number
// in the data set (not its place in the batch), so noise does not depend on the batch size, the
// order of samples, the number of threads or ranks, CPU or GPU, or on whether training was
// interrupted.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "longhand/core/macros.hpp"

namespace longhand {

/// Four 32-bit words: a Philox counter, and the random bits it turns into.
struct PhiloxBlock {
  std::uint32_t word[4];
};

/// The upper half of the 64-bit product of a and b.
LONGHAND_HD LONGHAND_INLINE constexpr std::uint32_t multiply_high(std::uint32_t a,
                                                                  std::uint32_t b) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(a) * b) >> 32);
}

/// Philox4x32-10: 128 random bits from a 128-bit counter and a 64-bit key (low word first).
/// For one key it is a bijection of the counters. Constants and structure: Salmon, Moraes, Dror and
/// Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
LONGHAND_HD LONGHAND_INLINE constexpr PhiloxBlock philox4x32_10(const PhiloxBlock& counter,
                                                                std::uint64_t key) {
  std::uint32_t a = counter.word[0], b = counter.word[1];
  std::uint32_t c = counter.word[2], d = counter.word[3];
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  // [NOI-1]
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high_a = multiply_high(0xD2511F53u, a), low_a = 0xD2511F53u * a;
    const std::uint32_t high_c = multiply_high(0xCD9E8D57u, c), low_c = 0xCD9E8D57u * c;
    a = high_c ^ b ^ k0;
    b = low_c;
    c = high_a ^ d ^ k1;
    d = low_a;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  // [/NOI-1]
  return {{a, b, c, d}};
}

/// What a noise value is for. Two uses never share a stream, so they never share a value. Streams
/// from 1024 on are handed out by a model's layout (core/params.hpp): one per hidden layer with
/// dropout.
enum class Stream : std::uint16_t {
  init,               ///< initial parameters (sample: parameter block)
  latent,             ///< eps of the reparameterisation while training
  binarize = 3,       ///< binary pixels drawn from grey ones, of training samples
  evaluate,           ///< z while evaluating
  prior,              ///< z drawn from the prior
  order,              ///< the order of samples in an epoch
  split,              ///< training samples against validation samples
  input_noise,        ///< corruption of the input of a denoising model
  user,               ///< never used by the library
  data,               ///< x drawn from p(x given z)
  binarize_held_out,  ///< binary pixels drawn from grey ones, of samples that are not trained on
  dequantize,         ///< where in its cell a byte lies
  augment,            ///< how a picture is flipped, turned and shifted
  augment_noise,      ///< noise on input and target alike
};

/// Everything that identifies a noise value except its sample and element.
struct NoiseKey {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;  ///< training step, or epoch where noise is per epoch
  Stream stream = Stream::user;
  std::uint16_t draw = 0;  ///< number of the draw, where one sample draws several times
  /// The step in backend memory, which the backend reads in the place of `step`, so that a step
  /// that was recorded once draws new noise each time it is played. Null = `step` counts.
  const std::uint32_t* step_at = nullptr;

  /// The key with its step in it, where step_at can be read.
  LONGHAND_HD constexpr NoiseKey resolved() const {
    return {seed, step_at != nullptr ? *step_at : step, stream, draw, nullptr};
  }
};

/// The four random words for elements 4 quad .. 4 quad + 3 of a sample; the key is resolved.
LONGHAND_HD LONGHAND_INLINE constexpr PhiloxBlock noise_block(const NoiseKey& key,
                                                              std::uint32_t sample,
                                                              std::uint32_t quad) {
  const std::uint32_t use = static_cast<std::uint32_t>(key.stream) << 16 | key.draw;
  return philox4x32_10({{quad, sample, key.step, use}}, key.seed);
}

/// A sample id or element number as a counter word. Kept out of inner loops: check once, then loop.
/// Throws std::out_of_range, naming `what`, when the value does not fit in 32 bits.
inline std::uint32_t counter_word(std::int64_t value, const char* what) {
  if (value < 0 || value > std::int64_t{0xFFFFFFFF}) {
    throw std::out_of_range(std::string("longhand: ") + what + " " + std::to_string(value) +
                            " is outside the 32 bits of a noise counter");
  }
  return static_cast<std::uint32_t>(value);
}

}  // namespace longhand
