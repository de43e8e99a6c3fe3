// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/polynomial.hpp"
#include "longhand/math/scalar.hpp"

namespace longhand {

/// erf for value types that have no erf of their own: rational approximations of fdlibm (s_erf.c,
/// Sun Microsystems 1993) on three intervals, all evaluated, the right one chosen, so that there is
/// no data-dependent branch. (fdlibm has a fourth one, for erfc beyond 1/0.35; erf is so close to 1
/// there that the third gives the same numbers.) Error: 1 epsilon of the value.
template <class T>
LONGHAND_HD T erf_rational(const T& x) {
  constexpr double p0[] = {1.28379167095512558561e-01, -3.25042107247001499370e-01,
                           -2.84817495755985104766e-02, -5.77027029648944159157e-03,
                           -2.37630166566501626084e-05};
  constexpr double q0[] = {1.0,
                           3.97917223959155352819e-01,
                           6.50222499887672944485e-02,
                           5.08130628187576562776e-03,
                           1.32494738004321644526e-04,
                           -3.96022827877536812320e-06};
  constexpr double p1[] = {-2.36211856075265944077e-03, 4.14856118683748331666e-01,
                           -3.72207876035701323847e-01, 3.18346619901161753674e-01,
                           -1.10894694282396677476e-01, 3.54783043256182359371e-02,
                           -2.16637559486879084300e-03};
  constexpr double q1[] = {1.0,
                           1.06420880400844228286e-01,
                           5.40397917702171048937e-01,
                           7.18286544141962662868e-02,
                           1.26171219808761642112e-01,
                           1.36370839120290507362e-02,
                           1.19844998467991074170e-02};
  constexpr double p2[] = {-9.86494403484714822705e-03, -6.93858572707181764372e-01,
                           -1.05586262253232909814e+01, -6.23753324503260060396e+01,
                           -1.62396669462573470355e+02, -1.84605092906711035994e+02,
                           -8.12874355063065934246e+01, -9.81432934416914548592e+00};
  constexpr double q2[] = {1.0,
                           1.96512716674392571292e+01,
                           1.37657754143519042600e+02,
                           4.34565877475229228821e+02,
                           6.45387271733267880336e+02,
                           4.29008140027567833386e+02,
                           1.08635005541779435134e+02,
                           6.57024977031928170135e+00,
                           -6.04244152148580987438e-02};
  const T magnitude = choose(x > T(0), x, -x);
  const T z = x * x;
  const T near_zero = x + x * (polynomial(z, p0) / polynomial(z, q0));
  const T s = magnitude - T(1);
  const T middle = T(8.45062911510467529297e-01) + polynomial(s, p1) / polynomial(s, q1);
  // 1 - erfc(x), which reads 1/x^2; where it is not chosen x is held at 1 to stay finite.
  const T far = choose(magnitude < T(1), T(1), magnitude);
  const T r = T(1) / (far * far);
  const T tail = T(1) - exp(-(far * far) - T(0.5625) + polynomial(r, p2) / polynomial(r, q2)) / far;
  const T beyond = choose(magnitude < T(1.25), middle, tail);
  return choose(magnitude < T(0.84375), near_zero, choose(x < T(0), -beyond, beyond));
}

}  // namespace longhand
