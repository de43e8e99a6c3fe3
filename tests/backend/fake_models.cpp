// SPDX-License-Identifier: MIT
#include "backend/fake_models.hpp"

LONGHAND_SEPARATE_PARTS(, longhand::test::FakeDevice);
LONGHAND_SEPARATE_INFERENCE(, longhand::Vae<longhand::test::FakeDevice>);
