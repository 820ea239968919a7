#!/usr/bin/env python3
"""Checks that dependencies run downwards only: layer_order.py SOURCE_FOLDER.

Reads every #include "..." under include/baton/ and src/ and prints those that go upwards, or aside
to a neighbour, or from a public header into the private src/. Exit status 1 if there is one.
"""

import re
import sys
from pathlib import Path

# Floor by folder, from the bottom. A folder may include itself and every lower floor; folders of
# one floor do not know each other.
FLOORS = {
    "base": 1,
    "lineage": 2, "net": 2,
    "server": 3,
    "http": 4, "quic": 4,
    "admin": 5, "grpc": 5,  # what is carried over HTTP
    "config": 6,
    "ondemand": 7, "gateway": 7,
    "apps": 8,
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<(baton/[^>]+)>)', re.MULTILINE)


def complaint(public, folder, path):
    """Why a file in `folder` may not include `path`, or None."""
    if public and not path.startswith("baton/"):
        return "a public header includes what is not installed"
    target = path.removeprefix("baton/").split("/")[0]
    if target not in FLOORS:
        return f"'{target}' is no floor; give it one in tests/package/layer_order.py"
    if target == folder or FLOORS[target] < FLOORS[folder]:
        return None
    if FLOORS[target] == FLOORS[folder]:
        return f"{folder} and {target} are neighbours and do not know each other"
    return f"{folder} (floor {FLOORS[folder]}) is below {target} (floor {FLOORS[target]})"


def resolve(file, root, path):
    """An include without a folder, or relative to its file, as seen from `root`."""
    beside = (file.parent / path).resolve()
    if beside.is_relative_to(root) and beside.exists():
        path = str(beside.relative_to(root))
        return "baton/" + path if root.name == "baton" else path
    return path


def violations(source):
    found, files = [], 0
    for root, public in ((source / "include" / "baton", True), (source / "src", False)):
        root = root.resolve()
        for file in sorted(root.rglob("*.[ch]pp")):
            files += 1
            folder = file.relative_to(root).parts[0]
            text = file.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                path = resolve(file, root, match.group(1) or match.group(2))
                if folder not in FLOORS:
                    why = f"'{folder}' is no floor; give it one in tests/package/layer_order.py"
                else:
                    why = complaint(public, folder, path)
                if why:
                    line = text.count("\n", 0, match.start()) + 1
                    name = file.relative_to(source.resolve())
                    found.append(f"{name}:{line}: includes \"{path}\": {why}")
    return found, files


def main():
    found, files = violations(Path(sys.argv[1]))
    if not files:
        found = ["no sources found: is the argument the project's folder?"]
    print(*found, sep="\n")
    print(f"{files} files, {len(found)} includes against the order of the floors")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
