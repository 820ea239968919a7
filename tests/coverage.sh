#!/usr/bin/env bash
# Runs the tests with the preset `coverage` and prints how many lines of each floor they reached.
set -euo pipefail

usage() {
  cat <<'TEXT'
tests/coverage.sh [CTEST ARGUMENTS]     e.g. tests/coverage.sh -R lineage

Installs what is missing (gcovr besides what tests/run.sh needs), builds the preset `coverage` in
build/coverage, runs the tests but for the long load and the packages (which are built without
counting), and prints the line coverage of each floor and of its least covered files.
build/coverage/html/index.html shows it line by line.

The figures are lower bounds: a process that a test kills, or that leaves by _exit, writes none.
TEXT
}

case "${1-}" in -h | --help) usage && exit 0 ;; esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/install_packages.sh
install_packages gcovr

build=build/coverage
# What an earlier run reached does not count.
if [ -d "$build" ]; then find "$build" -name '*.gcda' -delete; fi

status=0
BATON_PRESET=coverage tests/run.sh --label-exclude restart_load \
  --exclude-regex '^package\.(install|refuse|find_package|add_subdirectory|pkg_config)$' "$@" || status=$?

mkdir -p "$build/html"
gcovr --root . --filter 'src/' --filter 'include/baton/' --json-summary "$build/coverage.json" \
  --html-details "$build/html/index.html" "$build/src" "$build/tests" "$build/main_test"
python3 tests/support/coverage.py "$build/coverage.json"
exit "$status"
