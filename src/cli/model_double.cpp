// SPDX-License-Identifier: MIT
#include "model_of.hpp"

namespace longhand::cli {

template std::unique_ptr<Model> make_model_of<double>(const VaeConfig&, int);
template std::unique_ptr<Model> load_model_of<double>(const std::string&, const VaeConfig*, int);

}  // namespace longhand::cli
