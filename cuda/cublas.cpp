// SPDX-License-Identifier: MIT
#include "cublas.hpp"

#include <dlfcn.h>

#include "longhand/backend/cuda_error.hpp"

namespace longhand::cuda {
namespace {

#define LONGHAND_STRING_OF(x) #x
#define LONGHAND_STRING(x) LONGHAND_STRING_OF(x)
#define LONGHAND_VERSION ".so." LONGHAND_STRING(CUBLAS_VER_MAJOR)

/// A library of the version whose headers were compiled in, where the loader finds it or where it
/// was built. Never unloaded: handles may outlive main().
class Library {
 public:
  explicit Library(const std::string& name)
      : name_(name), handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    const std::string path = LONGHAND_CUBLAS_FOLDER "/" + name;
    if (handle_ == nullptr) handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) return;
    const char* reason = dlerror();
    throw CudaError("cuBLAS cannot be loaded: " + (reason ? std::string(reason) : name));
  }
  template <class Function>
  void find(Function& function, const char* name) const {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr) throw CudaError(name_ + " has no " + name);
  }

 private:
  std::string name_;
  void* handle_;
};

Cublas load_cublas() {
  const Library library("libcublas" LONGHAND_VERSION);
  Cublas found{};
  library.find(found.create, "cublasCreate_v2");
  library.find(found.destroy, "cublasDestroy_v2");
  library.find(found.set_stream, "cublasSetStream_v2");
  library.find(found.set_workspace, "cublasSetWorkspace_v2");
  library.find(found.gemm, "cublasGemmEx_64");
  library.find(found.status_name, "cublasGetStatusName");
  library.find(found.status_string, "cublasGetStatusString");
  return found;
}

CublasLt load_cublas_lt() {
  const Library library("libcublasLt" LONGHAND_VERSION);
  CublasLt found{};
  library.find(found.multiply, "cublasLtMatmul");
  library.find(found.find_algorithms, "cublasLtMatmulAlgoGetHeuristic");
  library.find(found.init_operation, "cublasLtMatmulDescInit_internal");
  library.find(found.set_of_operation, "cublasLtMatmulDescSetAttribute");
  library.find(found.init_layout, "cublasLtMatrixLayoutInit_internal");
  library.find(found.init_preference, "cublasLtMatmulPreferenceInit_internal");
  library.find(found.set_of_preference, "cublasLtMatmulPreferenceSetAttribute");
  return found;
}

}  // namespace

const Cublas& Cublas::library() {
  static const Cublas found = load_cublas();
  return found;
}
const CublasLt& CublasLt::library() {
  static const CublasLt found = load_cublas_lt();
  return found;
}

std::string text_of(cublasStatus_t status) {
  const Cublas& library = Cublas::library();
  return std::string(library.status_string(status)) + " (" + library.status_name(status) + ")";
}

}  // namespace longhand::cuda
