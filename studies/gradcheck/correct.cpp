// SPDX-License-Identifier: MIT
#include "correct.hpp"

#include <cstdio>
#include <map>
#include <stdexcept>

#include "formula_cases.hpp"
#include "library_cases.hpp"
#include "random_vae.hpp"
#include "statistics.hpp"

namespace longhand::study {

CorrectCase correct_case(const std::string& family, std::uint64_t seed) {
  Draw draw(seed);
  if (family == "formula") return {any_formula(draw), 0, false, ""};
  if (family == "net") return {any_net(draw), 0, false, ""};
  if (family == "library") {
    CorrectCase c;
    c.checked = any_library_vae(draw, c.offset);
    return c;
  }
  if (family != "vae") throw std::invalid_argument("no family is called '" + family + "'");
  const auto vae = any_vae(draw, draw.one_in(200) ? 4e6 : 2e5);
  return {case_of(vae, "small VAE"), vae->setting.offset, vae->planted,
          longhand::name_of(vae->setting.activation)};
}

namespace {

struct Sums {
  std::map<std::string, Tally> by_family, by_kind;
  Histogram resolution, resolution_without_offset, ratio, evaluations;
  std::size_t entries = 0, calls = 0, passed_entries = 0;
};

void run_family(const std::string& family, std::size_t count, std::uint64_t first_seed, Sums& s) {
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    const CorrectCase c = correct_case(family, seed);
    CheckOptions options;
    options.seed = seed;
    options.dual = c.checked.dual;
    const GradientReport report = judge(c.checked, options);
    s.by_family[c.checked.family].add(report.verdict);
    s.by_kind[c.planted          ? "kink planted"
              : c.offset > 1e5   ? "loss + 1e6"
              : c.offset > 0     ? "loss + 1e3"
              : c.checked.scalar ? "scalar loss"
                                 : "outputs contracted"]
        .add(report.verdict);
    const std::size_t entries = c.checked.entries();
    s.entries += entries, s.calls += report.evaluations;
    if (entries > 0)
      s.evaluations.add(static_cast<double>(report.evaluations) / static_cast<double>(entries),
                        entries);
    for (const CheckedEntry& e : report.entries)
      if (passes(e.verdict)) {
        s.resolution.add(e.resolution), s.ratio.add(e.ratio());
        if (c.offset == 0) s.resolution_without_offset.add(e.resolution);
      }
    if (!passes(report.verdict) && report.verdict > Verdict::no_power)
      std::printf("  %s: %s, seed %llu\n", std::string(longhand::name_of(report.verdict)).c_str(),
                  family.c_str(), static_cast<unsigned long long>(seed));
  }
}

void print(const std::map<std::string, Tally>& tallies) {
  for (const auto& [name, t] : tallies)
    std::printf("  %-28s %8zu %8zu %8zu %8zu %10zu %8zu\n", name.c_str(), t.total(),
                t[Verdict::pass], t[Verdict::kink_ok], t[Verdict::no_power], t[Verdict::unresolved],
                t.rejected());
}

}  // namespace

bool run_correct(const CorrectSize& size, std::uint64_t first_seed) {
  std::printf("Right gradients (differences and dual numbers)\n");
  Sums s;
  run_family("vae", size.vae, first_seed, s);
  run_family("formula", size.formula, first_seed, s);
  run_family("net", size.net, first_seed, s);
  run_family("library", size.library, first_seed, s);
  std::printf("  %-28s %8s %8s %8s %8s %10s %8s\n", "", "cases", "PASS", "KINK_OK", "NO_POWER",
              "UNRESOLVED", "rejected");
  print(s.by_family);
  std::printf("\n");
  print(s.by_kind);
  Tally all;
  for (const auto& [name, t] : s.by_family)
    for (std::size_t k = 0; k < t.of.size(); ++k) all.of[k] += t.of[k];
  std::printf("  %zu cases, %zu entries: %zu rejected, %.3f%% undecided\n", all.total(), s.entries,
              all.rejected(), percent(all.undecided(), all.total()));
  std::printf("  resolution of an entry that passed: median %.1e, 99%% %.1e, 99.9%% %.1e\n",
              s.resolution.quantile(0.5), s.resolution.quantile(0.99),
              s.resolution.quantile(0.999));
  std::printf("  the same without an offset in the loss: median %.1e, 99%% %.1e, 99.9%% %.1e\n",
              s.resolution_without_offset.quantile(0.5), s.resolution_without_offset.quantile(0.99),
              s.resolution_without_offset.quantile(0.999));
  std::printf("  error / bound: median %.1e, 99.9%% %.2f, largest %.2f\n", s.ratio.quantile(0.5),
              s.ratio.quantile(0.999), s.ratio.largest());
  std::printf(
      "  evaluations per entry: median %.1f, mean %.1f\n\n", s.evaluations.quantile(0.5),
      static_cast<double>(s.calls) / static_cast<double>(std::max<std::size_t>(s.entries, 1)));
  return all.rejected() == 0;
}

}  // namespace longhand::study
