// SPDX-License-Identifier: MIT
#include "model_of.hpp"

namespace longhand::cli {

std::unique_ptr<Model> make_double_model(const VaeConfig& config, int threads) {
  return make_model_on(config, Cpu<double>(threads));
}
std::unique_ptr<Model> load_double_model(const std::string& path, const VaeConfig* bare,
                                      int threads) {
  return load_model_on(path, bare, Cpu<double>(threads));
}

}  // namespace longhand::cli
