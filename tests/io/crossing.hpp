// SPDX-License-Identifier: MIT
// A model file says nothing of the device its model was trained on.
#pragma once

#include "files.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/io/model_file.hpp"
#include "longhand/models/aae.hpp"
#include "models/gradient_parity.hpp"

namespace longhand::test {

template <class M>
std::vector<float> weights_of(const M& model) {
  std::vector<float> weights(static_cast<std::size_t>(model.params().flat().size()));
  model.backend().download(model.params().flat(), weights.data());
  return weights;
}

/// A model goes to the device and back through files: the same bytes, the same weights.
template <template <class...> class ModelOn, class Device, class Spec>
void check_crossing(const Device& backend, const Spec& spec) {
  using Here = ModelOn<Cpu<float>>;
  const files::Folder folder;
  const auto there = folder / "there", back = folder / "back";
  const Here here(spec, Cpu<float>(1));
  io::save_model(there, here);
  const ModelOn<Device> loaded = io::load_model<ModelOn<Device>>(there, backend);
  CHECK(weights_of(loaded) == weights_of(here));
  io::save_model(back, loaded);
  CHECK(io::read_file(back) == io::read_file(there));
  CHECK(weights_of(io::load_model<Here>(back, Cpu<float>(1))) == weights_of(here));
}

/// Models of all parts, and of every kind.
template <class Device>
void check_crossing(const Device& backend) {
  VaeSpec last;
  for (auto [spec, masked] : models_of_all_parts()) {
    spec.transform = {InputTransform::Kind::unit, {0.25}, {2.0}};
    check_crossing<Vae>(backend, spec);
    last = spec;
  }
  last.condition_dim = 0;
  last.latent = CodeSpec{2};
  check_crossing<Aae>(backend,
                      AaeSpec{.autoencoder = last, .prior = RingPrior{}, .discriminator = {3}});
}

}  // namespace longhand::test
