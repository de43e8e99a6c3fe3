// SPDX-License-Identifier: MIT
// The kernels of longhand's own formulas.
#include "longhand/backend/cuda_launch.cuh"
#include "longhand/latent/gaussian_kl.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/math/bernoulli.hpp"
#include "longhand/math/adversarial.hpp"
#include "longhand/math/batch_changes.hpp"
#include "longhand/math/categorical.hpp"
#include "longhand/math/cross_entropy.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/optim/optimizer.hpp"

namespace longhand {
#include "formulas.def"
}
