// SPDX-License-Identifier: MIT
// How far the gradient checker can be trusted, in figures. Every number is a function of the seed.
//
//     gradcheck_study ci|nightly|SHARE [correct|wrong|locate|compare|all] [first seed]
//     gradcheck_study ci|nightly|SHARE wrong SEED CLASS
//     gradcheck_study case vae|formula|net|library SEED
//     gradcheck_study wrong CLASS SEED
//     gradcheck_study export FILE CASES
//
// The first runs the study, or a part of it; SHARE is a part of the nightly size, 0.01 say; ci
// is 0.004. The second runs one class of wrong gradients alone. Then the report about one right, or
// one wrong gradient. The last writes cases for other_checkers.py.
//
// Exit status 1: a right gradient was rejected, or a wrong one missed.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "compare.hpp"
#include "correct.hpp"
#include "locate.hpp"
#include "wrong.hpp"

using namespace longhand::study;
using longhand::CheckOptions;

namespace {

int usage() {
  std::fprintf(stderr,
               "usage: gradcheck_study ci|nightly|SHARE [correct|wrong|locate|compare|all] [seed]\n"
               "       gradcheck_study case vae|formula|net|library SEED\n"
               "       gradcheck_study wrong CLASS SEED\n"
               "       gradcheck_study export FILE CASES\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const auto word = [&](int k, const char* otherwise) {
    return std::string(k < argc ? argv[k] : otherwise);
  };
  const auto number = [&](int k, const char* otherwise) { return std::stoull(word(k, otherwise)); };
  const std::string what = word(1, "");
  if (what == "case" && argc == 4) {
    const CorrectCase c = correct_case(word(2, ""), number(3, "1"));
    CheckOptions options;
    options.seed = number(3, "1");
    options.dual = c.checked.dual;
    std::printf("%s%s %s offset %g%s\n", judge(c.checked, options).text().c_str(),
                c.checked.family.c_str(), c.activation.c_str(), c.offset,
                c.planted ? ", kink planted" : "");
    return 0;
  }
  if (what == "wrong" && argc == 4) return show_wrong(number(2, "0"), number(3, "1")), 0;
  if (what == "export" && argc == 4) return export_cases(argv[2], number(3, "1")), 0;
  const double share = what == "ci"        ? 0.004
                       : what == "nightly" ? 1
                                           : std::strtod(what.c_str(), nullptr);
  if (!(share > 0)) return usage();
  const auto part_of = [&](double n) { return static_cast<std::size_t>(std::ceil(share * n)); };

  const std::string part = word(2, "all");
  const std::uint64_t seed = number(3, "1");
  const auto wanted = [&](const char* name) { return part == "all" || part == name; };
  bool good = true;
  if (wanted("correct"))
    good &= run_correct({part_of(70000), part_of(28000), part_of(2000), part_of(1000)}, seed);
  if (wanted("wrong"))
    good &=
        argc > 4 ? run_wrong(part_of(1000), seed, number(4, "0")) : run_wrong(part_of(1000), seed);
  if (wanted("locate")) {
    const std::size_t side = share < 0.1 ? 100 : 1000;
    good &= run_locate(side, side, 5, seed);
  }
  if (wanted("compare") && what != "ci") run_compare(part_of(1000), seed);
  return good ? 0 : 1;
}
