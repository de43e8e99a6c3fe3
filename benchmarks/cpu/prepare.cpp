// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include "jobs.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/core/permutation.hpp"
#include "workload.hpp"

namespace longhand::benchmark {

/// The rows in the order in which Trainer with seed 0 visits them: (epochs, rows) numbers.
static io::Tensor order_of(std::uint64_t rows, std::uint32_t epochs) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const Permutation of_epoch({.seed = 0, .step = epoch, .stream = Stream::order, .draw = 0},
                               static_cast<Index>(rows));
    for (std::uint32_t i = 0; i < rows; ++i) order.push_back(of_epoch(i));
  }
  return io::Tensor::of<std::uint32_t>({epochs, rows}, order);
}

void prepare() {
  while (const Request request = next_request()) {
    const Vae<Cpu<float>> vae(config_of(request->at("net")));
    io::save_model(request->at("weights").get<std::string>(), vae);
    if (request->contains("order"))
      io::write_npy(request->at("order").get<std::string>(),
                    order_of(request->at("rows"), request->at("epochs")));
    answer({{"parameters", vae.params().layout().count()}});
  }
}

}  // namespace longhand::benchmark
