// SPDX-License-Identifier: MIT
#pragma once

/// What this program can measure; each serves requests until there are no more.
namespace longhand::benchmark {

void prepare();                   ///< writes initial weights and the order of rows for everyone
void train(int threads);          ///< training steps
void time_stages(int threads);    ///< training steps, with the time spent in each primitive
void time_products(int threads);  ///< single products, beside Eigen's own
void infer(int threads);          ///< reconstructions
void measure_fma(int threads);    ///< the machine's most multiply-adds
void measure_read(int threads);   ///< the machine's most bytes read

}  // namespace longhand::benchmark
