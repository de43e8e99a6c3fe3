// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "longhand/backend/cuda_error.hpp"
#include "longhand/io/error.hpp"

namespace {

using namespace longhand::cli;

/// Without an allocation: there may be no memory for a text.
[[noreturn]] void end_without_memory() {
  constexpr std::string_view sentence = "longhand: not enough memory\n";
  if (::write(STDERR_FILENO, sentence.data(), sentence.size()) < 0) {
  }
  ::_exit(static_cast<int>(ExitCode::runtime));
}

/// The first shortage is thrown, so that whoever needed the memory can say for what. If it comes
/// again while that is said, nothing else can be.
void on_shortage() {
  static std::atomic<int> shortages{0};
  constexpr int patience = 16;  // what is caught on the way counts too
  if (shortages.fetch_add(1) >= patience) end_without_memory();
  throw std::bad_alloc();
}

/// Libraries end here when memory is short where they must not throw.
void on_terminate() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    end_without_memory();
  } catch (...) {
  }
  std::abort();
}

int fail(ExitCode code, std::string_view text) {
  // The library's own messages begin with its name. Whatever they quote may come from a file.
  const std::string name = "longhand: ";
  std::string sentence = longhand::io::printable(text);
  if (!sentence.starts_with(name)) sentence = name + sentence;
  std::cerr << sentence << std::endl;
  return static_cast<int>(code);
}

int guarded_main(int argc, char** argv) {
  try {
    const std::optional<Arguments> arguments = parse(argc, argv);
    if (!arguments) return 0;
    return static_cast<int>(std::visit([](const auto& a) { return run(a); }, *arguments));
  } catch (const Failure& failure) {
    return fail(failure.code(), failure.what());
  } catch (const longhand::io::MemoryError& error) {
    return fail(ExitCode::runtime, error.what());
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

}  // namespace

int main(int argc, char** argv) {
  std::set_new_handler(on_shortage);
  std::set_terminate(on_terminate);
  try {
    return guarded_main(argc, argv);
  } catch (...) {  // what was being said needed memory itself
    end_without_memory();
  }
}
