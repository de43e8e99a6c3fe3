// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>

#include "longhand/core/eigen.hpp"
#include "longhand/core/view.hpp"
#include "longhand/math/erf.hpp"

namespace longhand {

namespace detail {

/// The first `count` numbers of a machine packet, the rest zero; nothing behind them is read. With
/// AVX-512 that is one masked instruction: through padded memory, a column's tail costs four times
/// as much.
template <class Packet, class S>
Packet load_part(const S* from, Index count) {
#ifdef EIGEN_VECTORIZE_AVX512
  const int mask = (1 << std::max<Index>(count, 0)) - 1;
  if constexpr (sizeof(Packet) == 64 && std::is_same_v<S, float>)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
  if constexpr (sizeof(Packet) == 64 && std::is_same_v<S, double>)
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
#endif
  alignas(64) S padded[Eigen::internal::unpacket_traits<Packet>::size] = {};
  for (Index i = 0; i < count; ++i) padded[i] = from[i];
  return Eigen::internal::pload<Packet>(padded);
}

/// Stores the first `count` > 0 numbers of a machine packet and touches nothing behind them.
template <class Packet, class S>
void store_part(S* to, const Packet& packet, Index count) {
#ifdef EIGEN_VECTORIZE_AVX512
  const int mask = (1 << count) - 1;
  if constexpr (sizeof(Packet) == 64 && std::is_same_v<S, float>)
    return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), packet);
  if constexpr (sizeof(Packet) == 64 && std::is_same_v<S, double>)
    return _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), packet);
#endif
  alignas(64) S padded[Eigen::internal::unpacket_traits<Packet>::size];
  Eigen::internal::pstore(padded, packet);
  for (Index i = 0; i < count; ++i) to[i] = padded[i];
}

}  // namespace detail

/// N numbers that a formula computes with as if they were one: the SIMD face of the value type T.
/// Built from Eigen's packets, so that compares and blends are single instructions whatever the
/// optimisation level (an Array<bool> mask with .select() costs nine times as much).
///
/// exp and log are Eigen's; log1p, expm1 and tanh are written here from exp and log (Kahan's
/// forms), because Eigen 3.4 has no vector versions of them for double. NaN goes in, NaN comes out.
/// Errors (math/scalar.hpp): exp 3, log 2, log1p 4, expm1 4, tanh 5, sqrt 2.
template <class S, int N>
class Pack {
  using Packet = typename Eigen::internal::packet_traits<S>::type;
  static constexpr int kLanes = Eigen::internal::unpacket_traits<Packet>::size;
  static constexpr int kPackets = N / kLanes;
  static_assert(kPackets * kLanes == N, "N must be a multiple of the machine's packet size");

 public:
  Pack() = default;
  template <class U>
  requires std::is_arithmetic_v<U>
  explicit Pack(U value) {
    for (Packet& p : packets_) p = Eigen::internal::pset1<Packet>(static_cast<S>(value));
  }

  static Pack load(const S* from) {
    return map([&](int k) { return Eigen::internal::ploadu<Packet>(from + k * kLanes); });
  }
  /// The first `count` numbers, the rest zero: a tail is computed like any other pack.
  static Pack load(const S* from, Index count) {
    return map([&](int k) {
      const Index left = count - k * kLanes;
      return left >= kLanes ? Eigen::internal::ploadu<Packet>(from + k * kLanes)
                            : detail::load_part<Packet>(from + k * kLanes, left);
    });
  }
  void store(S* to) const {
    for (int k = 0; k < kPackets; ++k) Eigen::internal::pstoreu(to + k * kLanes, packets_[k]);
  }
  void store(S* to, Index count) const {
    for (int k = 0; k < kPackets && k * kLanes < count; ++k) {
      const Index left = count - k * kLanes;
      left >= kLanes ? Eigen::internal::pstoreu(to + k * kLanes, packets_[k])
                     : detail::store_part(to + k * kLanes, packets_[k], left);
    }
  }

  friend Pack operator+(const Pack& a, const Pack& b) {
    return map([&](int k) { return Eigen::internal::padd(a.packets_[k], b.packets_[k]); });
  }
  friend Pack operator-(const Pack& a, const Pack& b) {
    return map([&](int k) { return Eigen::internal::psub(a.packets_[k], b.packets_[k]); });
  }
  friend Pack operator*(const Pack& a, const Pack& b) {
    return map([&](int k) { return Eigen::internal::pmul(a.packets_[k], b.packets_[k]); });
  }
  friend Pack operator/(const Pack& a, const Pack& b) {
    return map([&](int k) { return Eigen::internal::pdiv(a.packets_[k], b.packets_[k]); });
  }
  friend Pack operator-(const Pack& a) {
    return map([&](int k) { return Eigen::internal::pnegate(a.packets_[k]); });
  }
  Pack& operator+=(const Pack& b) { return *this = *this + b; }

  /// The result of a comparison. The compiler's own vector comparison and choice, which become one
  /// compare and one blend; Eigen's go through a vector of bits, at twice the instructions with
  /// AVX-512.
  struct Mask {
    decltype(Packet() < Packet()) packets[std::size_t{kPackets}];
  };
  friend Mask operator<(const Pack& a, const Pack& b) {
    return compare([&](int k) { return a.packets_[k] < b.packets_[k]; });
  }
  friend Mask operator<=(const Pack& a, const Pack& b) {
    return compare([&](int k) { return a.packets_[k] <= b.packets_[k]; });
  }
  friend Mask operator==(const Pack& a, const Pack& b) {
    return compare([&](int k) { return a.packets_[k] == b.packets_[k]; });
  }
  friend Mask operator>(const Pack& a, const Pack& b) { return b < a; }
  friend Mask operator>=(const Pack& a, const Pack& b) { return b <= a; }
  friend Pack choose(const Mask& mask, const Pack& yes, const Pack& no) {
    return map([&](int k) { return mask.packets[k] ? yes.packets_[k] : no.packets_[k]; });
  }

  /// Eigen's float form refines 1/sqrt(x), and inf * 0 is NaN.
  LONGHAND_INLINE friend Pack sqrt(const Pack& x) {
    const Pack root = map([&](int k) { return Eigen::internal::psqrt(x.packets_[k]); });
    return choose(x < Pack(std::numeric_limits<S>::infinity()), root, x);
  }
  /// Eigen clamps the argument: a NaN would be lost, and e^-inf would be 3e-39 in float, which a
  /// factor of 1e38 makes visible (silu, gelu). Below the normal numbers the result is 0.
  friend Pack exp(const Pack& x) {
    constexpr double smallest = std::is_same_v<S, float> ? -87.336544 : -708.39641;
    const Pack e = map([&](int k) { return Eigen::internal::pexp(x.packets_[k]); });
    return choose(x == x, choose(x < Pack(smallest), Pack(0), e), x);
  }
  friend Pack log(const Pack& x) {
    return map([&](int k) { return Eigen::internal::plog(x.packets_[k]); });
  }
  friend Pack log1p(const Pack& x) {
    const Pack one(1), u = one + x;
    const Pack small_or_infinite = log(u);
    const Pack corrected = small_or_infinite * (x / (u - one));
    return choose(u == one, x, choose(u == small_or_infinite, small_or_infinite, corrected));
  }
  /// log1p of a number in [0, 1]. In float it is 2 atanh(s) with s = x / (2 + x), at most 1/3, by
  /// the first terms of its series with coefficients for that interval: nothing cancels, and there
  /// is no other case. Error: 2.
  friend Pack log1p_unit(const Pack& x) {
    if constexpr (std::is_same_v<S, float>) {
      constexpr double c[] = {2, 0.666666397, 0.400076709, 0.282339552, 0.268675533};
      const Pack s = x / (Pack(2) + x);
      return s * polynomial(s * s, c);
    } else {
      return log1p(x);
    }
  }
  friend Pack abs(const Pack& x) {
    return map([&](int k) { return Eigen::internal::pabs(x.packets_[k]); });
  }
  friend Pack expm1(const Pack& x) {
    const Pack one(1), u = exp(x), v = u - one, l = log(u);
    const Pack corrected = v * (x / l);
    return choose(u == one, x, choose(v == -one, v, choose(u == l, u, corrected)));
  }
  friend Pack tanh(const Pack& x) {
    const Pack negative = expm1(Pack(-2) * choose(x > Pack(0), x, -x));
    const Pack magnitude = -negative / (negative + Pack(2));
    return choose(x > Pack(0), magnitude, -magnitude);
  }

  friend Pack erf(const Pack& x) { return erf_rational(x); }

  /// Adds the lanes in a fixed tree: halves onto halves.
  S sum() const {
    Pack half = *this;
    for (int n = kPackets / 2; n > 0; n /= 2)
      for (int k = 0; k < n; ++k)
        half.packets_[k] = Eigen::internal::padd(half.packets_[k], half.packets_[k + n]);
    alignas(64) S lane[std::size_t{kLanes}];
    Eigen::internal::pstoreu(lane, half.packets_[0]);
    for (int n = kLanes / 2; n > 0; n /= 2)
      for (int i = 0; i < n; ++i) lane[i] += lane[i + n];
    return lane[0];
  }

 private:
  template <class F>
  static Mask compare(const F& f) {
    Mask r;
#pragma GCC unroll 8
    for (int k = 0; k < kPackets; ++k) r.packets[k] = f(k);
    return r;
  }
  template <class F>
  static Pack map(const F& f) {
    Pack r;
#pragma GCC unroll 8
    for (int k = 0; k < kPackets; ++k) r.packets_[k] = f(k);
    return r;
  }

  Packet packets_[std::size_t{kPackets}];
};

}  // namespace longhand
