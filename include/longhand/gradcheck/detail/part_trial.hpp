// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/guarded.hpp"
#include "longhand/gradcheck/detail/objective.hpp"

namespace longhand::detail {

/// A contract that a part does not keep; the sentence goes into the report.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Numbers for one call of a part, without gaps.
struct PartData {
  std::size_t size = 0;
  std::vector<std::vector<double>> inputs;  ///< in the order of Part::inputs
  std::vector<double> dy;
  std::vector<std::uint32_t> sample;

  /// Random numbers for a batch of n.
  PartData(const Part& part, std::size_t n, Random& random) : size(n) {
    for (const PartInput& in : part.inputs) {
      std::vector<double> values(in.rows * n);
      for (double& v : values)
        v = in.among.empty() ? in.low + (in.high - in.low) * random.uniform()
                             : in.among[random.below(in.among.size())];
      inputs.push_back(std::move(values));
    }
    for (std::size_t k = 0; k < part.outputs * n; ++k) dy.push_back(random.weight());
    for (std::size_t j = 0; j < n; ++j) sample.push_back(static_cast<std::uint32_t>(3 + 7 * j));
  }

  /// The batch made of these columns of this one.
  PartData columns(const Part& part, const std::vector<std::size_t>& which) const {
    PartData some;
    some.size = which.size();
    const auto pick = [&](const std::vector<double>& from, std::size_t rows) {
      std::vector<double> to;
      for (const std::size_t j : which)
        for (std::size_t i = 0; i < rows; ++i) to.push_back(from[i + j * rows]);
      return to;
    };
    for (std::size_t k = 0; k < inputs.size(); ++k)
      some.inputs.push_back(pick(inputs[k], part.inputs[k].rows));
    some.dy = pick(dy, part.outputs);
    for (const std::size_t j : which) some.sample.push_back(sample[j]);
    return some;
  }

 private:
  PartData() = default;
};

/// How a part is called.
struct Manner {
  std::size_t gap = 0;  ///< between the columns of all matrices
  GradientWrite write = GradientWrite::assign;
  double add_to = 0;                  ///< what gradients hold before GradientWrite::add
  bool dinputs = true;                ///< whether gradients of the inputs are wanted
  const PartData* between = nullptr;  ///< other data, forwarded between forward and backward
  int backwards = 1;
};

/// What one call left: the outputs, and the gradients, those of the inputs before those of the
/// parameters.
struct Outcome {
  std::vector<double> y;
  std::vector<std::vector<double>> gradients;
};

/// Calls a part on guarded copies of data. Throws Broken when it writes where it must not.
class PartTrial {
 public:
  explicit PartTrial(const Part& part) : part_(part) {
    for (const PartInput& in : part.inputs)
      if (in.differentiate) names_.push_back(in.name);
    first_parameter_ = names_.size();
    for (const NamedTensor& t : part.parameters) names_.push_back(t.name);
  }

  const Part& part() const { return part_; }
  /// The names of the tensors whose gradients an Outcome has, in its order.
  const std::vector<std::string>& names() const { return names_; }
  std::size_t first_parameter() const { return first_parameter_; }

  Outcome run(const PartData& data, const Manner& manner = {}) const {
    if (part_.forget) part_.forget();
    std::vector<std::vector<double>> parameters;
    for (const NamedTensor& t : part_.parameters)
      parameters.emplace_back(t.values.begin(), t.values.end());
    Call call(part_, data, manner.gap);
    const PartCache cache = call.forward();
    std::optional<Call> other;  // a part that remembers its last inputs may still read them
    if (manner.between != nullptr) {
      const std::vector<double> kept = call.y.flat();
      other.emplace(part_, *manner.between, manner.gap).forward();
      if (!same_bits(kept, call.y.flat())) throw Broken("another forward changes the output");
    }
    Outcome outcome;
    outcome.y = call.y.flat();
    prepare_gradients(manner);
    const std::vector<double> around(part_.gradient_memory.begin(), part_.gradient_memory.end());
    Guarded dy(data.dy, part_.outputs, data.size, manner.gap);
    std::vector<Guarded> dinputs;
    for (const PartInput& in : part_.inputs)
      if (in.differentiate) dinputs.emplace_back(in.rows, data.size, manner.gap);
    for (int k = 0; k < manner.backwards; ++k) {
      std::vector<PartMatrix> wanted;
      for (Guarded& d : dinputs) wanted.push_back(manner.dinputs ? d.matrix() : PartMatrix{});
      part_.backward(
          call.batch, cache, dy.matrix(), wanted,
          k > 0 && manner.write == GradientWrite::assign ? GradientWrite::add : manner.write);
    }
    if (!dy.unchanged()) throw Broken("backward changes the gradient of the outputs");
    if (!same_bits(outcome.y, call.y.flat())) throw Broken("backward changes the outputs");
    call.require_intact("backward");
    for (std::size_t k = 0; k < dinputs.size(); ++k) {
      if (!dinputs[k].intact_around())
        throw Broken("backward writes outside of the gradient of '" + names_[k] + "'");
      outcome.gradients.push_back(dinputs[k].flat());
    }
    require_only_gradients_written(around);
    for (const std::span<double> g : part_.gradients)
      outcome.gradients.emplace_back(g.begin(), g.end());
    for (std::size_t t = 0; t < parameters.size(); ++t) {
      const std::span<double> now = part_.parameters[t].values;
      if (!same_bits(parameters[t], {now.begin(), now.end()}))
        throw Broken("the call changes the parameter '" + part_.parameters[t].name + "'");
    }
    return outcome;
  }

  static bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
  }

 private:
  /// A forward on guarded copies.
  struct Call {
    const Part& part;
    std::vector<Guarded> inputs;
    Guarded y;
    PartBatch batch;

    Call(const Part& p, const PartData& data, std::size_t gap)
        : part(p), y(p.outputs, data.size, gap) {
      batch.size = data.size;
      batch.sample = data.sample;
      for (std::size_t k = 0; k < data.inputs.size(); ++k)
        inputs.emplace_back(data.inputs[k], p.inputs[k].rows, data.size, gap);
      for (Guarded& in : inputs) batch.inputs.push_back(in.matrix());
    }
    PartCache forward() {
      PartCache cache = part.forward(batch, y.matrix());
      require_intact("forward");
      if (!y.intact_around()) throw Broken("forward writes outside of its output");
      for (const double v : y.flat())
        if (!std::isfinite(v))
          throw Broken("an output is not finite, or was never assigned, on ordinary inputs");
      return cache;
    }
    void require_intact(const std::string& who) const {
      for (std::size_t k = 0; k < inputs.size(); ++k)
        if (!inputs[k].unchanged())
          throw Broken(who + " changes the input '" + part.inputs[k].name + "'");
    }
  };

  /// What must be overwritten, or must survive, is NaN.
  void prepare_gradients(const Manner& manner) const {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    std::fill(part_.gradient_memory.begin(), part_.gradient_memory.end(), nan);
    for (const std::span<double> g : part_.gradients)
      std::fill(g.begin(), g.end(), manner.write == GradientWrite::add ? manner.add_to : nan);
  }
  void require_only_gradients_written(const std::vector<double>& before) const {
    for (std::size_t k = 0; k < before.size(); ++k) {
      const double* const place = part_.gradient_memory.data() + k;
      bool inside = false;
      for (const std::span<double> g : part_.gradients)
        inside = inside || (place >= g.data() && place < g.data() + g.size());
      if (!inside && std::memcmp(place, &before[k], sizeof(double)) != 0)
        throw Broken("backward writes between the gradients of the parameters");
    }
  }

  const Part& part_;
  std::vector<std::string> names_;
  std::size_t first_parameter_ = 0;
};

}  // namespace longhand::detail
