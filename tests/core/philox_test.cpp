// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <longhand/core/philox.hpp>

#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
#define LONGHAND_TEST_RANDOM123 1
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <random>
#include <set>

using namespace longhand;

namespace {

using Words = std::array<std::uint32_t, 4>;

Words words(const PhiloxBlock& b) { return {b.word[0], b.word[1], b.word[2], b.word[3]}; }

}  // namespace

TEST_CASE("philox: the published known answers [NOI-1]") {
  // Random123's kat_vectors, philox 4x32, 10 rounds; the third is the digits of pi.
  CHECK(words(philox4x32_10({{0, 0, 0, 0}}, 0)) ==
        Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(philox4x32_10({{~0u, ~0u, ~0u, ~0u}}, ~std::uint64_t{0})) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
                            0x299f31d0a4093822)) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: a constant expression [NOI-1]") {
  static_assert(philox4x32_10({{0, 0, 0, 0}}, 0).word[0] == 0x6627e8d5);
}

#ifdef LONGHAND_TEST_RANDOM123
TEST_CASE("philox: equals Random123 on random counters and keys [NOI-1]") {
  std::mt19937 random(1);
  int differences = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto word = [&] { return static_cast<std::uint32_t>(random()); };
    const philox4x32_ctr_t counter = {{word(), word(), word(), word()}};
    const philox4x32_key_t key = {{word(), word()}};
    const philox4x32_ctr_t want = philox4x32_R(10, counter, key);
    const PhiloxBlock got =
        philox4x32_10({{counter.v[0], counter.v[1], counter.v[2], counter.v[3]}},
                      static_cast<std::uint64_t>(key.v[1]) << 32 | key.v[0]);
    for (unsigned k = 0; k < 4; ++k) differences += got.word[k] != want.v[k];
  }
  CHECK(differences == 0);
}
#endif

TEST_CASE("philox: one flipped input bit changes about half of the output bits [NOI-1]") {
  // 192 input bits, 200 tries each: 128 * 200 output bits, standard deviation 80.
  std::mt19937 random(2);
  double worst = 0;
  for (int bit = 0; bit < 192; ++bit) {
    int flipped = 0;
    for (int i = 0; i < 200; ++i) {
      PhiloxBlock counter{{static_cast<std::uint32_t>(random()), 0, 0, 0}};
      std::uint64_t key = random();
      const PhiloxBlock before = philox4x32_10(counter, key);
      if (bit < 128) {
        counter.word[bit / 32] ^= 1u << (bit % 32);
      } else {
        key ^= std::uint64_t{1} << (bit - 128);
      }
      const PhiloxBlock after = philox4x32_10(counter, key);
      for (int k = 0; k < 4; ++k) flipped += std::popcount(before.word[k] ^ after.word[k]);
    }
    worst = std::max(worst, std::abs(flipped - 12800.0) / 80);
  }
  CHECK_FALSE(!(worst <= 5));
}

TEST_CASE("noise counter: the worked numbers [NOI-1]") {
  const NoiseKey key{.seed = 42, .step = 3, .stream = Stream::latent};
  CHECK(words(noise_block(key, 7, 0)) == Words{0xfcc77d9e, 0x3ae4813f, 0x4e41283a, 0xbc942eba});
}

TEST_CASE("noise counter: every field has its own place [NOI-1]") {
  const NoiseKey key{.seed = 0x0123456789abcdef, .step = 5, .stream = Stream::evaluate, .draw = 9};
  CHECK(words(noise_block(key, 6, 4)) ==
        words(philox4x32_10({{4, 6, 5, 4u << 16 | 9}}, 0x0123456789abcdef)));

  std::set<Words> seen;
  NoiseKey other = key;
  seen.insert(words(noise_block(key, 6, 4)));
  seen.insert(words(noise_block(key, 7, 4)));
  seen.insert(words(noise_block(key, 6, 5)));
  other.seed ^= std::uint64_t{1} << 63;
  seen.insert(words(noise_block(other, 6, 4)));
  other = key;
  other.step = 6;
  seen.insert(words(noise_block(other, 6, 4)));
  other = key;
  other.stream = Stream::binarize;
  seen.insert(words(noise_block(other, 6, 4)));
  other = key;
  other.draw = 10;
  seen.insert(words(noise_block(other, 6, 4)));
  CHECK(seen.size() == 7);
}

TEST_CASE("noise counter: stream numbers are part of the format and never change") {
  CHECK(static_cast<int>(Stream::init) == 0);
  CHECK(static_cast<int>(Stream::latent) == 1);
  CHECK(static_cast<int>(Stream::binarize) == 3);
  CHECK(static_cast<int>(Stream::evaluate) == 4);
  CHECK(static_cast<int>(Stream::prior) == 5);
  CHECK(static_cast<int>(Stream::order) == 6);
  CHECK(static_cast<int>(Stream::split) == 7);
  CHECK(static_cast<int>(Stream::input_noise) == 8);
  CHECK(static_cast<int>(Stream::user) == 9);
  CHECK(static_cast<int>(Stream::data) == 10);
  CHECK(static_cast<int>(Stream::binarize_held_out) == 11);
  CHECK(static_cast<int>(Stream::dequantize) == 12);
  CHECK(static_cast<int>(Stream::augment) == 13);
  CHECK(static_cast<int>(Stream::augment_noise) == 14);
}

TEST_CASE("noise counter: what does not fit in 32 bits is refused by name") {
  CHECK(counter_word(0, "sample id") == 0);
  CHECK(counter_word(0xFFFFFFFF, "sample id") == 0xFFFFFFFF);
  CHECK_THROWS_WITH_AS(counter_word(-1, "sample id"),
                       "longhand: sample id -1 is outside the 32 bits of a noise counter",
                       std::out_of_range);
  CHECK_THROWS_AS(counter_word(0x100000000, "sample id"), std::out_of_range);
}
