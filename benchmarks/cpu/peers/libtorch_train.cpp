// SPDX-License-Identifier: MIT
// Training steps of PyTorch without Python: what torch_train.py does, in the C++ interface that
// comes with the wheel. suite/libtorch.py compiles it.
//
// Usage: libtorch_train THREADS
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "../protocol.hpp"
#include "longhand/io/npy.hpp"
#include "longhand/io/safetensors.hpp"

namespace {

using namespace longhand;
using benchmark::Json, benchmark::Request;
namespace F = torch::nn::functional;

struct Vae : torch::nn::Module {
  Vae(long inputs, const std::vector<long>& hidden, long latent) {
    std::vector<long> up{inputs}, down{latent};
    up.insert(up.end(), hidden.begin(), hidden.end());
    down.insert(down.end(), hidden.rbegin(), hidden.rend());
    for (std::size_t i = 0; i + 1 < up.size(); ++i) {
      encoder->push_back(torch::nn::Linear(up[i], up[i + 1]));
      encoder->push_back(torch::nn::ReLU());
    }
    for (std::size_t i = 0; i + 1 < down.size(); ++i) {
      decoder->push_back(torch::nn::Linear(down[i], down[i + 1]));
      decoder->push_back(torch::nn::ReLU());
    }
    decoder->push_back(torch::nn::Linear(down.back(), inputs));
    mu = torch::nn::Linear(up.back(), latent);
    logvar = torch::nn::Linear(up.back(), latent);
    register_module("encoder", encoder);
    register_module("mu", mu);
    register_module("logvar", logvar);
    register_module("decoder", decoder);
  }

  /// Negative lower bound in nats, summed over the rows.
  torch::Tensor loss(const torch::Tensor& x, bool noise) {
    const torch::Tensor h = encoder->forward(x), m = mu(h), l = logvar(h);
    const torch::Tensor z = noise ? m + torch::randn_like(m) * torch::exp(0.5 * l) : m;
    const torch::Tensor nll = F::binary_cross_entropy_with_logits(
        decoder->forward(z), x,
        F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kSum));
    return nll - 0.5 * torch::sum(1 + l - m.pow(2) - l.exp());
  }

  torch::nn::Sequential encoder, decoder;
  torch::nn::Linear mu{nullptr}, logvar{nullptr};
};

/// The array of a file; the file's content is copied.
torch::Tensor tensor_of(const io::Tensor& file, torch::Dtype type) {
  const std::vector<std::int64_t> shape(file.shape.begin(), file.shape.end());
  return torch::from_blob(const_cast<std::byte*>(file.data.data()), shape, type).clone();
}

/// Serves runs until something else is asked for, and returns that.
Request train(const Json& setup) {
  torch::manual_seed(0);
  const long rows = setup.at("rows"), batch = setup.at("batch");
  const torch::Tensor data =
      tensor_of(io::read_npy(setup.at("data").get<std::string>()), torch::kUInt8)
          .slice(0, 0, rows)
          .to(torch::kFloat32) /
      255;
  const torch::Tensor order =
      tensor_of(io::read_npy(setup.at("order").get<std::string>()), torch::kInt32)
          .to(torch::kInt64)
          .view({-1, batch});

  const Json& net = setup.at("net");
  Vae vae(net.at("input"), net.at("hidden").get<std::vector<long>>(), net.at("latent"));
  const io::Tensors weights = io::read_safetensors(setup.at("weights").get<std::string>()).tensors;
  {
    torch::NoGradGuard guard;
    for (auto& parameter : vae.named_parameters())
      parameter.value().copy_(tensor_of(weights.at(parameter.key()), torch::kFloat32));
    const torch::Tensor first = vae.loss(data.slice(0, 0, batch), false);
    benchmark::answer({{"loss_without_noise", first.item<double>() / static_cast<double>(batch)}});
  }

  torch::optim::Adam adam(vae.parameters(), torch::optim::AdamOptions(1e-3));
  long at = 0;
  Request request;
  while (benchmark::asks_for(request = benchmark::next_request(), "run")) {
    const long steps = request->at("steps");
    const auto start = std::chrono::steady_clock::now();
    torch::Tensor total = torch::zeros({});
    for (long step = 0; step < steps; ++step) {
      const torch::Tensor x = data.index_select(0, order[at++ % order.size(0)]);
      const torch::Tensor loss = vae.loss(x, true) / batch;
      adam.zero_grad();
      loss.backward();
      adam.step();
      total += loss.detach();
    }
    const double loss = total.item<double>() / static_cast<double>(steps);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    benchmark::answer({{"seconds", passed.count()}, {"loss", loss}});
  }
  return request;
}

}  // namespace

int main(int argc, char** argv) {
  torch::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  try {
    for (Request request = benchmark::next_request(); benchmark::asks_for(request, "setup");)
      request = train(*request);
  } catch (const std::exception& error) {
    benchmark::answer({{"error", error.what()}});
    return 1;
  }
}
