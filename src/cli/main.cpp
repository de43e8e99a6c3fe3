// SPDX-License-Identifier: MIT
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

#include "commands.hpp"
#include "longhand/backend/cuda_error.hpp"
#include "longhand/io/error.hpp"

namespace {

using namespace longhand::cli;

int fail(ExitCode code, std::string sentence) {
  // The library's own messages begin with its name.
  const std::string name = "longhand: ";
  if (!sentence.starts_with(name)) sentence = name + sentence;
  std::cerr << sentence << std::endl;
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::optional<Arguments> arguments = parse(argc, argv);
    if (!arguments) return 0;
    return static_cast<int>(std::visit([](const auto& a) { return run(a); }, *arguments));
  } catch (const Failure& failure) {
    return fail(failure.code(), failure.what());
  } catch (const longhand::io::Error& error) {
    return fail(ExitCode::bad_input, error.what());
  } catch (const longhand::NoCudaDevice& error) {
    return fail(ExitCode::no_device, error.what());
  } catch (const std::invalid_argument& error) {
    return fail(ExitCode::usage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::runtime, "not enough memory");
  } catch (const std::length_error&) {
    return fail(ExitCode::runtime, "not enough memory");
  } catch (const std::exception& error) {
    return fail(ExitCode::runtime, error.what());
  }
}
