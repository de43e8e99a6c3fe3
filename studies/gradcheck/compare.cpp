// SPDX-License-Identifier: MIT
#include "compare.hpp"

#include <cstdio>
#include <fstream>
#include <iomanip>
#include <stdexcept>

#include "random_vae.hpp"
#include "rules.hpp"
#include "spoils.hpp"
#include "statistics.hpp"

namespace longhand::study {

namespace {

/// A: a loss without an offset. B: 40% carry +1e3 or +1e6. K: ReLU, one pre-activation planted at,
/// or a hair beside, its kink.
enum class Set { A, B, K };

/// The plain VAE that everybody writes: Bernoulli, N(0, I), one mean over the batch.
std::shared_ptr<SmallVae> plain_vae(Set set, Draw& draw) {
  Setting s;
  s.inputs = draw.between(1, 8), s.hidden = draw.between(1, 8), s.latent = draw.between(1, 4);
  s.batch = draw.between(1, 9);
  if (draw.one_in(3)) s.hidden = s.inputs;
  s.activation = set == Set::K
                     ? Activation(Relu{})
                     : draw.one_of<Activation>({Tanh{}, Softplus{}, Sigmoid{}, Relu{}, Silu{}});
  s.beta = draw.one_of({0.1, 0.5, 2.0, 4.0, 10.0});
  if (set == Set::B) s.offset = draw.one_of({0.0, 0.0, 0.0, 1e3, 1e6});
  VaeMaker maker(draw);
  const auto vae = maker.make(s);
  if (set == Set::K) maker.plant(*vae);
  vae->forward();
  return vae;
}

/// The eighteen classes of the comparison.
struct Error {
  Slip slip = Slip::none;
  const char* spoil = "";
  const char* name() const { return spoil[0] != '\0' ? spoil : study::name_of(slip); }
};
constexpr Error kErrors[] = {
    {Slip::kl_mu_sign},
    {Slip::kl_logvar_half_missing},
    {Slip::kl_logvar_minus_one},
    {Slip::kl_mu_dropped},
    {Slip::beta_missing},
    {Slip::reparam_half_missing},
    {Slip::reparam_eps_dropped},
    {Slip::reparam_logvar_dropped},
    {Slip::act_at_output},
    {Slip::W3_untransposed},
    {Slip::bias_mean_for_sum},
    {Slip::bias_last_dropped},
    {Slip::bernoulli_target_dropped},
    {Slip::last_sample_dropped},
    {Slip::none, "one tensor x 1.001"},
    {Slip::none, "one tensor x (1 + 1e-5)"},
    {Slip::none, "one tensor x (1 + 1e-7)"},
    {Slip::none, "one entry x 1.01"},
};
const Spoil& spoil_called(const std::string& name) {
  for (const Spoil& s : spoils())
    if (s.name == name) return s;
  throw std::logic_error(name);
}

/// One case of a set, and the gradients that the checkers see.
struct Comparison {
  std::shared_ptr<SmallVae> vae;
  Case right;

  Comparison(Set set, std::uint64_t seed) {
    Draw draw(seed);
    vae = plain_vae(set, draw);
    right = case_of(vae, "plain VAE");
    tensor_ = draw.below(right.tensors.size());
    pick_ = draw.below(1000);
  }
  /// The case with an error in its backward; nothing where the error is too small to see.
  bool make(const Error& error, const std::vector<double>& right_gradient, Case& wrong) const {
    const Setting& s = vae->setting;
    if (error.slip == Slip::W3_untransposed && (s.hidden != s.inputs || s.hidden < 2)) return false;
    wrong = right;
    if (error.spoil[0] != '\0') {
      wrong.backward = [backward = right.backward, apply = spoil_called(error.spoil).apply,
                        t = tensor_, pick = pick_](Cotangent d, TensorGradients& g) {
        backward(d, g);
        apply(g.at(t), 1, g.at(t).size(), pick);
      };
    } else {
      wrong.backward = [v = vae.get(), backward = right.backward, slip = error.slip](
                           Cotangent d, TensorGradients& g) {
        v->slip = slip;
        backward(d, g);
        v->slip = Slip::none;
      };
    }
    const std::vector<double> g = Problem(wrong).gradient();
    double size = 0, gap = 0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      size = std::max(size, std::fabs(right_gradient[i]));
      gap = std::max(gap, std::fabs(right_gradient[i] - g[i]));
    }
    const double least = error.spoil == std::string("one tensor x (1 + 1e-7)")   ? 1e-9
                         : error.spoil == std::string("one tensor x (1 + 1e-5)") ? 1e-7
                                                                                 : 1e-6;
    return gap > least * std::max(1e-3, size);
  }

 private:
  std::size_t tensor_ = 0, pick_ = 0;
};

/// The columns of the table: ours by differences, ours with dual numbers beside them, the others.
class Judges {
 public:
  Judges() : rules_(rules_of_others()) {}
  std::size_t size() const { return 2 + rules_.size(); }
  const char* name(std::size_t k) const {
    return k == 0 ? "longhand" : k == 1 ? "+ dual" : rules_[k - 2]->name();
  }
  void meet(const Case& right, std::uint64_t seed) {
    Draw draw(seed + 77);
    for (const auto& rule : rules_) rule->measure(Problem(right), draw);
    seed_ = seed;
  }
  /// Which judges reject `c`; ours by FAIL alone.
  std::vector<bool> rejects(const Case& c) const {
    std::vector<bool> all;
    for (const bool dual : {false, true}) {
      CheckOptions options;
      options.seed = seed_;
      if (dual) options.dual = c.dual;
      all.push_back(judge(c, options).verdict == Verdict::fail);
    }
    const std::vector<double> g = Problem(c).gradient();
    for (const auto& rule : rules_) all.push_back(rule->rejects(g));
    return all;
  }

 private:
  std::vector<std::unique_ptr<Rule>> rules_;
  std::uint64_t seed_ = 0;
};

struct Row {
  std::size_t cases = 0;
  std::vector<std::size_t> rejected;
  void add(const std::vector<bool>& verdicts) {
    ++cases;
    rejected.resize(verdicts.size());
    for (std::size_t k = 0; k < verdicts.size(); ++k) rejected[k] += verdicts[k];
  }
  void print(const char* name) const {
    std::printf("  %-40s %6zu", name, cases);
    for (const std::size_t r : rejected) std::printf(" %10.2f", percent(r, cases));
    std::printf("\n");
  }
};

void write(std::ostream& out, const char* name, const std::vector<double>& v) {
  out << ",\"" << name << "\":[";
  for (std::size_t k = 0; k < v.size(); ++k) out << (k > 0 ? "," : "") << v[k];
  out << ']';
}

}  // namespace

void run_compare(std::size_t cases, std::uint64_t first_seed) {
  std::printf(
      "Percent of cases rejected; the others are their rules, re-implemented, at their "
      "defaults, in double\n");
  Judges judges;
  std::printf("  %-40s %6s", "", "cases");
  for (std::size_t k = 0; k < judges.size(); ++k) std::printf(" %10s", judges.name(k));
  std::printf("\n");
  std::vector<Row> wrong(std::size(kErrors));
  for (const Set set : {Set::A, Set::B, Set::K}) {
    Row right;
    Tally ours;
    const std::size_t count = set == Set::A ? cases : set == Set::B ? cases / 2 : cases / 5;
    for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
      const Comparison c(set, seed + 1000000 * static_cast<std::uint64_t>(set));
      judges.meet(c.right, seed);
      right.add(judges.rejects(c.right));
      CheckOptions options;
      options.seed = seed;
      ours.add(judge(c.right, options).verdict);
      if (set != Set::A) continue;
      const std::vector<double> g = Problem(c.right).gradient();
      for (std::size_t e = 0; e < wrong.size(); ++e) {
        Case spoilt;
        if (c.make(kErrors[e], g, spoilt)) wrong[e].add(judges.rejects(spoilt));
      }
    }
    right.print(set == Set::A   ? "right, A: no offset (want 0)"
                : set == Set::B ? "right, B: offsets (want 0)"
                                : "right, K: kinks (want 0)");
    std::printf("  %-40s %6zu %10.2f\n", "   undecided by longhand", ours.total(),
                percent(ours.undecided(), ours.total()));
  }
  for (std::size_t e = 0; e < wrong.size(); ++e) wrong[e].print(kErrors[e].name());
  std::printf("\n");
}

void export_cases(const std::string& path, std::size_t cases) {
  std::ofstream out(path);
  if (!out) throw std::runtime_error("cannot write " + path);
  out << std::setprecision(17);
  for (const Set set : {Set::A, Set::B, Set::K}) {
    const std::size_t count = set == Set::A ? cases : set == Set::B ? cases / 2 : cases / 5;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
      const Comparison c(set, seed + 1000000 * static_cast<std::uint64_t>(set));
      const Setting& s = c.vae->setting;
      const std::vector<double> g = Problem(c.right).gradient();
      out << "{\"set\":\""
          << "ABK"[static_cast<std::size_t>(set)] << "\",\"inputs\":" << s.inputs
          << ",\"hidden\":" << s.hidden << ",\"latent\":" << s.latent << ",\"batch\":" << s.batch
          << ",\"activation\":\"" << longhand::name_of(s.activation) << "\",\"beta\":" << s.beta
          << ",\"offset\":" << s.offset << ",\"loss\":" << c.right.forward().front();
      write(out, "x", c.vae->tensors.x.values),
          write(out, "target", c.vae->constants.target.values);
      write(out, "eps", c.vae->constants.eps.values);
      out << ",\"tensors\":{\"order\":0";
      for (const NamedTensor& t : c.right.tensors)
        write(out, t.name.c_str(), {t.values.begin(), t.values.end()});
      out << "},\"gradients\":{\"order\":0";
      write(out, "right", g);
      for (const Error& e : kErrors) {
        Case spoilt;
        if (set == Set::A && c.make(e, g, spoilt)) write(out, e.name(), Problem(spoilt).gradient());
      }
      out << "}}\n";
    }
  }
}

}  // namespace longhand::study
