#!/usr/bin/env bash
# Installs what the tests need, builds them, runs them.
set -euo pipefail

usage() {
  cat <<'TEXT'
tests/run.sh [CTEST ARGUMENTS]     e.g. tests/run.sh -R lineage

On Debian 12, Ubuntu 24.04 or later: installs the missing packages (as root or with sudo), builds the
preset `dev` in build/dev and runs ctest. What it installs it says; if nothing is missing it is quiet
and needs no network. Where a browser or node.js cannot be had, their tests say so and are skipped.
nginx, haproxy and prometheus (promtool) are not installed, since their packages start services: with
them in place, their tests run too.
Ends with a line "N passed, N failed" and ctest's exit status.

  BATON_PRESET=asan tests/run.sh   the same with another preset (asan, tsan, coverage)
TEXT
}

case "${1-}" in -h | --help) usage && exit 0 ;; esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/install_packages.sh
preset=${BATON_PRESET:-dev}
results=$PWD/build/$preset/junit.xml

# Whoever has nodejs from elsewhere has npm with it, and Debian's would replace it.
npm=()
command -v npm >/dev/null || npm=(npm)

install_packages g++ cmake ninja-build ccache make pkg-config boost libfmt-dev libspdlog-dev \
  libssl-dev libnghttp2-dev zlib1g-dev prometheus-cpp-dev libyaml-cpp-dev libcli11-dev libgtest-dev libgmock-dev curl openssl python3 \
  nghttp2-client python3-h2 python3-jsonschema python3-websockets python3-wsproto \
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc python3-grpcio python3-protobuf \
  --optional nodejs "${npm[@]}" node-ws node-undici chromium python3-yaml busybox-static

# A fresh clone in another folder finds what was compiled before.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset "$preset"
cmake --build --preset "$preset"

rm -f "$results"
status=0
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 300 \
  --parallel "$(nproc)" --output-junit "$results" "$@" </dev/null || status=$?
if [ -f "$results" ]; then python3 tests/support/summary.py "$results"; fi
exit "$status"
