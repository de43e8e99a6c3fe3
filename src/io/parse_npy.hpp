// SPDX-License-Identifier: MIT
#pragma once

#include "longhand/io/tensor.hpp"
#include "source.hpp"

namespace longhand::io {

/// Reads an npy file to its end, wherever its bytes come from: a file, or a member of an archive.
Tensor parse_npy(Source& source);

}  // namespace longhand::io
