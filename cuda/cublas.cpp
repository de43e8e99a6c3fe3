// SPDX-License-Identifier: MIT
#include "cublas.hpp"

#include <dlfcn.h>

#include "longhand/backend/cuda_error.hpp"

namespace longhand::cuda {
namespace {

#define LONGHAND_STRING_OF(x) #x
#define LONGHAND_STRING(x) LONGHAND_STRING_OF(x)
// Of the version whose headers were compiled in, where the loader finds it or where it was built.
constexpr const char* kName = "libcublas.so." LONGHAND_STRING(CUBLAS_VER_MAJOR);
constexpr const char* kPath =
    LONGHAND_CUBLAS_FOLDER "/libcublas.so." LONGHAND_STRING(CUBLAS_VER_MAJOR);

Cublas load() {
  void* library = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = dlopen(kPath, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    throw CudaError(std::string("cuBLAS cannot be loaded: ") + (reason ? reason : kName));
  }
  const auto find = [library](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) throw CudaError(std::string(kName) + " has no " + name);
  };
  Cublas found{};
  find(found.create, "cublasCreate_v2");
  find(found.destroy, "cublasDestroy_v2");
  find(found.set_stream, "cublasSetStream_v2");
  find(found.set_workspace, "cublasSetWorkspace_v2");
  find(found.gemm, "cublasGemmEx_64");
  find(found.status_name, "cublasGetStatusName");
  find(found.status_string, "cublasGetStatusString");
  return found;
}

}  // namespace

const Cublas& Cublas::library() {
  static const Cublas found = load();  // never unloaded: handles may outlive main()
  return found;
}

std::string text_of(cublasStatus_t status) {
  const Cublas& library = Cublas::library();
  return std::string(library.status_string(status)) + " (" + library.status_name(status) + ")";
}

}  // namespace longhand::cuda
