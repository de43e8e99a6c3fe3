// SPDX-License-Identifier: MIT
// A user's file that says `using namespace longhand;` calls the functions of <cmath> as it did
// before: none of longhand's own makes one of these calls ambiguous, or answers it.
#include <cmath>
#include <longhand/longhand.hpp>

using namespace longhand;

template <class T>
void call(T x) {
  (void)exp(x), (void)log(x), (void)sqrt(x), (void)tanh(x), (void)abs(x), (void)pow(x, x);
  (void)log1p(x), (void)erf(x), (void)floor(x), (void)sin(x), (void)fmax(x, x), (void)pow(x, 2);
}

int main() {
  call(0.5);
  call(0.5f);
  call(2);
  const double d = exp(0.5) + log(0.5) + sqrt(0.5) + tanh(0.5) + abs(-0.5) + pow(0.5, 2.0);
  const double same =
      std::exp(0.5) + std::log(0.5) + std::sqrt(0.5) + std::tanh(0.5) + 0.5 + std::pow(0.5, 2.0);
  const double f = exp(0.5f) + log(0.5f) + sqrt(0.5f) + tanh(0.5f) + abs(-0.5f) + pow(0.5f, 2.0f);
  const double i = exp(2) + log(2) + sqrt(2) + tanh(2) + pow(2, 2);
  const int whole = abs(-2);
  return d == same && std::isfinite(f + i) && whole == 2 ? 0 : 1;
}
