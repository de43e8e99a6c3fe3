// SPDX-License-Identifier: MIT
#include "wrong.hpp"

#include <cstdio>
#include <map>
#include <optional>
#include <tuple>

#include "random_vae.hpp"
#include "spoils.hpp"
#include "statistics.hpp"

namespace longhand::study {

namespace {

/// A class of errors: a slip inside the backward, or an error in the finished gradient.
struct WrongClass {
  Slip slip = Slip::none;
  const Spoil* spoil = nullptr;

  std::string name() const { return spoil != nullptr ? spoil->name : name_of(slip); }
  bool dual() const { return spoil != nullptr && spoil->dual; }
};
std::vector<WrongClass> all_classes() {
  std::vector<WrongClass> all;
  for (std::size_t k = 1; k < kSlips.size(); ++k) all.push_back({static_cast<Slip>(k), nullptr});
  for (const Spoil& s : spoils()) all.push_back({Slip::none, &s});
  return all;
}

/// Sizes of a textbook example; a third with a planted kink, a fifth with an offset in the loss.
std::shared_ptr<SmallVae> vae_for(const WrongClass& wrong, Draw& draw) {
  Setting s;
  s.inputs = draw.between(1, 6), s.hidden = draw.between(1, 6), s.latent = draw.between(1, 4);
  s.batch = draw.between(1, 6);
  s.conditions = draw.one_in(5) ? 2 : 0;
  const bool plant = wrong.slip == Slip::slope_two_at_zero || draw.one_in(3);
  s.activation = plant ? kinked_activation(draw) : any_activation(draw);
  s.output = draw.one_of({Output::bernoulli, Output::gaussian, Output::learned});
  s.bound = draw.one_of({std::numeric_limits<double>::infinity(), 15.0, 3.0});
  s.beta = draw.one_of({0.1, 0.5, 2.0, 4.0, 10.0});
  s.variance = draw.magnitude(0.1, 10);
  s.dropout = draw.one_in(5) ? 0.3 : 0;
  s.masked = draw.one_in(5), s.weighted = draw.one_in(5);
  s.contracted = draw.one_in(3);
  s.differentiate_input = draw.one_in(4);
  if (!s.contracted && draw.one_in(4)) s.offset = 1e3;
  if (wrong.spoil != nullptr && draw.one_in(2)) need::square_latent(s);
  kSlips[static_cast<std::size_t>(wrong.slip)].need(s);
  VaeMaker maker(draw);
  const auto vae = maker.make(s);
  if (plant) maker.plant(*vae);
  maker.leave_a_stale_cache(*vae);
  return vae;
}

/// The gradient at the given inputs.
TensorGradients gradient_of(const Case& c, Cotangent cotangent) {
  TensorGradients g(c.tensors);
  (void)c.forward();
  c.backward(cotangent, g);
  return g;
}
double largest(std::span<const double> v) {
  double m = 0;
  for (const double x : v) m = std::max(m, std::fabs(x));
  return m;
}

/// What each tensor's comparison could not have seen, beside the tensor's largest gradient.
using Resolutions = std::vector<double>;
Resolutions resolutions_of(const GradientReport& report) {
  Resolutions all;
  for (const CheckedTensor& t : report.tensors) all.push_back(t.resolution);
  return all;
}

/// Whether the error is larger than what could hide, in one tensor at least: than the resolution,
/// and an eighth of it more. (An entry passes within 8 estimated errors of the difference, which is
/// itself one such error away from the truth.)
bool visible(const Resolutions& resolutions, const TensorGradients& right,
             const TensorGradients& wrong) {
  double all = 0;
  for (std::size_t t = 0; t < right.size(); ++t) all = std::max(all, largest(right.at(t)));
  for (std::size_t t = 0; t < right.size(); ++t) {
    const double scale = std::max(largest(right.at(t)), 1e-6 * all);
    double error = 0;
    for (std::size_t i = 0; i < right.at(t).size(); ++i)
      error = std::max(error, std::fabs(right.at(t)[i] - wrong.at(t)[i]));
    if (error > 1.125 * resolutions[t] * scale) return true;
  }
  return false;
}

/// What the check of a right gradient says.
struct Clean {
  Resolutions resolutions;        ///< empty if it does not pass
  std::vector<double> cotangent;  ///< that the checker drew
};
/// Many classes share their cases.
class CleanChecks {
 public:
  const Clean& of(const WrongClass& wrong, std::uint64_t seed, Case right,
                  const CheckOptions& options) {
    const auto [place, is_new] =
        known_.try_emplace({kSlips[static_cast<std::size_t>(wrong.slip)].need,
                            wrong.spoil != nullptr, wrong.dual(), seed});
    Clean& clean = place->second;
    if (!is_new) return clean;
    right.backward = [backward = right.backward, &clean](Cotangent d, TensorGradients& g) {
      clean.cotangent.assign(d.begin(), d.end());
      backward(d, g);
    };
    const GradientReport report = judge(right, options);
    if (!report.passed()) return clean;
    clean.resolutions = resolutions_of(report);
    // Dual numbers state no resolution: half the error asked for, so that none too small counts. At
    // kinks they are not asked.
    if (wrong.dual())
      for (std::size_t t = 0; t < report.tensors.size(); ++t)
        if (report.tensors[t].verdict == Verdict::pass) clean.resolutions[t] = 0.5e-10;
    return clean;
  }

 private:
  std::map<std::tuple<void (*)(Setting&), bool, bool, std::uint64_t>, Clean> known_;
};

/// One case of a class: nothing if the error cannot be made there, or is too small to be seen.
struct Trial {
  GradientReport report;
  bool planted = false;
  std::size_t tensor = 0;  ///< that was spoilt
  bool hidden = false;     ///< it passes, and its own resolution says that this much could hide
};
std::optional<Trial> try_class(const WrongClass& wrong, std::uint64_t seed, CleanChecks& checks) {
  Draw draw(seed);
  const auto vae = vae_for(wrong, draw);
  Case c = case_of(vae, wrong.name());
  Trial trial;
  trial.planted = vae->planted;
  CheckOptions options;
  options.seed = seed;
  if (wrong.dual()) options.dual = c.dual;
  if (wrong.spoil != nullptr) {
    std::vector<std::size_t> fitting;
    for (std::size_t t = 0; t < c.tensors.size(); ++t)
      if (!c.tensors[t].values.empty() &&
          wrong.spoil->fits(c.tensors[t].row_count(), c.tensors[t].col_count()))
        fitting.push_back(t);
    if (fitting.empty()) return {};
    trial.tensor = fitting[draw.below(fitting.size())];
  }
  const Clean& clean = checks.of(wrong, seed, c, options);
  if (clean.resolutions.empty()) return {};
  const TensorGradients right = gradient_of(c, clean.cotangent);
  if (wrong.spoil != nullptr) {
    c.backward = [right_backward = c.backward, apply = wrong.spoil->apply, t = trial.tensor,
                  tensor = c.tensors[trial.tensor],
                  pick = draw.below(1000)](Cotangent d, TensorGradients& g) {
      right_backward(d, g);
      apply(g.at(t), tensor.row_count(), tensor.col_count(), pick);
    };
  } else {
    vae->slip = wrong.slip;
  }
  const TensorGradients spoilt = gradient_of(c, clean.cotangent);
  if (!visible(clean.resolutions, right, spoilt)) return {};
  trial.report = judge(c, options);
  trial.hidden = trial.report.passed() && !wrong.dual() &&
                 !visible(resolutions_of(trial.report), right, spoilt);
  return trial;
}

struct Score {
  std::size_t counted = 0, found = 0, hidden = 0, planted = 0, planted_found = 0, diagnosed = 0;
};

}  // namespace

bool run_wrong(std::size_t cases, std::uint64_t first_seed, std::optional<std::size_t> only) {
  std::printf("Wrong gradients: cases found (FAIL) of those whose error is above the resolution\n");
  Score all;
  CleanChecks checks;
  std::size_t words = 0, right_words = 0;
  const std::vector<WrongClass> classes = all_classes();
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (only && *only != k) continue;
    const WrongClass& wrong = classes[k];
    Score score;
    for (std::uint64_t seed = first_seed; score.counted < cases && seed < first_seed + 20 * cases;
         ++seed) {
      const std::optional<Trial> trial = try_class(wrong, seed, checks);
      if (!trial) continue;
      if (trial->hidden) {
        ++score.hidden;
        continue;
      }
      const bool found = trial->report.verdict == Verdict::fail;
      ++score.counted, score.found += found;
      score.planted += trial->planted, score.planted_found += trial->planted && found;
      if (!found)
        std::printf("  missed (%s): class %zu, seed %llu\n",
                    std::string(longhand::name_of(trial->report.verdict)).c_str(), k,
                    static_cast<unsigned long long>(seed));
      if (wrong.spoil != nullptr && found && trial->report.reason.empty())
        score.diagnosed += trial->report.tensors[trial->tensor].diagnosis.find(
                               wrong.spoil->diagnosis) != std::string::npos;
    }
    std::printf("  %3zu %-42s %6zu of %6zu", k, wrong.name().c_str(), score.found, score.counted);
    std::printf("  at kinks %5zu of %5zu", score.planted_found, score.planted);
    if (wrong.spoil != nullptr && wrong.spoil->diagnosis[0] != '\0') {
      std::printf("  diagnosis right %.1f%%", percent(score.diagnosed, score.found));
      words += score.found, right_words += score.diagnosed;
    }
    std::printf("%s\n", score.counted < cases ? "  (few)" : "");
    all.hidden += score.hidden;
    all.counted += score.counted, all.found += score.found;
    all.planted += score.planted, all.planted_found += score.planted_found;
  }
  std::printf("  %zu classes: %zu of %zu found (%.4f%%), at planted kinks %zu of %zu (%.4f%%)\n",
              only ? 1 : classes.size(), all.found, all.counted, percent(all.found, all.counted),
              all.planted_found, all.planted, percent(all.planted_found, all.planted));
  std::printf("  %zu more passed with a resolution coarser than their error\n", all.hidden);
  std::printf("  diagnosis of factors, transposed and off by one: %.1f%% right\n\n",
              percent(right_words, words));
  return all.found == all.counted;
}

void show_wrong(std::size_t class_index, std::uint64_t seed) {
  CleanChecks checks;
  const std::optional<Trial> trial = try_class(all_classes().at(class_index), seed, checks);
  std::printf("%s", trial ? trial->report.text().c_str() : "no case: the error cannot be seen\n");
}

}  // namespace longhand::study
