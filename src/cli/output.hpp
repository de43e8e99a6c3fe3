// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "failure.hpp"
#include "longhand/io/error.hpp"
#include "model.hpp"
#include "options.hpp"

namespace longhand::cli {

/// What the ending of --out asks for; `screen` without --out.
enum class Format { screen, png, svg, npy, csv, json };

/// Checks --out, or another option, before any work is done: an ending among `allowed` ("png npy
/// csv"), in a folder that can be written to. Throws Failure.
Format output_format(const std::string& out, const std::string& allowed,
                     const std::string& option = "--out");

/// Rows of numbers to where they belong: a file, or csv (with --json: an object) on stdout.
void write_rows(const std::string& out, Format format, const CommonOptions& common,
                const std::vector<std::string>& names, const Rows& rows);

/// The same for rows that stand for those of a data set. Windows are put together again: a row per
/// time step with the mean over the windows that have it, its time stamp before it in a csv.
void write_data_rows(const std::string& out, Format format, const CommonOptions& common,
                     const DataSet& data, const Rows& rows);

/// The shortest text that reads back as the same number, of float's or of double's.
std::string number_text(double value, bool single);
/// Text as a field of a csv, in quotes where it must be.
std::string csv_field(const std::string& text);

/// Writes a file or fails with ExitCode::runtime.
void write_text(const std::string& path, const std::string& content);

/// JSON without control characters, in which text that is no UTF-8, such as a path, has U+FFFD.
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

/// Text on stdout; fails when it cannot be written.
void print(const std::string& content);

/// A printable sentence on stderr, unless --quiet.
void say(const CommonOptions& common, const std::string& sentence);

/// Says what was written; with --json an object on stdout says it too.
void report_written(const CommonOptions& common, const std::string& out, const Rows& rows);

/// Runs `write`, whose io::Error means that an output failed and not an input.
template <class Write>
void writing(const Write& write) {
  try {
    write();
  } catch (const io::Error& error) {
    throw Failure(ExitCode::runtime, error.what());
  }
}

}  // namespace longhand::cli
