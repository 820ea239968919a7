#!/usr/bin/env python3
"""Takes the C++ out of README.md, so that the build compiles what the reader sees.

    readme.py README.md FOLDER

Each ```cpp block is preceded by <!-- test: NAME -->; a block without one is an error. A block with
a main() becomes FOLDER/NAME.cpp, any other FOLDER/NAME.inc, which tests/package/readme/NAME.cpp
includes where it belongs. The port is replaced by a unix socket: tests run side by side.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- test: (\w+) -->\n)?```cpp\n(.*?)```", re.DOTALL)
PORT = re.compile(r'"(?:0\.0\.0\.0|127\.0\.0\.1|\*)?:9090"')
ADMIN_PORT = '"127.0.0.1:9900"'


def snippets(text):
    found = {}
    for match in BLOCK.finditer(text):
        name, code = match.groups()
        line = text.count("\n", 0, match.start(2)) + 1
        if not name:
            sys.exit(f"README.md:{line - 1}: a cpp block without <!-- test: NAME --> before it")
        if name in found:
            sys.exit(f"README.md:{line - 1}: a second block called {name}")
        code = PORT.sub('"unix:web.sock"', code).replace(ADMIN_PORT, '"unix:admin.sock"')
        suffix = "cpp" if "int main(" in code else "inc"
        found[name] = (suffix, f'#line {line} "README.md"\n{code}')
    return found


def main():
    readme, folder = map(Path, sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (suffix, code) in snippets(readme.read_text(encoding="utf-8")).items():
        file = folder / f"{name}.{suffix}"
        if not file.exists() or file.read_text(encoding="utf-8") != code:
            file.write_text(code, encoding="utf-8")
        print(f"{name}.{suffix}")


if __name__ == "__main__":
    main()
