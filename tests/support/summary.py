#!/usr/bin/env python3
"""Adds up test results: summary.py [--passed N] [--failed N] JUNIT_FILE...

Prints one line, `N passed, N failed`. A test that ctest could not run has failed; one that is
disabled counts for nothing.
"""

import argparse
import sys
import xml.etree.ElementTree as xml


def count(path):
    passed = failed = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status != "disabled":
            failed += 1
    return passed, failed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--passed", type=int, default=0)
    arguments.add_argument("--failed", type=int, default=0)
    arguments.add_argument("files", nargs="*")
    given = arguments.parse_args()
    passed, failed = given.passed, given.failed
    for path in given.files:
        more_passed, more_failed = count(path)
        passed, failed = passed + more_passed, failed + more_failed
    print(f"{passed} passed, {failed} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
