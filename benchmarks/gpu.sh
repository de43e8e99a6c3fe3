#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds longhand on a machine with a GPU, runs the tests that need one, then times training beside
# PyTorch and JAX where they are installed. Needs nvcc, g++, Meson, Ninja; of libraries only the
# headers of Eigen and doctest, which `--pack` brings along to a machine without network.
#
# Usage: benchmarks/gpu.sh [--tests-only] [EPOCHS]
#        benchmarks/gpu.sh --pack      copies this machine's Eigen and doctest into subprojects/
#                                      (ignored by git: send those two folders with the tree)
#
# GPU_ARCH=90 names the GPU to compile for, where nvcc does not see it by itself.
# Results are in build/gpu: timings.tsv, sanitizer.log. Exits 0 only if every test passed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/gpu
eigen=$root/subprojects/eigen-3.4.0
doctest=$root/subprojects/doctest-2.5.3

if [ "${1-}" = --pack ]; then
  mkdir -p "$eigen" "$doctest/doctest"
  read -r headers _ < <(pkg-config --cflags-only-I eigen3)
  cp -r "${headers#-I}/Eigen" "$eigen/"
  cp "$root/subprojects/packagefiles/eigen/meson.build" "$eigen/"
  cp /usr/include/doctest/doctest.h "$doctest/doctest/"
  cat > "$doctest/meson.build" <<'END'
project('doctest', 'cpp', version: '2.5.3')
meson.override_dependency('doctest',
  declare_dependency(include_directories: include_directories('.', is_system: true)))
END
  du -sh "$eigen" "$doctest"
  exit
fi
tests_only=no
if [ "${1-}" = --tests-only ]; then
  tests_only=yes
  shift
fi
epochs=${1-6}

echo "== machine"
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader || true
nvcc --version | tail -2
${CXX:-g++} --version | head -1

echo "== build"
options=(-Dbuildtype=release -Db_ndebug=true -Dnative=true -Ddefault_library=static)
options+=(-Dcuda=enabled "-Dgpu_arch=${GPU_ARCH-native}" -Dtests=enabled -Dbenchmarks=enabled)
options+=(-Dcli=disabled -Dio=disabled -Dexamples=disabled --wrap-mode=nodownload)
mkdir -p "$root/build"
[ ! -f "$build/build.ninja" ] || options+=(--reconfigure)
meson setup "${options[@]}" "$build" "$root" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
tests=(backend_cuda_kernels train_device cuda_errors cuda_cublas cuda_device cuda_broken)
ninja -C "$build" "${tests[@]/#/tests/test_}" benchmarks/gpu_step

echo "== tests"
failed=0
for name in "${tests[@]}"; do
  echo "-- $name"
  "$build/tests/test_$name" || failed=1
done

echo "== compute-sanitizer"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    if compute-sanitizer --tool "$tool" --error-exitcode 9 "$build/tests/test_cuda_device" \
      --test-case='*every formula*,*products and*,*models of all parts*' \
      >"$build/sanitizer.log" 2>&1; then
      echo "$tool: clean"
    else
      echo "$tool: see $build/sanitizer.log"
      tail -20 "$build/sanitizer.log"
      failed=1
    fi
  done
else
  echo "not installed"
fi
[ "$tests_only" = no ] || exit "$failed"

echo "== time: who, net, batch, precision, us per step, s per epoch, loss of the last epoch"
{
  "$build/benchmarks/gpu_step" "$epochs" || failed=1
  python3 "$root/benchmarks/gpu_peers.py" "$epochs" || failed=1
} | tee "$build/timings.tsv"
exit "$failed"
