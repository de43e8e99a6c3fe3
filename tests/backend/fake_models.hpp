// SPDX-License-Identifier: MIT
// Models on the device without a GPU, compiled once (fake_models.cpp).
#pragma once

#include "backend/fake_device.hpp"
#include "longhand/infer.hpp"

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_PARTS(extern, longhand::test::FakeDevice);
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Vae<longhand::test::FakeDevice>);
#endif
