// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/replay.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/model.hpp"
#include "longhand/train/batch.hpp"
#include "longhand/train/logbook.hpp"
#include "longhand/train/options.hpp"

namespace longhand {

/// A training step of any model with everything it works with; nothing is allocated after the
/// first.
template <TrainableModel M>
class TrainingStep {
 public:
  using B = typename M::Backend;
  using S = typename B::Scalar;

  /// For a training on these samples of the data in steps of `batch`. Model and data must outlive
  /// it. Throws std::invalid_argument if the options name a player that the model does not have.
  TrainingStep(M& model, const ResidentData<B>& data, const TrainOptions& options,
               std::span<const std::uint32_t> samples, Index batch)
      : model_(model),
        seed_(options.seed),
        source_(data, options.changes),
        phases_(model.phases()),
        players_(players_of(model, options)),
        tensors_(tensors_of(model, options)),
        logbook_(model.backend(), shape_of(model, options), samples, batch),
        grads_(model.params().layout()),
        full_(std::min(options.steps_per_launch, static_cast<Index>(samples.size()) / batch)),
        last_(std::min<Index>(options.steps_per_launch, 1)) {}

  /// One player of the model in this training.
  struct Playing {
    Player player;
    OptimizerState<B> optimizer;
    ClipFactor clip_factor;
    double learning_rate;                       ///< before the schedule
    std::vector<std::pair<Index, Index>> runs;  ///< its terms as runs of neighbouring rows
  };
  const std::vector<Playing>& players() const { return players_; }

  /// A tensor whose gradient norm is reported, for one of the players that learn it.
  struct TensorNorm {
    std::string name;  ///< of the tensor; "player/tensor" where several players learn it
    Index player;
    BlockId block;
    Index first, outputs;  ///< its columns in the block
  };
  /// In the order in which the logbook has them after the players; none unless the options ask.
  const std::vector<TensorNorm>& tensors() const { return tensors_; }
  Logbook<B>& logbook() { return logbook_; }
  /// The gradients of the last step.
  const Grads<B>& grads() const { return grads_; }

  /// Takes the steps of pages first .. end - 1, the logbook being at the first. A backend that
  /// records plays them.
  void take(const B& backend, Index first, Index end) {
    const Index ragged = logbook_.samples(end - 1) < logbook_.samples(0) ? 1 : 0;
    full_.run(backend, end - first - ragged, [&](const B& on) { once(on, logbook_.samples(0)); });
    last_.run(backend, ragged, [&](const B& on) { once(on, logbook_.samples(end - 1)); });
  }

  /// The step of the next page of the logbook, which has `count` samples: gather, then phase by
  /// phase forward, backward, judgement, optimizers. Either all that a phase finds is finite, or
  /// parameters and moments are left as they were, by this phase and by all that follow until the
  /// logbook is started again [OPT-14].
  void once(const B& backend, Index count) {
    workspace_.reset();
    logbook_.begin(backend, count);
    const StepScalars<S> scalars = logbook_.scalars();
    const Pass<B> pass{.backend = backend,
                       .theta = model_.params(),
                       .grads = &grads_,
                       .workspace = workspace_,
                       .key = {.seed = seed_,
                               .step = 0,
                               .stream = Stream::latent,
                               .draw = 0,
                               .step_at = &scalars.counters->step},
                       .sample_ids = logbook_.ids(count),
                       .mode = Mode::train,
                       .scalars = scalars,
                       .gradients_aside = true};
    const Batch<B> batch = source_.gather(model_, pass);
    const View<B> terms = logbook_.terms(count);
    if (phases_.size() > 1) backend.fill(terms, S(0));  // a phase fills its own rows alone
    for (std::size_t phase = 0; phase < phases_.size(); ++phase) {
      const typename Workspace<B>::Frame frame(workspace_);
      take_phase(pass, batch, static_cast<Index>(phase), terms);
    }
    if (batch.sample_weights.present())
      backend.for_each(WeighSample{}, in<B>(terms, per_sample(batch.sample_weights)),
                       out<B>(terms));
    logbook_.end(backend, count);
  }

 private:
  void take_phase(const Pass<B>& pass, const Batch<B>& batch, Index phase, View<B> terms) {
    const B& backend = pass.backend;
    const std::vector<Index>& acting = phases_[static_cast<std::size_t>(phase)].players;
    const ParamLayout& layout = model_.params().layout();
    for (const Index p : acting)
      for (const std::string& segment : at(p).player.segments)
        grads_.clear(layout.segment(segment));
    model_.step(pass, batch, phase, terms);
    join(backend);
    for (const Index p : acting) {
      for (const std::string& segment : at(p).player.segments)
        grads_.zero_unwritten(backend, layout.segment(segment));
      judge(pass, p, terms);
    }
    for (const Index p : acting)
      at(p).optimizer.step(backend, model_.params(), grads_, logbook_.player(p));
  }

  /// The squared norm of a player's gradient, its clip factor, and whether all is finite.
  void judge(const Pass<B>& pass, Index p, View<B> terms) {
    const PlayerScalars<S> scalars = logbook_.player(p);
    const View<B> clip{scalars.clip, 1, 1, 1}, finite{scalars.finite, 1, 1, 1};
    const View<B> squared_norm = logbook_.squared_norms().middle_rows(p, 1);
    const View<B> not_finite = look_for_not_finite(pass, at(p), terms);
    const auto judgement =
        then<B>(JudgeStep{at(p).clip_factor}, in<B>(squared_norm, not_finite, finite),
                out<B>(clip, finite));  // [OPT-10] [OPT-14]
    const std::vector<ParamRange>& ranges = at(p).optimizer.ranges();
    if (ranges.size() == 1) {
      const View<B> g = grads_.flat(ranges.front());
      pass.backend.reduce(Square{}, in<B>(g), g.rows, squared_norm, judgement);
    } else {
      const Index parts = static_cast<Index>(ranges.size());
      const View<B> squares = pass.matrix(parts, 1);
      for (Index k = 0; k < parts; ++k) {
        const View<B> g = grads_.flat(ranges[static_cast<std::size_t>(k)]);
        pass.backend.reduce(Square{}, in<B>(g), g.rows, squares.middle_rows(k, 1));
      }
      pass.backend.reduce(Value{}, in<B>(squares), parts, squared_norm, judgement);
    }
    norms_by_tensor(pass, p);
  }

  /// A 1 x 1 matrix in backend memory: 0 if the player's terms are finite for every sample, else
  /// NaN.
  View<B> look_for_not_finite(const Pass<B>& pass, const Playing& playing, View<B> terms) const {
    const B& backend = pass.backend;
    const Index runs = static_cast<Index>(playing.runs.size());
    const View<B> found = pass.matrix(runs, 1), sum = pass.matrix(1, 1);
    for (Index r = 0; r < runs; ++r) {
      const auto [first, count] = playing.runs[static_cast<std::size_t>(r)];
      const View<B> rows = terms.middle_rows(first, count);
      View<B> gapless = rows;
      if (count < terms.rows) {
        gapless = pass.matrix(count, rows.cols);
        backend.copy(rows, gapless);
      }
      backend.reduce(NotFinite{}, in<B>(as_column(gapless)), rows.size(), found.middle_rows(r, 1));
    }
    if (runs == 1) return found;
    backend.reduce(Value{}, in<B>(found), runs, sum);
    return sum;
  }

  void norms_by_tensor(const Pass<B>& pass, Index p) {
    for (std::size_t k = 0; k < tensors_.size(); ++k) {
      const TensorNorm& tensor = tensors_[k];
      if (tensor.player != p) continue;
      const View<B> g = as_column(grads_[tensor.block].middle_cols(tensor.first, tensor.outputs));
      pass.backend.reduce(Square{}, in<B>(g), g.rows,
                          logbook_.squared_norms().middle_rows(
                              logbook_.shape().players + static_cast<Index>(k), 1));
    }
  }

  Playing& at(Index p) { return players_[static_cast<std::size_t>(p)]; }

  static View<B> as_column(View<B> m) { return {m.data, m.size(), 1, m.size()}; }

  static PageShape shape_of(const M& model, const TrainOptions& options) {
    PageShape shape{.terms = static_cast<Index>(model.terms().size()),
                    .schedules = static_cast<Index>(model.schedules().size())};
    for (const Player& player : model.players()) {
      ++shape.players;
      shape.weights += static_cast<Index>(player.loss.size());
    }
    shape.tensors = static_cast<Index>(tensors_of(model, options).size());
    return shape;
  }

  static std::vector<TensorNorm> tensors_of(const M& model, const TrainOptions& options) {
    std::vector<TensorNorm> tensors;
    if (!options.grad_norms) return tensors;
    const ParamLayout& layout = model.params().layout();
    const std::vector<Player> players = model.players();
    const auto learners = [&](const std::string& segment) {
      return std::ranges::count_if(players, [&](const Player& player) {
        return std::ranges::find(player.segments, segment) != player.segments.end();
      });
    };
    for (std::size_t p = 0; p < players.size(); ++p)
      for (const std::string& name : players[p].segments) {
        const auto& segment = layout.segment(name);
        const std::string prefix = learners(name) > 1 ? players[p].name + "/" : "";
        for (std::size_t b = segment.first_block; b < segment.first_block + segment.blocks; ++b)
          for (const ParamBlock::Part& part : layout.blocks()[b].parts)
            tensors.push_back({prefix + part.name, static_cast<Index>(p), static_cast<BlockId>(b),
                               part.first, part.outputs});
      }
    return tensors;
  }

  static std::vector<Playing> players_of(const M& model, const TrainOptions& options) {
    std::vector<Playing> playing;
    for (const Player& player : model.players()) {
      PlayerOptions own;
      if (const auto found = options.players.find(player.name); found != options.players.end())
        own = found->second;
      Optimizer optimizer = own.optimizer.value_or(options.optimizer);
      std::visit(
          [&](auto& o) {
            o.penalty.l1 += options.l1;
            o.penalty.l2 += options.l2;
          },
          optimizer);
      playing.push_back(
          {player,
           OptimizerState<B>(optimizer, ranges_of(model.params().layout(), player.segments)),
           ClipFactor{own.clip_norm.value_or(options.clip_norm)},
           own.learning_rate.value_or(options.learning_rate), runs_of(player)});
    }
    for (const auto& named : options.players)
      require(std::ranges::any_of(playing,
                                  [&](const Playing& p) { return p.player.name == named.first; }),
              "the options name a player '", named.first, "' that the model does not have");
    return playing;
  }
  static std::vector<std::pair<Index, Index>> runs_of(const Player& player) {
    std::vector<Index> rows;
    for (const WeightedTerm& term : player.loss) rows.push_back(term.term);
    std::ranges::sort(rows);
    std::vector<std::pair<Index, Index>> runs;
    for (const Index row : rows) {
      if (!runs.empty() && runs.back().first + runs.back().second == row)
        ++runs.back().second;
      else if (runs.empty() || runs.back().first + runs.back().second < row)
        runs.push_back({row, 1});
    }
    return runs;
  }

  M& model_;
  std::uint64_t seed_;
  BatchSource<B> source_;
  std::vector<Phase> phases_;
  std::vector<Playing> players_;
  std::vector<TensorNorm> tensors_;
  Logbook<B> logbook_;
  Grads<B> grads_;
  Workspace<B> workspace_;
  Replay<B> full_, last_;  ///< steps of full batches, the smaller one that ends an epoch
};

}  // namespace longhand
