// SPDX-License-Identifier: MIT
#include <longhand/gradcheck/check_gradient.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <longhand/gradcheck/eigen.hpp>

using namespace longhand;

TEST_CASE("eigen adapter: matrices, arrays and maps as tensors, expressions as gradients") {
  Eigen::MatrixXd W = Eigen::MatrixXd::Random(2, 3);
  Eigen::Array2d b(0.3, -0.2);
  double memory[12] = {0.1, -0.7, 0.4, 0.9, 0.2, -0.3, 0.5, 0.8, -0.6, 0.7, -0.1, 0.25};
  Eigen::Map<Eigen::Matrix<double, 3, 4>> x(memory);
  Eigen::MatrixXd y;
  LONGHAND_CHECK(check_gradient(
      "dense", {tensor("W", W), tensor("b", b), tensor("x", x)},
      [&] {
        y = ((W * x).array().colwise() + b).tanh().matrix();
        return std::vector<double>(y.data(), y.data() + y.size());
      },
      [&](Cotangent dy, TensorGradients& g) {
        const Eigen::MatrixXd da = (matrix(dy, 2).array() * (1 - y.array().square())).matrix();
        assign(g, "W", da * x.transpose());
        assign(g, "b", da.rowwise().sum());
        assign(g, "x", W.transpose() * da);
      }));
  CHECK(tensor("x", x).rows == 3);
}

TEST_CASE("eigen adapter: a gradient of another size and a block with gaps are refused") {
  Eigen::MatrixXd W = Eigen::MatrixXd::Random(2, 3);
  const GradientReport report = check_gradient(
      "size", {tensor("W", W)}, [&] { return W.squaredNorm(); },
      [&](TensorGradients& g) { assign(g, "W", Eigen::MatrixXd::Zero(2, 2)); });
  CHECK(report.reason.find("4 numbers as the gradient of 'W', which has 6 entries") !=
        std::string::npos);
  auto block = W.topRows(1);
  CHECK_THROWS_WITH_AS(tensor("top", block), "tensor 'top' has gaps between its columns",
                       std::invalid_argument);
}
