// SPDX-License-Identifier: MIT
#include "model_of.hpp"

namespace longhand::cli {

std::unique_ptr<Model> make_float_model(const ModelSpec& spec, int threads) {
  return make_model_on(spec, Cpu<float>(threads));
}
std::unique_ptr<Model> load_float_model(const std::string& path, const ModelSpec& spec, bool bare,
                                        int threads) {
  return load_model_on(path, spec, bare, Cpu<float>(threads));
}

}  // namespace longhand::cli
