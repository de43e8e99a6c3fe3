// SPDX-License-Identifier: MIT
#include "longhand/io/error.hpp"

namespace longhand::io {

Error::Error(std::string_view file, std::string_view field, std::string_view problem)
    : std::runtime_error(std::string(file).append(": ").append(field).append(" ").append(problem)),
      file_(file),
      field_(field) {}

}  // namespace longhand::io
