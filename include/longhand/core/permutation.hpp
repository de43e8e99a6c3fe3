// SPDX-License-Identifier: MIT
// The order of samples in an epoch, one sample at a time: docs/derivations/noise.md
#pragma once

#include <cstdint>
#include <stdexcept>

#include "longhand/core/philox.hpp"

namespace longhand {

/// A random permutation of 0 .. n-1 that is computed, not stored: permutation(i) is the sample at
/// position i. It depends on the key and n alone, so it is the same on the CPU, on the GPU and
/// after training resumes, and a worker can ask for its share without making the rest.
///
/// An alternating Feistel network permutes the smallest 2^b >= n, b >= 8; the halves have b/2 bits,
/// rounded down and up. Each round adds (exclusive or) a keyed hash of one half to the other, which
/// repeating it would undo: a bijection whatever the hash. A result outside 0 .. n-1 is sent
/// through again until it falls inside (cycle walking), less than twice on average from n = 128 up.
/// About 50 ns per index.
class Permutation {
 public:
  static constexpr int kRounds = 12;

  /// A permutation for one use; an epoch's order has stream `order` and the epoch as the step. The
  /// round keys are the first twelve words of that use for sample 0.
  /// Throws std::out_of_range unless 0 <= n <= 2^32.
  Permutation(const NoiseKey& key, std::int64_t n) : n_(static_cast<std::uint64_t>(n)) {
    if (n < 0) throw std::out_of_range("longhand: a permutation of fewer than 0 rows");
    if (n > 0) counter_word(n - 1, "row");
    int bits = 8;  // halves of one or two bits mix poorly: b = 3 failed a test over all orders of 5
    while ((std::uint64_t{1} << bits) < n_) ++bits;
    low_bits_ = bits - bits / 2;
    low_mask_ = (std::uint32_t{1} << low_bits_) - 1;
    high_mask_ = (std::uint32_t{1} << (bits / 2)) - 1;
    for (int r = 0; r < kRounds; ++r) {
      round_key_[r] = noise_block(key, 0, static_cast<std::uint32_t>(r / 4)).word[r % 4];
    }
  }

  /// The sample at position i, 0 <= i < n (not checked).
  LONGHAND_HD std::uint32_t operator()(std::uint32_t i) const {
    do {
      i = shuffled(i);
    } while (i >= n_);
    return i;
  }

  LONGHAND_HD std::int64_t size() const { return static_cast<std::int64_t>(n_); }

 private:
  LONGHAND_HD std::uint32_t shuffled(std::uint32_t i) const {
    std::uint32_t low = i & low_mask_;
    std::uint32_t high = (i >> low_bits_) & high_mask_;
    // [NOI-4]
    for (int r = 0; r < kRounds; r += 2) {
      high ^= hash(low ^ round_key_[r]) & high_mask_;
      low ^= hash(high ^ round_key_[r + 1]) & low_mask_;
    }
    // [/NOI-4]
    return high << low_bits_ | low;
  }

  /// A bijective hash of 32 bits; the multipliers are Chris Wellons's "lowbias32" (public domain).
  LONGHAND_HD static std::uint32_t hash(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
  }

  std::uint64_t n_;
  int low_bits_;
  std::uint32_t low_mask_, high_mask_;
  std::uint32_t round_key_[kRounds];
};

/// The sample at position i of an epoch over n samples, for a single look-up; a loop makes one
/// Permutation. Throws std::out_of_range unless 0 <= i < n <= 2^32.
inline std::int64_t permuted_index(std::uint64_t seed, std::uint32_t epoch, std::int64_t i,
                                   std::int64_t n) {
  if (i < 0 || i >= n) throw std::out_of_range("longhand: a position outside the epoch");
  const NoiseKey key{.seed = seed, .step = epoch, .stream = Stream::order};
  return Permutation(key, n)(static_cast<std::uint32_t>(i));
}

}  // namespace longhand
