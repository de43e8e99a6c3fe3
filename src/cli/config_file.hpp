// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The configuration file of --config: TOML, of which the keys at the top or under [train] are
/// options and the values are one number, text, true or false, or a list of numbers.
namespace longhand::cli {

/// Names and values in the order of the file, the values as the command line would have them: a
/// list has commas between its numbers. Throws Failure (usage) where there is no file, and for what
/// is no TOML, names a key twice or is nested.
std::vector<std::pair<std::string, std::string>> read_config_file(const std::string& path);
/// As read_config_file(), of text that is there; `path` stands for it in messages.
std::vector<std::pair<std::string, std::string>> parse_config(std::string_view text,
                                                              const std::string& path);

/// A value of the command line as TOML from which read_config_file() makes the same text, or for
/// a number the shortest text of the same number.
std::string toml_value(const std::string& value);

}  // namespace longhand::cli
