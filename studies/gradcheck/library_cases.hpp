// SPDX-License-Identifier: MIT
#pragma once
#include "case.hpp"
#include "draw.hpp"

namespace longhand::study {

/// A net of dense layers of the library, its outputs contracted: layers of 0 to 2 widths up to 64,
/// every activation, dropout.
Case any_net(Draw& draw);

/// A model of the library: every activation, likelihood, latent and prior, conditions, masks,
/// row weights, dropout. The loss of every row, or their mean plus `offset`.
Case any_library_vae(Draw& draw, double& offset);

}  // namespace longhand::study
