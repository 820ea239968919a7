#!/usr/bin/env python3
"""Adds up line coverage by floor: coverage.py SUMMARY, as `gcovr --json-summary` wrote it.

Prints a table, from the lowest floor up, with the files of each floor that are covered least.
"""

import json
import sys
from collections import defaultdict

FLOORS = ["base", "net", "lineage", "server", "http", "grpc", "quic", "admin", "config", "ondemand",
          "gateway", "apps"]
SHOWN = 3


class Count:
    """Lines that have code, and those of them that were reached."""

    def __init__(self, lines=0, reached=0):
        self.lines, self.reached = lines, reached

    def __iadd__(self, other):
        self.lines += other.lines
        self.reached += other.reached
        return self

    def percent(self):
        return 100 * self.reached / self.lines


def floor_of(path):
    """`net` for src/net/x.cpp and include/baton/net/x.hpp."""
    return path.removeprefix("include/baton/").removeprefix("src/").split("/")[0]


def read(summary):
    """Floor -> file -> Count, for files that have code."""
    floors = defaultdict(dict)
    for file in summary["files"]:
        if file["line_total"]:
            path = file["filename"]
            floors[floor_of(path)][path] = Count(file["line_total"], file["line_covered"])
    return floors


def row(name, count, least=""):
    return f"{name:<10}{count.lines:>7}{count.reached:>9}{count.percent():>8.1f} %  {least}".rstrip()


def table(floors):
    unknown = sorted(set(floors) - set(FLOORS))
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no floor; name it in FLOORS of tests/support/coverage.py")
    yield f"{'floor':<10}{'lines':>7}{'reached':>9}{'':>8}    least covered files"
    everything = Count()
    for floor in (floor for floor in FLOORS if floor in floors):
        total = Count()
        for count in floors[floor].values():
            total += count
        everything += total
        least = sorted(floors[floor].items(), key=lambda item: item[1].percent())[:SHOWN]
        yield row(floor, total, ", ".join(f"{path.rsplit('/', 1)[1]} {count.percent():.0f} %"
                                          for path, count in least if count.percent() < 100))
    yield row("all", everything)
    yield "Lower bounds: a process that is killed, or leaves by _exit, writes no counts."


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        floors = read(json.load(file))
    if not floors:
        sys.exit(f"{sys.argv[1]} names no file with code: did the tests run?")
    print(*table(floors), sep="\n")


if __name__ == "__main__":
    main()
