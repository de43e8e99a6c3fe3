// SPDX-License-Identifier: MIT
#include "model_of.hpp"

namespace longhand::cli {

std::unique_ptr<Model> make_double_model(const ModelSpec& spec, int threads) {
  return make_model_on(spec, Cpu<double>(threads));
}
std::unique_ptr<Model> load_double_model(const std::string& path, const ModelSpec& spec, bool bare,
                                         int threads) {
  return load_model_on(path, spec, bare, Cpu<double>(threads));
}

}  // namespace longhand::cli
