#!/usr/bin/env python3
"""Adds up test results: summary.py [--passed N] [--failed N] JUNIT_FILE...

Prints one line, `N passed, N failed`. A test that ctest could not run has failed; one that is
disabled counts for nothing. With --explain, what failed comes first: its name, and the end of what
the first few wrote.
"""

import argparse
import sys
import xml.etree.ElementTree as xml


EXPLAINED = 3  # tests whose output is shown
LINES = 12  # of each


def count(path):
    """The number of those that passed, and those that failed."""
    passed, failed = 0, []
    for case in xml.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status != "disabled":
            failed.append(case)
    return passed, failed


def explain(path, failed, shown):
    """`shown`: how many were explained already."""
    for number, case in enumerate(failed, start=shown):
        print(f"failed: {case.get('name')} ({path})")
        if number < EXPLAINED:
            for line in (case.findtext("system-out") or "").splitlines()[-LINES:]:
                print(f"    {line}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--passed", type=int, default=0)
    arguments.add_argument("--failed", type=int, default=0)
    arguments.add_argument("--explain", action="store_true")
    arguments.add_argument("files", nargs="*")
    given = arguments.parse_args()
    passed, failed = given.passed, given.failed
    for path in given.files:
        more_passed, cases = count(path)
        if given.explain:
            explain(path, cases, failed - given.failed)
        passed, failed = passed + more_passed, failed + len(cases)
    print(f"{passed} passed, {failed} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
