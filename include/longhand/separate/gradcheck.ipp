// SPDX-License-Identifier: MIT
// The gradient checker's engine, defined (separate.hpp).
#include "longhand/gradcheck/check_part.hpp"

namespace longhand::detail {
template GradientReport run_check<void>(std::string, std::vector<NamedTensor>, Objective::Forward,
                                        Subject::Backward, bool, CheckOptions);
template void check_identities<void>(const Part&, std::size_t, Random&);
}  // namespace longhand::detail
