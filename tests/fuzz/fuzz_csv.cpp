// SPDX-License-Identifier: MIT
#include <cmath>

#include "fuzz.hpp"
#include "longhand/io/csv.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size, [](auto bytes) { return read_csv(bytes, "fuzz"); },
      [](const Table& table) {
        fuzz::require(table.values.size() == table.rows() * table.columns.size());
        const std::span<const double> values(table.values);
        const Table back = read_csv(encode_csv(table.columns, values), "fuzz");
        fuzz::require(back.columns == table.columns && back.values.size() == values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          const bool both_nan = std::isnan(back.values[i]) && std::isnan(values[i]);
          fuzz::require(both_nan || back.values[i] == values[i]);
        }
      });
}
