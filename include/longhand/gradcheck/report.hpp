// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace longhand {

/// From best to worst. Only the first two pass.
enum class Verdict {
  pass,              ///< within its error bound, and the bound is fine enough to mean something
  kink_ok,           ///< at a kink: a slope between the one-sided ones, and right beside the kink
  no_power,          ///< within its bound, but the bound is too coarse to prove anything
  unresolved,        ///< a kink, and no point beside it could decide
  nondeterministic,  ///< forward or backward does not repeat itself
  fail,              ///< wrong
};
constexpr std::string_view name_of(Verdict v) {
  constexpr std::string_view names[] = {"PASS",       "KINK_OK",          "NO_POWER",
                                        "UNRESOLVED", "NONDETERMINISTIC", "FAIL"};
  return names[static_cast<std::size_t>(v)];
}
constexpr bool passes(Verdict v) { return v <= Verdict::kink_ok; }

/// "[3]" in a vector, "[3,5]" (row, column) in a matrix.
inline std::string place_in(std::size_t rows, std::size_t cols, std::size_t index) {
  return cols == 1 ? "[" + std::to_string(index) + "]"
                   : "[" + std::to_string(index % rows) + "," + std::to_string(index / rows) + "]";
}

/// One comparison: of an entry, or of a directional derivative of a large tensor.
struct CheckedEntry {
  std::size_t tensor = 0;
  std::size_t index = 0;   ///< in column-major order; of a direction: its number
  bool direction = false;  ///< true: analytic and numeric are derivatives along a direction
  double analytic = 0;     ///< what backward says
  double numeric = 0;      ///< what differences say (KINK_OK: both are from beside the kink)
  double bound = 0;        ///< the largest |analytic - numeric| that the estimated errors allow
  double resolution = 0;   ///< bound / the tensor's largest gradient: a smaller error could hide
  double dual = std::nan("");  ///< what dual numbers say, where they were asked about this entry
  bool elsewhere = false;      ///< both numbers are from a point nearby
  Verdict verdict = Verdict::pass;

  double error() const { return std::fabs(analytic - numeric); }
  /// Above 1: outside the bound.
  double ratio() const {
    const double e = error();
    return e == 0 ? 0 : std::isfinite(e) ? e / bound : std::numeric_limits<double>::infinity();
  }
};

/// What was found about one tensor.
struct CheckedTensor {
  std::string name;
  std::size_t rows = 0, cols = 0;
  std::size_t checked = 0;     ///< entries compared one by one
  std::size_t directions = 0;  ///< directional derivatives that cover all entries
  Verdict verdict = Verdict::pass;
  double resolution = 0;  ///< the coarsest of its entries
  CheckedEntry worst{};   ///< the entry with the worst verdict, then the largest ratio
  std::string diagnosis;  ///< what the error looks like, or "empty", "zero, confirmed"
  bool dual_disagrees = false;

  std::string place(const CheckedEntry& e) const {
    return e.direction ? "direction " + std::to_string(e.index) : place_in(rows, cols, e.index);
  }
};

/// The outcome of a check: data first, a text and JSON made of it.
struct GradientReport {
  std::string name;
  Verdict verdict = Verdict::fail;
  std::string reason;                  ///< why no comparison was made; empty if it was
  std::vector<CheckedTensor> tensors;  ///< in the order given
  std::vector<CheckedEntry> entries;   ///< all comparisons
  std::uint64_t seed = 0;
  std::size_t evaluations = 0;  ///< calls of forward
  std::size_t backwards = 0;    ///< calls of backward
  double milliseconds = 0;
  bool dual = false;      ///< dual numbers gave a second opinion
  double resolution = 0;  ///< the coarsest entry of all: an error below this could hide there
  std::size_t fresh_points = 0;  ///< points nearby that were needed to look beside kinks

  bool passed() const { return passes(verdict); }
  /// The entry furthest outside, or nearest to, its bound; nullptr if nothing was compared.
  const CheckedTensor* worst() const {
    const CheckedTensor* found = nullptr;
    for (const CheckedTensor& t : tensors)
      if (t.checked + t.directions > 0 && (found == nullptr || worse(t, *found))) found = &t;
    return found;
  }

  /// A table for people: one line per tensor, the worst first.
  std::string text() const {
    std::ostringstream out;
    out << name_of(verdict) << ' ' << name << "  seed " << seed << "  oracles: differences"
        << (dual ? " + dual numbers" : "") << "  evaluations " << evaluations << "  " << std::fixed
        << std::setprecision(1) << milliseconds << " ms\n";
    if (!reason.empty()) out << ' ' << reason << '\n';
    if (tensors.empty()) return out.str();
    std::size_t width = 6;
    for (const CheckedTensor& t : tensors) width = std::max(width, t.name.size());
    const auto column = [&](const std::string& s, std::size_t w) {
      out << s << std::string(s.size() < w ? w - s.size() : 0, ' ') << ' ';
    };
    out << ' ';
    column("tensor", width), column("shape", 9), column("checked", 11), column("verdict", 10);
    column("err/bound", 9), column("at", 9), column("analytic", 21), column("numeric", 21);
    column("bound", 8);
    out << "resolution\n";
    std::vector<const CheckedTensor*> order;
    for (const CheckedTensor& t : tensors) order.push_back(&t);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return worse(*a, *b); });
    for (const CheckedTensor* t : order) {
      const bool compared = t->checked + t->directions > 0;
      out << ' ';
      column(t->name, width), column(std::to_string(t->rows) + "x" + std::to_string(t->cols), 9);
      column(std::to_string(t->checked) + "/" + std::to_string(t->rows * t->cols) +
                 (t->directions > 0 ? "+" + std::to_string(t->directions) + "d" : ""),
             11);
      column(std::string(name_of(t->verdict)), 10);
      if (compared) {
        column(number(t->worst.ratio(), 2), 9), column(t->place(t->worst), 9);
        column(number(t->worst.analytic, 15), 21), column(number(t->worst.numeric, 15), 21);
        column(number(t->worst.bound, 2), 8), column(number(t->resolution, 2), 8);
      }
      out << t->diagnosis << '\n';
    }
    if (!passed()) out << " again: the same check with {.seed = " << seed << "}\n";
    return out.str();
  }

  /// All of it, without the single entries unless asked. Numbers that are not finite are null.
  std::string json(bool with_entries = false) const {
    std::ostringstream out;
    out << "{\"name\":" << quoted(name) << ",\"verdict\":" << quoted(name_of(verdict))
        << ",\"passed\":" << (passed() ? "true" : "false") << ",\"reason\":" << quoted(reason)
        << ",\"seed\":" << seed << ",\"dual\":" << (dual ? "true" : "false")
        << ",\"evaluations\":" << evaluations << ",\"backwards\":" << backwards
        << ",\"milliseconds\":" << json_number(milliseconds)
        << ",\"resolution\":" << json_number(resolution) << ",\"tensors\":[";
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      const CheckedTensor& t = tensors[k];
      out << (k > 0 ? "," : "") << "{\"name\":" << quoted(t.name) << ",\"rows\":" << t.rows
          << ",\"cols\":" << t.cols << ",\"checked\":" << t.checked
          << ",\"directions\":" << t.directions << ",\"verdict\":" << quoted(name_of(t.verdict))
          << ",\"resolution\":" << json_number(t.resolution)
          << ",\"diagnosis\":" << quoted(t.diagnosis) << ",\"worst\":";
      if (t.checked + t.directions > 0)
        write_entry(out, t.worst);
      else
        out << "null";
      out << '}';
    }
    out << ']';
    if (with_entries) {
      out << ",\"entries\":[";
      for (std::size_t k = 0; k < entries.size(); ++k) {
        if (k > 0) out << ',';
        write_entry(out, entries[k]);
      }
      out << ']';
    }
    out << '}';
    return out.str();
  }

 private:
  static bool worse(const CheckedTensor& a, const CheckedTensor& b) {
    if (a.verdict != b.verdict) return a.verdict > b.verdict;
    return a.worst.ratio() > b.worst.ratio();
  }
  static std::string number(double x, int digits) {
    std::ostringstream out;
    out << std::setprecision(digits) << x;
    return out.str();
  }
  static std::string json_number(double x) { return std::isfinite(x) ? number(x, 17) : "null"; }
  static std::string quoted(std::string_view s) {
    std::string out = "\"";
    for (const char c : s) {
      if (c == '"' || c == '\\') {
        out += {'\\', c};
      } else if (static_cast<unsigned char>(c) < 0x20) {
        constexpr char hex[] = "0123456789abcdef";
        out += {'\\', 'u', '0', '0', hex[(c >> 4) & 15], hex[c & 15]};
      } else {
        out += c;
      }
    }
    return out + '"';
  }
  static void write_entry(std::ostream& out, const CheckedEntry& e) {
    out << "{\"tensor\":" << e.tensor << ",\"" << (e.direction ? "direction" : "index")
        << "\":" << e.index << ",\"analytic\":" << json_number(e.analytic)
        << ",\"numeric\":" << json_number(e.numeric) << ",\"bound\":" << json_number(e.bound)
        << ",\"resolution\":" << json_number(e.resolution) << ",\"dual\":" << json_number(e.dual)
        << ",\"verdict\":" << quoted(name_of(e.verdict)) << '}';
  }
};

}  // namespace longhand
