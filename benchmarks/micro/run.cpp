// SPDX-License-Identifier: MIT
#include "measure.hpp"

namespace longhand::micro {

int run(int argc, char** argv) {
  add_peaks();
  add_products();
  add_rows();
  add_sweeps();
  add_columns();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace longhand::micro
