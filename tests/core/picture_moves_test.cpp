// SPDX-License-Identifier: MIT
// Pictures flipped, turned and shifted: exact where the page says so, and where they come from.
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/core/picture_moves.hpp>
#include <longhand/core/uniform.hpp>
#include <set>
#include <vector>

using namespace longhand;

namespace {

using Numbers = std::vector<double>;

Numbers moved(const PictureMoves& most, const Numbers& u, const Numbers& x) {
  Numbers y(x.size(), -77);
  move_picture(most, u.data(), x.data(), y.data());
  return y;
}
/// 1, 2, 3, … row after row.
Numbers counted(const PictureMoves& most) {
  Numbers x;
  for (Index k = 0; k < most.size(); ++k) x.push_back(static_cast<double>(k + 1));
  return x;
}
/// What moves nothing: no flip, the middle of everything else.
const Numbers kStill = {0.9, 0.5, 0.5, 0.5};

}  // namespace

TEST_CASE("pictures: no move is a copy, and a shift by whole pixels is exact [CHG-2] [CHG-3]") {
  const PictureMoves most{.height = 3, .width = 4, .shift = 1};
  const Numbers x = counted(most);
  CHECK(moved(most, kStill, x) == x);
  CHECK(moved(most, {0.9, 0.5, 0.9, 0.5}, x) == Numbers{0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11});
  CHECK(moved(most, {0.9, 0.5, 0.1, 0.5}, x) == Numbers{2, 3, 4, 0, 6, 7, 8, 0, 10, 11, 12, 0});
  CHECK(moved(most, {0.9, 0.5, 0.5, 0.9}, x) == Numbers{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(moved(most, {0.9, 0.5, 0.5, 0.1}, x) == Numbers{5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0});
}

TEST_CASE(
    "pictures: left becomes right below one half, the channels of a pixel stay together "
    "[CHG-2] [CHG-3]") {
  const PictureMoves most{.height = 1, .width = 3, .channels = 2, .flip = true};
  CHECK(moved(most, {0.4, 0.5, 0.5, 0.5}, {1, 2, 3, 4, 5, 6}) == Numbers{5, 6, 3, 4, 1, 2});
  CHECK(moved(most, {0.6, 0.5, 0.5, 0.5}, {1, 2, 3, 4, 5, 6}) == Numbers{1, 2, 3, 4, 5, 6});
}

TEST_CASE("pictures: quarter turns either way move pixels onto pixels [CHG-2] [CHG-3]") {
  PictureMoves most{.height = 3, .width = 3, .turn = 2};
  const Numbers x = counted(most);
  const auto near = [&](const Numbers& got, const Numbers& want) {
    double worst = 0;
    for (std::size_t k = 0; k < got.size(); ++k)
      worst = std::max(worst, std::abs(got[k] - want[k]));
    return worst;
  };
  // u = 3/4 is a quarter turn clockwise, u = 1/4 one back; both ends are half a turn.
  const Numbers one{7, 4, 1, 8, 5, 2, 9, 6, 3}, back{3, 6, 9, 2, 5, 8, 1, 4, 7},
      half{9, 8, 7, 6, 5, 4, 3, 2, 1};
  CHECK(near(moved(most, {0.9, 0.75, 0.5, 0.5}, x), one) < 1e-5);
  CHECK(near(moved(most, {0.9, 0.25, 0.5, 0.5}, x), back) < 1e-5);
  CHECK(near(moved(most, {0.9, 1.0, 0.5, 0.5}, x), half) < 1e-5);
  CHECK(near(moved(most, {0.9, 0.0, 0.5, 0.5}, x), half) < 1e-5);
}

TEST_CASE("pictures: the page's numbers [CHG-2] [CHG-3]") {
  const PictureMoves all{.height = 3, .width = 3, .shift = 1, .turn = 2, .flip = true};
  const Numbers nine{.1, .2, .3, .4, .5, .6, .7, .8, .9}, u{0.25, 0.75, 0.9, 0.5};
  const auto is = [](const Numbers& got, const Numbers& want, double tolerance) {
    for (std::size_t k = 0; k < got.size(); ++k) CHECK(std::abs(got[k] - want[k]) < tolerance);
  };
  is(moved(all, u, nine), {0, .9, .6, 0, .8, .5, 0, .7, .4}, 1e-14);
  const PictureMoves between{.height = 2, .width = 3, .turn = 2};
  is(moved(between, {0.9, 0.75, 0.5, 0.5}, {.1, .2, .3, .4, .5, .6}),
     {.225, .3, .075, .275, .4, .125}, 1e-14);
  const PictureMoves eighth{.height = 3, .width = 3, .turn = 1};
  is(moved(eighth, {0.9, 0.75, 0.5, 0.5}, nine),
     {0.23431457505076198, 0.217157287525381, 0.11715728752538099, 0.6414213562373096, 0.5,
      0.3585786437626905, 0.46862915010152395, 0.782842712474619, 0.351471862576143},
     1e-6);
}

TEST_CASE("pictures: any angle is a bilinear mean of four neighbours [CHG-3]") {
  const PictureMoves most{.height = 9, .width = 9, .turn = 1};
  // A plane is what bilinear interpolation reproduces: x = 2 + 3 column - row, away from the edge.
  Numbers x;
  for (int h = 0; h < 9; ++h)
    for (int w = 0; w < 9; ++w) x.push_back(2 + 3 * w - h);
  double worst = 0;
  for (const double u : {0.55, 0.62, 0.3, 0.81}) {
    const Numbers y = moved(most, {0.9, u, 0.5, 0.5}, x);
    const double angle = (2 * u - 1) * std::acos(-1.) / 2;
    for (int h = 3; h < 6; ++h)
      for (int w = 3; w < 6; ++w) {
        const double a = w - 4, b = h - 4;
        const double from_w = std::cos(angle) * a + std::sin(angle) * b + 4,
                     from_h = std::cos(angle) * b - std::sin(angle) * a + 4;
        worst = std::max(
            worst, std::abs(y[static_cast<std::size_t>(9 * h + w)] - (2 + 3 * from_w - from_h)));
      }
  }
  CHECK(worst < 2e-5);
  CHECK(worst > 0);
}

TEST_CASE("pictures: every shift is drawn, about as often as the others [CHG-2]") {
  const PictureMoves most{.height = 8, .width = 8, .shift = 2};
  std::vector<float> u(4000);
  uniform_column(NoiseKey{.seed = 5}, 0, 4000, u.data());
  std::vector<int> count(5);
  for (const float v : u)
    ++count[static_cast<std::size_t>(PictureMove::drawn(most, v, v, v, 0.5f).right + 2)];
  for (const int c : count) {
    CHECK(c > 700);
    CHECK(c < 900);
  }
  CHECK(PictureMove::drawn(most, 0.f, 0.f, 1.f, 0.f).right == 2);
}
