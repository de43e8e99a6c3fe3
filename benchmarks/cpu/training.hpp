// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "../loss_without_noise.hpp"
#include "longhand/train/trainer.hpp"
#include "workload.hpp"

namespace longhand::benchmark {

/// Trains as a user does, with Trainer, and measures from one of its steps to another: when the
/// steps of a run are done, the trainer waits inside its callback for the next request. Returns the
/// request that ended the training.
///
/// `observer.start(request)` is called when a run begins, `observer.add_to(answer)` when it ends.
template <class B, class Observer>
Request serve_training(const B& backend, const Json& setup, Observer& observer) {
  using Clock = std::chrono::steady_clock;
  const Rows rows = read_rows(setup);
  Vae<B> vae = io::load_model<Vae<B>>(setup.at("weights").get<std::string>(), backend);
  const Index batch = setup.at("batch");
  answer({{"loss_without_noise", loss_without_noise(vae, rows.numbers(batch))}});

  Request request = next_request();
  Index left = 0;
  double loss = 0;
  Clock::time_point start;
  const auto begin = [&] {
    left = request->at("steps");
    loss = 0;
    observer.start(*request);
    start = Clock::now();
  };
  std::atomic<bool> leave = false;
  TrainOptions options{.epochs = std::numeric_limits<std::int32_t>::max(),
                       .batch = batch,
                       .seed = setup.value("seed", 0u),
                       .cancel = &leave};
  options.on_step = [&](const StepReport& step) {
    loss += step.term("nll") + step.term("kl");
    if (--left > 0) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const Index steps = request->at("steps");
    Json done{{"seconds", seconds}, {"loss", loss / static_cast<double>(steps)}};
    observer.add_to(done);
    answer(done);
    request = next_request();
    if (asks_for(request, "run")) {
      begin();
    } else {
      leave = true;
    }
  };
  if (!asks_for(request, "run")) return request;
  Data<float> data;
  data.input = rows.samples();
  begin();
  Trainer<Vae<B>>(vae, options).fit(data);
  return request;
}

}  // namespace longhand::benchmark
