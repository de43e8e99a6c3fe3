// SPDX-License-Identifier: MIT
#include "commands.hpp"

namespace longhand::cli {

ExitCode run(const PlotArguments& /*arguments*/) {
  throw Failure(ExitCode::usage, "this program was built without Cairo, which draws plots");
}

}  // namespace longhand::cli
