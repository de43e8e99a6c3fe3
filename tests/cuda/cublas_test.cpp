// SPDX-License-Identifier: MIT
// cuBLAS is found by name when the first engine is made, cuBLASLt when a product with an epilogue
// is first asked for; here, whether the names are right and what is described is accepted.
#include "../../cuda/cublas.hpp"

#include <doctest/doctest.h>

#include <set>

#include "../../cuda/epilogue.hpp"

using namespace longhand;
using cuda::Cublas, cuda::CublasLt, cuda::Epilogue, cuda::ProductWithEpilogue;

TEST_CASE("cublas: every function that is called is there") {
  const Cublas& library = Cublas::library();  // throws at the first that is missing
  CHECK(cuda::text_of(CUBLAS_STATUS_SUCCESS) == "success (CUBLAS_STATUS_SUCCESS)");
  CHECK(&Cublas::library() == &library);
  CublasLt::library();  // likewise
}

TEST_CASE("cublas: products with an epilogue are described as cuBLASLt wants them") {
  const auto at = [](std::uintptr_t address) { return reinterpret_cast<float*>(address); };
  using Matrix = cuda::DeviceView<float>;
  const Matrix weight{at(1 << 20), 784, 400, 784}, x{at(1 << 21), 784, 128, 784},
      y{at(1 << 22), 400, 128, 404};
  std::set<cuda::AlgorithmKey> keys;
  for (const Precision precision : {Precision::fp32, Precision::tf32})
    for (const std::uintptr_t vector : {std::uintptr_t{1} << 23, (std::uintptr_t{1} << 23) + 4}) {
      const ProductWithEpilogue forward(precision, Epilogue::add_bias, Transpose::yes, weight,
                                        Transpose::no, x, y, at(vector));
      const ProductWithEpilogue gradient(precision, Epilogue::sum_b, Transpose::no, x,
                                         Transpose::yes, y, weight, at(vector));
      CHECK(forward.key().depth == 784);
      CHECK(gradient.key().depth == 128);
      keys.insert(forward.key()), keys.insert(gradient.key());
    }
  CHECK(keys.size() == 8);
  const auto key = [&](const Matrix& from, const Matrix& to) {
    return ProductWithEpilogue(Precision::fp32, Epilogue::add_bias, Transpose::yes, weight,
                               Transpose::no, from, to, at(1 << 23))
        .key();
  };
  CHECK(key(x, y) == key({at(1 << 24), 784, 128, 784}, y));  // elsewhere, as well aligned
  CHECK(key(x, y) != key({at((1 << 24) + 16), 784, 128, 784}, y));
  CHECK(key(x, y) != key({at(1 << 21), 784, 128, 788}, y));
  CHECK(key(x, y) != key({at(1 << 21), 784, 127, 784}, {at(1 << 22), 400, 127, 404}));
}
