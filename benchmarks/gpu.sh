#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One command for a machine with a GPU: builds longhand, runs the tests that need a device, finds
# what the device does at most, times training beside PyTorch and JAX where they are installed, and
# writes the GPU section of docs/results.md. Needs nvcc, g++, Meson, Ninja, Python; of libraries
# only the headers of Eigen and doctest, which `--pack` brings along to a machine without network.
#
# Usage: benchmarks/gpu.sh [--tests-only | --time-only | --only PART[,PART]...]
#                          [--seconds N] [--epochs N]
#        benchmarks/gpu.sh --pack      copies this machine's Eigen and doctest into subprojects/
#                                      (ignored by git: send those two folders with the tree)
#        benchmarks/gpu.sh --report    only writes the section, from what was measured before
#
#   --only     of tests, ceilings, classic, deep, wide; all of them unless given. --tests-only is
#              the first of them, --time-only the others
#   --seconds  when to be done (1500). What is left when a part begins is shared by it and those
#              after it; what does not fit is skipped, and said to be
#   --epochs   of each training (12), the first two of which do not count
#
# GPU_ARCH=90 names the GPU to compile for, where nvidia-smi does not; COMMIT=abc what is measured,
# where there is no git; PYTHON=python3 the Python that has PyTorch and JAX.
#
# Every part leaves build/gpu/PART.tsv, written as it goes: what was measured before an early end is
# there, and a second call completes the first, since the section is written from all there are.
# Where OUT names a folder they are copied there after each part, with logs and page. Exits 0 only
# if every test passed and every program of ours did its work; peers may fail.
#
# Estimated, not measured, for one H200 with 16 cores, in minutes: build 2, tests and
# compute-sanitizer 2, ceilings 1/2, a net 4 to 6, most of which is torch.compile. So in two calls
# of less than 10 minutes:
#   benchmarks/gpu.sh --seconds 540 --only tests,ceilings,classic
#   benchmarks/gpu.sh --seconds 540 --only deep,wide
set -uo pipefail
export PATH=$PATH:/usr/local/cuda/bin
root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/benchmarks/gpu
build=$root/build/gpu
eigen=$root/subprojects/eigen-3.4.0
doctest=$root/subprojects/doctest-2.5.3
python=${PYTHON-python3}
tests=(cuda_errors cuda_cublas cuda_device cuda_broken)
sanitized='*every formula*,*products and*,*models of all parts*,*graphs of two streams*'
seconds=1500 epochs=12 parts="tests ceilings classic deep wide" failed=0

pack() {
  set -e
  mkdir -p "$eigen" "$doctest/doctest"
  read -r headers _ < <(pkg-config --cflags-only-I eigen3)
  cp -r "${headers#-I}/Eigen" "$eigen/"
  cp "$root/subprojects/packagefiles/eigen/meson.build" "$eigen/"
  cp /usr/include/doctest/doctest.h "$doctest/doctest/"
  cat > "$doctest/meson.build" <<'MESON'
project('doctest', 'cpp', version: '2.5.3')
meson.override_dependency('doctest',
  declare_dependency(include_directories: include_directories('.', is_system: true)))
MESON
  du -sh "$eigen" "$doctest"
}

# The section of docs/results.md from all that was measured; everything to $OUT.
finish() {
  shopt -s nullglob
  local found=("$build"/*.tsv)
  [ ${#found[@]} -eq 0 ] || "$python" "$here/report.py" "${found[@]}" || failed=1
  [ -n "${OUT-}" ] && [ -d "$OUT" ] || return 0
  cp ${found[@]+"${found[@]}"} "$root/docs/results.md" "$OUT/"
  [ ! -f "$build/sanitizer.log" ] || cp "$build/sanitizer.log" "$OUT/"
  cat "$build.log" "$build/tests.log" "$build/peers.log" >"$OUT/gpu.log" 2>/dev/null
  return 0
}

left() { echo $((seconds - SECONDS)); }

# within SECONDS COMMAND...: no longer than that, nor than there is time left.
within() {
  local most=$1
  shift
  [ "$most" -le "$(left)" ] || most=$(left)
  if [ "$most" -lt 1 ]; then echo "out of time"; return 124; fi
  timeout --kill-after=5 "$most" "$@"
}

machine() {
  printf 'machine\tdate\t%s\n' "$(date -u +%F)"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm \
    --format=csv,noheader 2>/dev/null |
    awk -F', ' 'NR == 1 {printf "machine\tGPU\t%s, %s, at most %s\nmachine\tdriver\t%s\n",
                                $1, $3, $4, $2}'
  printf 'machine\tCUDA\t%s\n' "$(nvcc --version | sed -n 's/.*release \(.*\)/\1/p')"
  printf 'machine\tcompiler\t%s\n' "$(${CXX:-g++} --version | head -1)"
  printf 'machine\tlonghand\t%s\n' "$commit"
}

# cuBLAS may be elsewhere than nvcc, among the packages of Python for one.
find_cublas() {
  local root header
  root=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc)")")")
  [ ! -e "$root/include/cublasLt.h" ] || return 0
  header=$(find / -name cublasLt.h -not -path '/proc/*' -print -quit 2>/dev/null)
  [ -n "$header" ] || return 0
  root=$(dirname "$(dirname "$header")")
  export CPATH=$root/include${CPATH:+:$CPATH}
  export LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# The devices to compile for: this one, or what nvcc itself finds.
arch() {
  local found
  found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .)
  echo "${found:-native}"
}

# Without the page, which every part writes anew.
commit_of() {
  git -C "$root" describe --always 2>/dev/null || { echo unknown; return; }
  git -C "$root" diff --quiet HEAD -- . ':!docs/results.md' || echo "with changes"
}

build() {
  local options=(-Dbuildtype=release -Db_ndebug=true -Dnative=true -Ddefault_library=static)
  options+=(-Dcuda=enabled "-Dgpu_arch=${GPU_ARCH-$(arch)}" -Dtests=enabled -Dbenchmarks=enabled)
  options+=(-Dcli=disabled -Dio=auto -Dexamples=disabled --wrap-mode=nodownload)
  options+=(-Dwerror=false)  # a compiler never seen before may find something to say
  [ ! -f "$build/build.ninja" ] || options+=(--reconfigure)
  if ! meson setup "${options[@]}" "$build" "$root" >"$build.log" 2>&1; then
    tail -50 "$build.log"
    return 1
  fi
  # Where there is all that model files need.
  if [ "$1" = "tests/test_${tests[0]}" ] && grep -q tests/test_cuda_files "$build/build.ninja"; then
    tests+=(cuda_files)
    set -- "$@" tests/test_cuda_files
  fi
  if ! within "$(left)" ninja -C "$build" "$@" >>"$build.log" 2>&1; then
    tail -50 "$build.log"
    return 1
  fi
}

# verdict WORD STATUS: what a test's exit status means, WORD being the good word.
verdict() {
  case $2 in
    0) echo "$1" ;;
    77) echo skipped ;;
    124) echo "failed (out of time)" ;;
    *) echo "failed ($2)" ;;
  esac
}

run_tests() {
  rm -f "$build/tests.log" "$build/sanitizer.log"
  for name in "${tests[@]}"; do
    echo "-- $name" >>"$build/tests.log"
    within 240 "$build/tests/test_$name" >>"$build/tests.log" 2>&1
    printf 'test\t%s\t%s\n' "$name" "$(verdict passed $?)"
  done
  command -v compute-sanitizer >/dev/null || return 0
  # Our kernels: what is said of cuBLAS's is for others to mend.
  local ours=()
  ! compute-sanitizer --help | grep -q -- --kernel-name || ours=(--kernel-name kns=longhand4cuda)
  for tool in memcheck racecheck initcheck synccheck; do
    echo "-- $tool" >>"$build/sanitizer.log"
    within 120 compute-sanitizer --tool "$tool" ${ours[@]+"${ours[@]}"} --error-exitcode 9 \
      "$build/tests/test_cuda_device" \
      --test-case="$sanitized" \
      >>"$build/sanitizer.log" 2>&1
    printf 'test\t%s\t%s\n' "$tool" "$(verdict clean $?)"
  done
}

# Ours, then JAX, then PyTorch, which would take any time there is.
run_net() {
  local net=$1 end=$2 status=0 weights=$build/$1.weights
  rm -f "$weights"
  within $((end - SECONDS)) "$build/benchmarks/gpu/gpu_step" "$net" "$weights" "$epochs" ||
    status=$?
  [ -f "$weights" ] || return 1
  for framework in jax torch; do
    local share=$((end - SECONDS))
    [ $framework = torch ] || share=$((share / 3))
    within $((share + 15)) "$python" "$here/peers.py" $framework "$net" "$weights" \
      --epochs "$epochs" --seconds "$share" || echo "$framework, $net: ended by $?" >&2
  done
  return "$status"
}

# A part, into its file and onto the screen.
run() {
  local part=$1 parts_left=$2
  echo "== $part, after $SECONDS s"
  if [ "$(left)" -lt 30 ]; then
    echo "out of time"
    failed=1
    return
  fi
  {
    machine
    case $part in
      tests) run_tests ;;
      ceilings) within 120 "$build/benchmarks/gpu/gpu_ceilings" ;;
      *) run_net "$part" $((SECONDS + $(left) / parts_left - 5)) ;;
    esac
  } 2> >(tee -a "$build/peers.log" >&2) | tee "$build/$part.tsv" || failed=1
  ! grep -q '^test.*\(failed\|skipped\)' "$build/$part.tsv" || failed=1
  finish
}

while [ $# -gt 0 ]; do
  case $1 in
    --pack) pack; exit ;;
    --report) finish; exit "$failed" ;;
    --tests-only) parts=tests ;;
    --time-only) parts=${parts#tests } ;;
    --only) parts=${2//,/ }; shift ;;
    --seconds) seconds=$2; shift ;;
    --epochs) epochs=$2; shift ;;
    *) sed -n '3,/^set/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
  esac
  shift
done

commit=${COMMIT-$(commit_of | paste -sd ' ')}
mkdir -p "$build"
rm -f "$build/peers.log"
trap finish EXIT
trap 'exit 130' INT TERM
machine
echo "== build"
targets=()
case " $parts " in *" tests "*) targets+=("${tests[@]/#/tests/test_}") ;; esac
[ "$parts" = tests ] || targets+=(benchmarks/gpu/gpu_step benchmarks/gpu/gpu_ceilings)
find_cublas
build "${targets[@]}" || exit 1
parts_left=$(wc -w <<<"$parts")
for part in $parts; do
  run "$part" "$parts_left"
  parts_left=$((parts_left - 1))
done
exit "$failed"
