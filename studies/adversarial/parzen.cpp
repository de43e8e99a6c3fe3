// SPDX-License-Identifier: MIT
// The Parzen-window estimate that the literature on adversarial models reports: the log density of
// test rows under a mixture of Gaussians of one width, centred on samples of a model. The width is
// the best one for validation rows. It is no measure of quality (docs/derivations/adversarial.md);
// it compares an implementation with others.
//
//     parzen SAMPLES.npy TRAIN.idx A:B TEST.idx     rows A to B - 1 of TRAIN choose the width
#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <longhand/io.hpp>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Matrix = Eigen::MatrixXf;  // a sample per column
using Eigen::Index;

/// Rows [first, last) of an array file, all of them for last = 0; bytes stand for b / 255.
Matrix rows(const std::string& path, Index first = 0, Index last = 0) {
  using namespace longhand::io;
  const Tensor tensor = path.ends_with(".npy") ? read_npy(path) : read_idx(path);
  const std::vector<float> values = tensor.as<float>();
  const Index count = static_cast<Index>(tensor.shape.at(0)),
              dim = static_cast<Index>(values.size()) / count;
  if (last == 0) last = count;
  if (first < 0 || first >= last || last > count) throw std::runtime_error(path + ": no such rows");
  const float unit = tensor.dtype == Dtype::u8 ? 255.0f : 1.0f;
  return Eigen::Map<const Matrix>(values.data(), dim, count).middleCols(first, last - first) / unit;
}

/// Squared distances of some rows to all samples, in runs that fit into memory.
template <class Use>
void distances(const Matrix& x, const Matrix& samples, const Use& use) {
  const Eigen::VectorXf lengths = samples.colwise().squaredNorm();
  constexpr Index run = 500;
  for (Index first = 0; first < x.cols(); first += run) {
    const auto some = x.middleCols(first, std::min(run, x.cols() - first));
    Matrix squares = -2 * (samples.transpose() * some);
    squares.colwise() += lengths;
    squares.rowwise() += some.colwise().squaredNorm();
    use(first, squares.cwiseMax(0));
  }
}

struct Estimate {
  double mean = 0, standard_error = 0;
};

/// Mean log density of the rows for each width: log 1/n sum_i N(x; s_i, width^2 I).
std::vector<Estimate> log_density(const Matrix& x, const Matrix& samples,
                                  const std::vector<double>& widths) {
  std::vector<Eigen::ArrayXd> values(widths.size(), Eigen::ArrayXd(x.cols()));
  distances(x, samples, [&](Index first, const Matrix& squares) {
    for (Index j = 0; j < squares.cols(); ++j) {
      const Eigen::ArrayXd d = squares.col(j).cast<double>();
      const double nearest = d.minCoeff();
      for (std::size_t k = 0; k < widths.size(); ++k) {
        const double v = widths[k] * widths[k];
        const double sum = ((nearest - d) / (2 * v)).exp().sum();
        values[k](first + j) = std::log(sum / static_cast<double>(d.size())) - nearest / (2 * v) -
                               0.5 * static_cast<double>(x.rows()) *
                                   std::log(2 * std::numbers::pi * v);
      }
    }
  });
  std::vector<Estimate> result;
  for (const Eigen::ArrayXd& v : values) {
    const double mean = v.mean(), n = static_cast<double>(v.size());
    result.push_back({mean, std::sqrt((v - mean).square().sum() / (n - 1) / n)});
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::runtime_error("usage: parzen SAMPLES.npy TRAIN.idx A:B TEST.idx");
  const std::string range = argv[3];
  const std::size_t colon = range.find(':');
  if (colon == range.npos) throw std::runtime_error("rows are A:B");
  const Matrix samples = rows(argv[1]),
               validation = rows(argv[2], std::stoll(range), std::stoll(range.substr(colon + 1)));
  std::vector<double> widths;
  for (int k = 0; k <= 20; ++k) widths.push_back(0.1 * std::pow(3.0, k / 20.0));  // 0.1 to 0.3
  const std::vector<Estimate> by_width = log_density(validation, samples, widths);
  std::size_t best = 0;
  for (std::size_t k = 0; k < widths.size(); ++k) {
    std::cout << "width " << widths[k] << ": " << by_width[k].mean << " on validation rows\n";
    if (by_width[k].mean > by_width[best].mean) best = k;
  }
  const Estimate test = log_density(rows(argv[4]), samples, {widths[best]}).front();
  std::cout << samples.cols() << " samples, width " << widths[best] << ": " << test.mean << " ± "
            << test.standard_error << " nats on test rows\n";
  return best > 0 && best + 1 < widths.size() ? 0 : 1;  // 1: the best width is outside of the grid
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
