#!/usr/bin/env python3
"""Draws docs/upgrade.svg: an upgrade as two generations in time.

    docs/draw_upgrade.py            writes upgrade.svg beside this script
    docs/draw_upgrade.py --dark     prints the dark version, for viewers without media queries
"""

import sys
from pathlib import Path

WIDTH, HEIGHT = 960, 464
LEFT, RIGHT = 172, 928
BAR = 44

# When things happen, from left to right.
SIGNAL, SPAWN, HANDOFF, ACCEPTS, READY, STOPS, EXIT = 284, 334, 374, 548, 576, 616, 818
# Where the lanes are, from top to bottom.
DOOR, OLD, NEW = 96, 196, 318

LIGHT = {
    "card": "#ffffff", "edge": "#d0d7de", "ink": "#1f2328", "quiet": "#59636e", "grid": "#d8dee4",
    "door": "#0f766e", "door_ink": "#ffffff", "old": "#1d4ed8", "old_ink": "#ffffff",
    "wait": "#dbeafe", "wait_ink": "#1e3a8a", "new": "#b45309", "new_ink": "#ffffff",
    "start": "#fef3c7", "start_ink": "#78350f", "both": "#0f766e",
}
DARK = {
    "card": "#0d1117", "edge": "#30363d", "ink": "#e6edf3", "quiet": "#9198a1", "grid": "#262c36",
    "door": "#2dd4bf", "door_ink": "#042f2e", "old": "#60a5fa", "old_ink": "#0b1b34",
    "wait": "#172c4f", "wait_ink": "#bfdbfe", "new": "#fbbf24", "new_ink": "#2b1a02",
    "start": "#3a2a0c", "start_ink": "#fde68a", "both": "#2dd4bf",
}


def rules(colours):
    return "".join(f".{name}{{fill:{value}}}.{name}-line{{stroke:{value}}}"
                   for name, value in colours.items())


class Drawing:
    def __init__(self):
        self.parts = []

    def add(self, element):
        self.parts.append("  " + element)

    def text(self, x, y, words, kind="ink", size=13, anchor="start", weight=400, mono=False):
        family = ' font-family="ui-monospace, SFMono-Regular, Menlo, DejaVu Sans Mono, monospace"'
        self.add(f'<text x="{x}" y="{y}" class="{kind}" font-size="{size}" text-anchor="{anchor}" '
                 f'font-weight="{weight}"{family if mono else ""}>{words}</text>')

    def bar(self, start, end, top, kind, words, ends="both"):
        """A phase; rounded at the ends named: both, left, right, none."""
        r = 9
        left, right = (r if ends in ("both", "left") else 0), (r if ends in ("both", "right") else 0)
        self.add(f'<path class="{kind}" d="M{start + left} {top}H{end - right}'
                 f'q{right} 0 {right} {right}V{top + BAR - right}q0 {right} {-right} {right}'
                 f'H{start + left}q{-left} 0 {-left} {-left}V{top + left}q0 {-left} {left} {-left}z"/>')
        self.text((start + end) / 2, top + BAR / 2 + 5, words, kind + "_ink", 14, "middle", 600)

    def line(self, x1, y1, x2, y2, kind, width=1.0, dash="", arrow=False):
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        extra += f' marker-end="url(#{kind}-head)"' if arrow else ""
        self.add(f'<path d="M{x1} {y1}L{x2} {y2}" class="{kind}-line" fill="none" '
                 f'stroke-width="{width}" stroke-linecap="round"{extra}/>')

    def lane(self, y, name, detail):
        self.text(30, y + 20, name, weight=600, size=14)
        self.text(30, y + 38, detail, "quiet", 12)


def draw():
    d = Drawing()
    d.add(f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12" '
          'class="card edge-line"/>')

    # The moments.
    bottom = NEW + BAR + 44
    for x, name, row in ((SIGNAL, "USR1", 0), (READY, "ready", 0), (EXIT, "last answer", 0)):
        d.line(x, 62, x, bottom, "grid", 1.2, "3 5")
        d.text(x, 50 - row * 16, name, "ink", 13, "middle", 600)

    d.lane(DOOR, "The door", "listening sockets")
    d.bar(LEFT, RIGHT, DOOR, "door", "one queue that never closes: clients always find it open")

    d.lane(OLD, "Generation 1", "pid 86703")
    d.bar(LEFT, SIGNAL, OLD, "old", "serving", "left")
    d.bar(SIGNAL, READY, OLD, "old", "upgrading, still serving", "none")
    d.bar(READY, EXIT, OLD, "wait", 'drains: "Connection: close"', "right")
    d.line(SIGNAL, OLD + 8, SIGNAL, OLD + BAR - 8, "card", 1.5)

    d.lane(NEW, "Generation 2", "pid 86818")
    d.bar(SPAWN, READY, NEW, "start", "starting", "left")
    d.bar(READY, RIGHT, NEW, "new", "serving", "right")

    # Who calls accept.
    accept_old, accept_new = OLD + BAR + 10, NEW - 10
    d.line(LEFT + 3, accept_old, STOPS, accept_old, "both", 4)
    d.line(ACCEPTS, accept_new, RIGHT - 3, accept_new, "both", 4)
    d.text(LEFT + 2, accept_old + 19, "accepts", "both", 12, weight=600)
    d.text(RIGHT - 2, accept_new - 9, "accepts", "both", 12, "end", 600)
    d.add(f'<rect x="{ACCEPTS}" y="{accept_old - 2}" width="{STOPS - ACCEPTS}" '
          f'height="{accept_new - accept_old + 4}" class="both" opacity="0.14"/>')
    d.text(STOPS + 10, (accept_old + accept_new) / 2 + 4, "both accept, for a moment", "ink", 12)

    # What passes between them.
    d.line(SPAWN, OLD + BAR + 2, SPAWN, NEW - 5, "ink", 1.6, arrow=True)
    d.text(SPAWN - 8, 288, "exec", "ink", 12, "end")
    d.line(HANDOFF, OLD + BAR + 2, HANDOFF, NEW - 5, "ink", 1.6, arrow=True)
    d.text(HANDOFF + 9, 280, "listening sockets,", "ink", 12)
    d.text(HANDOFF + 9, 295, "state", "ink", 12)
    d.line(READY, NEW - 2, READY, OLD + BAR + 5, "ink", 1.6, arrow=True)

    d.line(LEFT, bottom, RIGHT, bottom, "quiet", 1.2, arrow=True)
    d.text(RIGHT, bottom + 20, "time", "quiet", 12, "end")
    d.text(LEFT, bottom + 26,
           "If generation 2 dies, hangs or refuses before it is ready, generation 1 has never "
           "stopped serving.", "ink", 13)
    d.text(LEFT, bottom + 45,
           "It logs why, and takes the next upgrade.", "ink", 13)
    return d.parts


def document(dark_only=False):
    heads = "".join(
        f'<marker id="{kind}-head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto-start-reverse"><path d="M0 0.6L9 5L0 9.4z" class="{kind}"/>'
        "</marker>" for kind in ("ink", "quiet"))
    style = rules(DARK) if dark_only else (
        rules(LIGHT) + f"@media(prefers-color-scheme:dark){{{rules(DARK)}}}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-labelledby="title" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, DejaVu Sans, '
        'sans-serif">',
        '  <title id="title">An upgrade: generation 2 inherits the listening sockets, accepts, says '
        "ready; then generation 1 stops accepting, drains and leaves</title>",
        f"  <style>{style}</style>",
        f"  <defs>{heads}</defs>",
        *draw(),
        "</svg>", ""])


def main():
    if "--dark" in sys.argv[1:]:
        sys.stdout.write(document(dark_only=True))
    else:
        Path(__file__).with_name("upgrade.svg").write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
