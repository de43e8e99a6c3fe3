// SPDX-License-Identifier: MIT
// The kernels that see a whole column.
#include "longhand/backend/cuda_launch.cuh"

namespace longhand::cuda {

void softmax_columns(Engine& backend, DeviceView<const float> x, DeviceView<float> y,
                     DeviceView<float> log_sum_exp) {
  launch(backend, SoftmaxColumns(x, y, log_sum_exp), x.rows, x.cols);
}

void one_hot_columns(Engine& backend, DeviceView<const float> x, DeviceView<float> y) {
  launch(backend, OneHotColumns(x, y), x.rows, x.cols);
}

void move_pictures(Engine& backend, const PictureMoves& moves, DeviceView<const float> u,
                   DeviceView<const float> x, DeviceView<float> y) {
  launch(backend, MovePictures(moves, u, x, y), x.rows, x.cols);
}

}  // namespace longhand::cuda
