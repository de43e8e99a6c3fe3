// SPDX-License-Identifier: MIT
// A model file says nothing of the device its model was trained on.
#pragma once

#include "files.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/io/model_file.hpp"
#include "models/gradient_parity.hpp"

namespace longhand::test {

template <class B>
std::vector<float> weights_of(const Vae<B>& vae) {
  std::vector<float> weights(static_cast<std::size_t>(vae.params().flat().size()));
  vae.backend().download(vae.params().flat(), weights.data());
  return weights;
}

/// Models of all parts go to the device and back through files: the same bytes, the same weights.
template <class Device>
void check_crossing(const Device& backend) {
  const files::Folder folder;
  const auto there = folder / "there", back = folder / "back";
  for (auto [spec, masked] : models_of_all_parts()) {
    spec.transform = {InputTransform::Kind::unit, {0.25}, {2.0}};
    const Vae<Cpu<float>> here(spec, Cpu<float>(1));
    io::save_model(there, here);
    const Vae<Device> loaded = io::load_model<Vae<Device>>(there, backend);
    CHECK(weights_of(loaded) == weights_of(here));
    io::save_model(back, loaded);
    CHECK(io::read_file(back) == io::read_file(there));
    CHECK(weights_of(io::load_model<Vae<Cpu<float>>>(back, Cpu<float>(1))) == weights_of(here));
  }
}

}  // namespace longhand::test
