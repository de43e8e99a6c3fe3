// SPDX-License-Identifier: MIT
// One dense layer, forward and backward, three ways: written out with Eigen as on the page
// docs/derivations/dense.md, by longhand's Dense, and by finite differences. Start here.
#include <iostream>
#include <longhand/gradcheck/check_gradient.hpp>
#include <longhand/longhand.hpp>

using namespace longhand;
using Eigen::MatrixXd, Eigen::VectorXd;

int main() {
  const Index in = 3, out = 2, batch = 4;
  const MatrixXd x = MatrixXd::Random(in, batch);    // a sample is a column
  const MatrixXd dy = MatrixXd::Random(out, batch);  // dL/dy, given from above

  // ---- by hand ------------------------------------------------------------------------------
  MatrixXd W = MatrixXd::Random(out, in);
  VectorXd b = VectorXd::Random(out);
  const MatrixXd y = (W * x).colwise() + b;  // y  = W x + b 1ᵀ     [DEN-1]
  const MatrixXd dW = dy * x.transpose();    // dW = dy xᵀ          [DEN-2]
  const VectorXd db = dy.rowwise().sum();    // db = dy 1           [DEN-3]
  const MatrixXd dx = W.transpose() * dy;    // dx = Wᵀ dy          [DEN-4]

  // ---- by longhand ----------------------------------------------------------------------------
  using B = Cpu<double>;
  const B cpu;
  ParamLayout layout;
  const Dense<B> dense(layout, "dense", in, out);
  const Params<B> theta(layout);
  Grads<B> grads(layout);
  Workspace<B> workspace;
  const Pass<B> pass{.backend = cpu, .theta = theta, .grads = &grads, .workspace = workspace};

  const MatrixXd Wt = W.transpose();  // held as (out, in) row-major: column-major that is Wᵀ
  cpu.upload(Wt.data(), theta[dense.weight()]);
  cpu.upload(b.data(), theta[dense.bias()]);
  const ConstView<B> x_view{x.data(), in, batch, in}, dy_view{dy.data(), out, batch, out};
  const View<B> y_view = pass.matrix(out, batch), dx_view = pass.matrix(in, batch);
  dense.forward(pass, x_view, y_view);
  dense.backward(pass, x_view, dy_view, dx_view);

  const auto as_eigen = [](View<B> v) { return Eigen::Map<MatrixXd>(v.data, v.rows, v.cols); };
  const double worst = std::max(
      {(as_eigen(y_view) - y).cwiseAbs().maxCoeff(), (as_eigen(dx_view) - dx).cwiseAbs().maxCoeff(),
       (as_eigen(grads[dense.weight()]) - dW.transpose()).cwiseAbs().maxCoeff(),
       (as_eigen(grads[dense.bias()]).transpose() - db).cwiseAbs().maxCoeff()});
  std::cout << "by hand against longhand: largest difference " << worst << '\n';

  // ---- by finite differences ------------------------------------------------------------------
  const auto numbers = [](auto& m) {
    return std::span<double>(m.data(), static_cast<std::size_t>(m.size()));
  };
  const GradientReport report = check_gradient(
      "dense", {{"W", numbers(W), static_cast<std::size_t>(out)}, {"b", numbers(b)}},
      [&] {
        const MatrixXd output = (W * x).colwise() + b;
        return std::vector<double>(output.data(), output.data() + output.size());
      },
      [&](std::span<const double> cotangent, TensorGradients& g) {
        const Eigen::Map<const MatrixXd> d(cotangent.data(), out, batch);
        Eigen::Map<MatrixXd>(g["W"].data(), out, in) = d * x.transpose();
        Eigen::Map<VectorXd>(g["b"].data(), out) = d.rowwise().sum();
      });
  std::cout << report.text();
  return worst < 1e-14 && report.passed() ? 0 : 1;
}
