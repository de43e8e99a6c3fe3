// SPDX-License-Identifier: MIT
#include "longhand/gradcheck/check_model.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "models/configs.hpp"
#include "support/models.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("whole model on the reference: gradient and contracts [ELBO-1] [ELBO-4]") {
  using B = Reference<double>;
  LONGHAND_CHECK(check_model<B>("vae with missing values", small_model(), {.masked = true}));
  LONGHAND_CHECK(check_model<B>("conditional prior, learned variance, silu", conditional_model()));
}
