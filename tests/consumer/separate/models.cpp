// SPDX-License-Identifier: MIT
// The one file that compiles what the others only use.
#include <longhand/separate.ipp>

#include "project.hpp"

LONGHAND_SEPARATE_INFERENCE(, longhand::Vae<longhand::Cpu<float>, Likelihood, Latent>);
LONGHAND_SEPARATE_TRAINING(, longhand::Vae<longhand::Cpu<float>, Likelihood, Latent>);
