"""Interleaved rounds: what the comparisons of several servers have in common.

The figure to trust is the server's CPU time per request: its own user and system time over the
requests it answered. Ratios are taken within a round, as its runs were neighbours in time.
"""

import argparse
import json
import statistics
import sys

import harness

TOP = "ours"


def options(description, rows, servers, rounds=5, seconds=2.0, usual=None):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--rows", nargs="*", default=list(rows), choices=list(rows), metavar="ROW",
                        help="; ".join(rows))
    parser.add_argument("--servers", nargs="*", default=list(usual or servers),
                        choices=servers)
    parser.add_argument("--json", help="write everything measured to this file")
    harness.raise_descriptor_limit()
    return parser.parse_args()


def play(asked, measure):
    """Each round's measurements of each row: {row: [{server: measure(server, row)}]}."""
    rounds = {row: [] for row in asked.rows}
    for number in range(asked.rounds):
        for row in asked.rows:
            # Turned around each time, so that none is always the one after the same other.
            names = asked.servers if number % 2 == 0 else asked.servers[::-1]
            rounds[row].append({name: measure(name, row) for name in names})
            for name, met in rounds[row][-1].items():
                if met["failed"]:
                    print(f"  {row}, {name}: FAILED {met['failed']}", file=sys.stderr)
        print(f"round {number + 1} of {asked.rounds} done", file=sys.stderr)
    return rounds


def spread(values, digits=2):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def ratios(rounds, top, bottom):
    return [r[top]["us"] / r[bottom]["us"] for r in rounds]


def verdict(value, target, sign):
    met = value <= target if sign == "<=" else value >= target
    return f"{sign} {target}: {'yes' if met else 'NO'}"


def efficiency(asked, rounds, base, targets, limit=None):
    """A table of each server's CPU time, how many times the efficiency of `base` that is, and how
    many times the CPU time of `limit` ours is."""
    others = [name for name in asked.servers if name != base]
    head = ["", *(f"{name}: CPU us" for name in asked.servers), f"{TOP}: a second"]
    limited = limit in asked.servers and TOP in asked.servers
    if base in asked.servers:
        head += [f"{name}, times {base}" for name in others] + ["target"]
    if limited:
        head.append(f"{TOP}, times the CPU of {limit}")
    lines = []
    for row in asked.rows:
        met = rounds[row]
        cells = [row, *(spread([r[name]["us"] for r in met]) for name in asked.servers)]
        cells.append(f"{statistics.median(r[TOP]['rate'] for r in met):,.0f}"
                     if TOP in asked.servers else "")
        if base in asked.servers:
            found = {name: ratios(met, base, name) for name in others}
            cells += [spread(found[name]) for name in others]
            target = targets[row]
            cells.append(verdict(statistics.median(found[TOP]), target, ">=")
                         if target and TOP in found else "")
        if limited:
            cells.append(spread(ratios(met, TOP, limit)))
        lines.append(cells)
    return harness.table(head, lines)


def heading(asked, note):
    return (f"{harness.machine()}; {asked.rounds} rounds of {asked.seconds:g} s, median "
            f"(min..max); one server thread on CPU 0, client on CPU 1\n{note}\n")


def finish(asked, results):
    """Writes what was asked for; the exit status: 1 if a request failed."""
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), "rows": results}, file, indent=1)
    failed = any(r[name]["failed"] for row in results for r in row["rounds"] for name in r)
    return 1 if failed else 0
