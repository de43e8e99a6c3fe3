// SPDX-License-Identifier: MIT
// Included at the end of the test programs' main.cpp: with LONGHAND_MUTANT=-1, one line of JSON per
// test case goes to the file LONGHAND_MUTATION_REACHED: its name, the CPU time it took, and the
// mutants it reached.
#include <algorithm>
#include <ctime>
#include <fstream>
#include <longhand/mutation.hpp>
#include <string>

namespace longhand::mutation {

class Listener : public doctest::IReporter {
 public:
  explicit Listener(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    std::fill_n(reached, kMost, false);
    start_ = std::clock();
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    const char* path = std::getenv("LONGHAND_MUTATION_REACHED");
    if (chosen >= 0 || path == nullptr) return;
    const double seconds = static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC;
    std::ofstream file(path, std::ios::app);
    file << "{\"name\": \"";
    for (const char c : name_) file << (c == '"' || c == '\\' ? "\\" : "") << c;
    file << "\", \"seconds\": " << seconds << ", \"reached\": [";
    const char* separator = "";
    for (int mutant = 1; mutant < kMost; ++mutant)
      if (reached[mutant]) {
        file << separator << mutant;
        separator = ", ";
      }
    file << "]}\n";
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::string name_;
  std::clock_t start_ = 0;
};

}  // namespace longhand::mutation

REGISTER_LISTENER("mutation", 1, longhand::mutation::Listener);
