// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {
std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}
}  // namespace

TEST_CASE("report: the worst tensor comes first, the seed repeats it") {
  Layer layer;
  const auto spoil = [](auto, auto dx) { dx[5] *= 2; };
  const GradientReport r = layer.check(spoil, {.seed = 7});
  const std::string text = r.text();
  CHECK(text.starts_with("FAIL layer  seed 7  oracles: differences  evaluations "));
  CHECK(text.find("\n x ") < text.find("\n W "));
  CHECK(text.find("[2,1]") != std::string::npos);
  CHECK(text.find("{.seed = 7}") != std::string::npos);
  const GradientReport again = layer.check(spoil, {.seed = 7});
  REQUIRE(again.entries.size() == r.entries.size());
  for (std::size_t k = 0; k < r.entries.size(); ++k) {
    CHECK(again.entries[k].numeric == r.entries[k].numeric);
    CHECK(again.entries[k].bound == r.entries[k].bound);
  }
  CHECK(layer.check(spoil, {.seed = 8}).entries[0].numeric != r.entries[0].numeric);
}

TEST_CASE("report: every pass states its resolution, and an error of that size is found") {
  Layer layer;
  const GradientReport r = layer.check();
  for (const CheckedEntry& e : r.entries) CHECK(e.resolution > 0);
  CHECK(r.resolution >= r.tensors[0].resolution);
  const double large = 4 * r.resolution;
  CHECK(layer
            .check([&](auto dW, auto dx) {
              for (double& g : dW) g *= 1 + large;
              for (double& g : dx) g *= 1 + large;
            })
            .verdict == Verdict::fail);
}

TEST_CASE("report: JSON has every tensor and, asked for, every entry") {
  Layer layer;
  GradientReport r = layer.check();
  r.name = "quote \" backslash \\ newline \n";
  const std::string json = r.json(), full = r.json(true);
  CHECK(json.find("\"name\":\"quote \\\" backslash \\\\ newline \\u000a\"") != std::string::npos);
  CHECK(json.find("\"verdict\":\"PASS\",\"passed\":true") != std::string::npos);
  CHECK(count(json, "\"name\":") == 3);
  CHECK(count(json, "\"analytic\":") == 2);
  CHECK(count(full, "\"analytic\":") == 2 + r.entries.size());
  CHECK(json.find("nan") == std::string::npos);
  CHECK(count(full, "{") == count(full, "}"));
}

TEST_CASE("report: a refusal has a sentence and no numbers") {
  const GradientReport r = check_gradient(
      "nothing", {}, [] { return 1.0; }, [](TensorGradients&) {});
  CHECK(r.text().starts_with("FAIL nothing  seed 1  oracles: differences  evaluations 0  "));
  CHECK(r.text().ends_with("\n the list of tensors is empty: nothing was checked\n"));
  CHECK(r.worst() == nullptr);
  CHECK(r.json().find("\"tensors\":[]") != std::string::npos);
}

TEST_CASE("report: names of verdicts") {
  CHECK(name_of(Verdict::pass) == "PASS");
  CHECK(name_of(Verdict::kink_ok) == "KINK_OK");
  CHECK(name_of(Verdict::no_power) == "NO_POWER");
  CHECK(name_of(Verdict::unresolved) == "UNRESOLVED");
  CHECK(name_of(Verdict::nondeterministic) == "NONDETERMINISTIC");
  CHECK(name_of(Verdict::fail) == "FAIL");
  CHECK(passes(Verdict::kink_ok));
  CHECK(!passes(Verdict::no_power));
}
