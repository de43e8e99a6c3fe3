// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <longhand/layers/activation.hpp>
#include <stdexcept>
#include <string>

using namespace longhand;

TEST_CASE("activation: chosen by name, and named again") {
  for (const char* name :
       {"relu", "leaky-relu", "tanh", "sigmoid", "softplus", "elu", "silu", "gelu", "identity"})
    CHECK(std::string(name_of(from_name<Activation>("activation", name))) == name);
  CHECK(std::holds_alternative<Relu>(Activation{}));
}

TEST_CASE("activation: an unknown name is refused with all known ones") {
  std::string said;
  try {
    from_name<Activation>("activation", "swish");
  } catch (const std::invalid_argument& error) {
    said = error.what();
  }
  CHECK(said ==
        "longhand: activation is 'swish', expected one of relu, leaky-relu, tanh, sigmoid, "
        "softplus, elu, silu, gelu, identity");
  CHECK_THROWS_AS(from_name<Activation>("activation", ""), std::invalid_argument);
}

TEST_CASE("activation: what the backward reads [ACT-14] [ACT-16]") {
  int input = 0;
  for (const Activation& a : {Activation(Relu{}), Activation(LeakyRelu{}), Activation(Tanh{}),
                              Activation(Sigmoid{}), Activation(Softplus{}), Activation(Elu{}),
                              Activation(Silu{}), Activation(Gelu{}), Activation(Identity{})})
    input += saved_by(a) == Saved::input;
  CHECK(input == 2);
  CHECK(saved_by(Silu{}) == Saved::input);
  CHECK(saved_by(Gelu{}) == Saved::input);
}
