// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// What the program says of its options: help that fits a terminal, and what a misspelt word may
/// have meant.
namespace longhand::cli {

/// An option's name and values in one column, its description beside it, in lines of at most 80
/// characters.
class NarrowHelp : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
};

/// The text in lines of at most `width` characters, broken at spaces, all but the first indented.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

/// " (did you mean X?)", where X is the candidate that at most two letters, or the letters that are
/// missing at its end, make of the word; else nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace longhand::cli
