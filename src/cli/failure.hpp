// SPDX-License-Identifier: MIT
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace longhand::cli {

/// What the program ends with (docs/cli.md).
enum class ExitCode {
  ok = 0,
  runtime = 1,
  usage = 2,
  bad_input = 3,
  diverged = 4,
  no_device = 5,
  time_is_up = 6,
  interrupted = 130,
};

/// The parts one after the other.
template <class... Part>
std::string text(const Part&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Ends the program: one sentence for the user and the exit code.
class Failure : public std::runtime_error {
 public:
  template <class... Part>
  explicit Failure(ExitCode code, const Part&... parts)
      : std::runtime_error(text(parts...)), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace longhand::cli
