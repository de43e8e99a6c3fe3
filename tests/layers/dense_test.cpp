// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/layers/dense.hpp>

#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  Dense<B> layer;
  Matrix<S> x, y, dx;
  Fixture(Index in, Index out, Index n, Index gap = 0, B on = B())
      : Bench<B>(on),
        layer(this->layout, "dense", in, out),
        x(in, n, gap),
        y(out, n, gap),
        dx(in, n, gap) {
    this->ready();
    x.randomise(7);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("dense: worked numbers [DEN-1] [DEN-2] [DEN-3] [DEN-4]", B, Reference<double>,
                   Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f(3, 2, 2);
  const S W[] = {1, -2, S(0.5), 0, S(1.5), -1}, b[] = {S(0.1), S(-0.2)};  // in file order
  f.backend.upload(W, f.theta[f.layer.weight()]);
  f.backend.upload(b, f.theta[f.layer.bias()]);
  const S x[] = {1, 0, 2, -1, S(0.5), 1}, dy[] = {1, 2, S(-0.5), S(0.25)};
  f.backend.upload(x, f.x.view());
  Matrix<S> up(2, 2);
  f.backend.upload(dy, up.view());
  const Pass<B> pass = f.pass();
  f.layer.forward(pass, f.x.view(), f.y);
  f.layer.backward(pass, f.x.view(), up.view(), f.dx);
  const auto check = [](const char* name, const std::vector<double>& got,
                        const std::vector<double>& want) {
    const std::string what = name;
    CAPTURE(what);
    REQUIRE(got.size() == want.size());
    for (std::size_t k = 0; k < got.size(); ++k)
      CHECK_FALSE(!(std::abs(got[k] - want[k]) <= 4 * std::numeric_limits<S>::epsilon()));
  };
  check("y", f.y.flat(), {2.1, -2.2, -1.4, -0.45});
  check("dW", flat(f.grads[f.layer.weight()]), {1.5, -0.25, 1.5, 1.75, 0.125, 4.25});
  check("db", flat(f.grads[f.layer.bias()]), {0.5, 2.25});
  check("dx", f.dx.flat(), {1, 1, -1.5, -0.5, 1.375, -0.5});
}

TEST_CASE_TEMPLATE("dense: gradient and contracts [DEN-2] [DEN-3] [DEN-4]", B, Reference<double>,
                   Cpu<double>) {
  for (const auto& shape : {std::array<Index, 2>{3, 2}, {1, 1}, {5, 5}, {2, 17}})
    LONGHAND_CHECK(check_layer<B>("dense", [&]<class On>(ParamLayout& layout) {
      return Dense<On>(layout, "dense", shape[0], shape[1]);
    }));
}

TEST_CASE_TEMPLATE("dense: float, and large shapes, within the rounding bound [DEN-1] [DEN-4]", B,
                   Cpu<float>, Cpu<double>) {
  using S = typename B::Scalar;
  using R = Reference<long double>;
  for (const auto& [in, out, n] :
       {std::array<Index, 3>{1, 33, 0}, {2, 2, 1}, {33, 17, 7}, {64, 65, 257}}) {
    Fixture<B> f(in, out, n, 3, B(2));
    Fixture<R> r(in, out, n);
    Matrix<S> dy(out, n, 1);
    Matrix<long double> dy_r(out, n);
    dy.randomise(8), dy_r.randomise(8);
    f.layer.forward(f.pass(), f.x.view(), f.y);
    f.layer.backward(f.pass(), f.x.view(), dy.view(), f.dx);
    r.layer.forward(r.pass(), r.x.view(), r.y);
    r.layer.backward(r.pass(), r.x.view(), dy_r.view(), r.dx);
    // All numbers are below 1 in size: K + 1 roundings of K products and a bias.
    const auto close = [&](const std::vector<double>& got, const std::vector<double>& want,
                           Index k) {
      const double u = std::numeric_limits<S>::epsilon() / 2;
      double worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        if (!(std::abs(got[i] - want[i]) <= worst)) worst = std::abs(got[i] - want[i]);
      CHECK_FALSE(!(worst <= static_cast<double>((k + 1) * (k + 1)) * u + 1e-15));
    };
    close(f.y.flat(), r.y.flat(), in);
    close(f.dx.flat(), r.dx.flat(), out);
    close(flat(f.grads[f.layer.weight()]), flat(r.grads[r.layer.weight()]), n);
    close(flat(f.grads[f.layer.bias()]), flat(r.grads[r.layer.bias()]), n);
    for (const auto* m : {&f.x, &f.y, &f.dx}) CHECK(m->guarded());
  }
}

TEST_CASE_TEMPLATE("dense: wrong shapes are refused by name", B, Reference<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f(5, 3, 4);
  Matrix<S> narrow(4, 4), other(3, 5);
  check_refused("dense: x", [&] { f.layer.forward(f.pass(), narrow.view(), f.y); });
  check_refused("dense: y", [&] { f.layer.forward(f.pass(), f.x.view(), other); });
  check_refused("dense: dy", [&] { f.layer.backward(f.pass(), f.x.view(), other.view(), f.dx); });
  check_refused("dense: dx", [&] { f.layer.backward(f.pass(), f.x.view(), f.y.view(), narrow); });
  check_refused("parameter block 'none.weight' is 3 x 0",
                [&] { Dense<B>(f.layout, "none", 3, 0); });
}

TEST_CASE("dense: names and parts of its blocks") {
  ParamLayout layout;
  const Dense<Cpu<float>> head(layout, 3, OutputSpec{{{"mu", 2}, {"logvar", 3}}});
  const ParamBlock &weight = layout[head.weight()], &bias = layout[head.bias()];
  CHECK(weight.parts[0].name == "mu.weight");
  CHECK(weight.parts[1].name == "logvar.weight");
  CHECK(weight.parts[1].first == 2);
  CHECK(bias.parts[1].name == "logvar.bias");
  CHECK(weight.inner == std::vector<Index>{3});
  CHECK(weight.outputs == 5);
  CHECK(weight.order.empty());
  CHECK(weight.parts[1].outputs == 3);
  CHECK(bias.parts[1].first == 2);
  CHECK(bias.outputs == 5);
  CHECK(!weight.bias());
  CHECK(bias.bias());
  CHECK(head.out() == 5);
  CHECK(bias.fan_in == 3);
  CHECK(weight.fan_in == 3);
}

TEST_CASE_TEMPLATE("dense: extreme inputs stay finite, NaN shows", B, Cpu<float>, Cpu<double>) {
  using S = typename B::Scalar;
  Fixture<B> f(5, 3, 2);
  f.x.fill(1e30);
  f.layer.forward(f.pass(), f.x.view(), f.y);
  for (const double v : f.y.flat()) CHECK(std::isfinite(v));
  for (std::size_t b = 0; b < 2; ++b) {  // a NaN planted in each block reaches every output it may
    f.ready();
    f.x.randomise(1);
    f.theta[static_cast<BlockId>(b)](0) = std::numeric_limits<S>::quiet_NaN();
    f.layer.forward(f.pass(), f.x.view(), f.y);
    CHECK(std::isnan(f.y(0, 0)));
    CHECK(std::isnan(f.y(0, 1)));
  }
}

TEST_CASE_TEMPLATE("dense: frozen, or without a gradient of the input [DEN-2] [DEN-4]", B,
                   Reference<double>, Cpu<double>) {
  Fixture<B> f(5, 3, 4);
  f.layer.forward(f.pass(), f.x.view(), f.y);
  f.layer.backward(f.pass(), f.x.view(), f.y.view(), f.dx);
  const auto gradients = flat(f.grads.flat()), dx = f.dx.flat();
  f.dx.poison();
  f.layer.backward(f.pass().frozen(), f.x.view(), f.y.view(), f.dx);
  CHECK(f.dx.flat() == dx);
  CHECK(flat(f.grads.flat()) == gradients);
  CHECK(f.grads.next_write(f.layer.weight()) == Store::accumulate);  // of the first backward alone
  f.grads.clear();
  f.layer.backward(f.pass(), f.x.view(), f.y.view(), {});
  CHECK(flat(f.grads.flat()) == gradients);
}

#ifndef __clang__  // libomp allocates for every worksharing loop
TEST_CASE("dense: nothing is allocated after the first step") {
  Fixture<Cpu<float>> f(64, 65, 257, 0, Cpu<float>(2));
  const auto step = [&] {
    f.layer.forward(f.pass(), f.x.view(), f.y);
    f.layer.backward(f.pass(), f.x.view(), f.y.view(), f.dx);
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
}
#endif
