// SPDX-License-Identifier: MIT
#include "help.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

namespace longhand::cli {
namespace {

constexpr std::size_t kWidth = 80, kColumn = 32;

/// A name and its description, which begins in the second column or below the name.
std::string entry(const std::string& name, const std::string& says) {
  std::string line = "  " + wrapped(name, kWidth - 2, 4);
  if (says.empty()) return line + "\n";
  const std::size_t last = line.size() - (line.rfind('\n') + 1);  // npos + 1 is 0
  line += last + 2 <= kColumn ? std::string(kColumn - last, ' ') : "\n" + std::string(kColumn, ' ');
  return line + wrapped(says, kWidth - kColumn, kColumn) + "\n";
}

/// Letters to change, insert, leave out or exchange with their neighbour.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string NarrowHelp::make_option(const CLI::Option* option, bool is_positional) const {
  return entry(make_option_name(option, is_positional) + make_option_opts(option),
               make_option_desc(option));
}

std::string NarrowHelp::make_subcommand(const CLI::App* sub) const {
  return entry(sub->get_name(), sub->get_description());
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::istringstream words(text);
  std::string out, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      out += line + "\n" + std::string(indent, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const auto cost = [&](const std::string& candidate) {
    const bool beginning = word.size() >= 4 && candidate.starts_with(word);
    return beginning ? std::size_t{1} : distance(word, candidate);
  };
  const auto best = std::ranges::min_element(candidates, {}, cost);
  const std::size_t most = word.size() < 5 ? 1 : 2;  // letters of a short word mean more
  if (best == candidates.end() || cost(*best) > most) return "";
  return " (did you mean " + *best + "?)";
}

}  // namespace longhand::cli
