// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <longhand/gradcheck/prove_power.hpp>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("prove power: every standard error in a sound check is found") {
  Layer layer;
  const PowerReport power =
      prove_power([&](const CheckOptions& options) { return layer.check(options); });
  CHECK_MESSAGE(power.passed(), power.text());
  CHECK(power.trials.size() >= 18);
  CHECK(power.text().find("deliberate errors found") != std::string::npos);
}

TEST_CASE("prove power: a check that ignores its options has none") {
  Layer layer;
  const PowerReport power = prove_power([&](const CheckOptions&) { return layer.check(); });
  CHECK(!power.passed());
}

TEST_CASE("prove power: a check that passes everything has none") {
  Layer layer;
  const PowerReport power = prove_power([&](const CheckOptions& options) {
    GradientReport r = layer.check(options);
    r.verdict = Verdict::pass;
    return r;
  });
  CHECK(!power.passed());
  CHECK(power.missed().size() == power.trials.size());
}

TEST_CASE("prove power: a check that does not pass as it is proves nothing") {
  Layer layer;
  const PowerReport power = prove_power([&](const CheckOptions& options) {
    return layer.check([](auto dW, auto) { dW[0] = 7; }, options);
  });
  CHECK(!power.passed());
  CHECK(power.trials.empty());
  CHECK(power.text().find("does not pass") != std::string::npos);
}

TEST_CASE("prove power: only FAIL counts as found") {
  Layer layer;
  const PowerReport power = prove_power([&](const CheckOptions& options) {
    GradientReport r = layer.check(options);
    if (!r.passed()) r.verdict = Verdict::unresolved;
    return r;
  });
  CHECK(!power.passed());
}
