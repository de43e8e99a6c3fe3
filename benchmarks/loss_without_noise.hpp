// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/models/vae.hpp"

namespace longhand::benchmark {

/// The objective with z = mu instead of a draw, in nats per row: without noise, every framework
/// must find the same number.
template <class B>
double loss_without_noise(const Vae<B>& vae, const Samples<float>& x) {
  const auto doubles = [](const Samples<float>& samples) -> Eigen::ArrayXXd {
    return samples.in_columns().template cast<double>();
  };
  const Samples<float> mean = vae.encode(x);
  const Eigen::ArrayXXd t = doubles(x), q = doubles(vae.decode(mean)), m = doubles(mean),
                        l = doubles(vae.encode_logvar(x));
  const double nll = -(t * q.log() + (1 - t) * (1 - q).log()).sum();
  const double kl = -0.5 * (1 + l - m.square() - l.exp()).sum();
  return (nll + kl) / static_cast<double>(x.count());
}

}  // namespace longhand::benchmark
