"""Prometheus' text format 0.0.4 and OpenMetrics 1.0.0, read strictly: what is not as the formats
ask for is an AssertionError.

`parse(text, openmetrics)` returns {family: (type, {(sample name, labels): value})}, `labels` a
sorted tuple of pairs.
"""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z|\+Inf\Z|-Inf\Z|NaN\Z")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped", "unknown"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def number(text):
    assert NUMBER.match(text), f"no number: {text!r}"
    return float(text.replace("Inf", "inf"))


def sample(line):
    """(name, labels, value) of one line."""
    match = re.match(r"([^{ ]+)(?:\{(.*)\})? ([^ ]+)\Z", line)
    assert match, f"no sample: {line!r}"
    name, inside, value = match.groups()
    assert NAME.match(name), f"no name of a metric: {line!r}"
    labels, rest = [], inside or ""
    assert inside != "", f"empty braces: {line!r}"
    while rest:
        one = LABEL.match(rest)
        assert one, f"no label: {line!r}"
        labels.append((one.group(1), one.group(2)))
        rest = rest[one.end():]
        assert not rest or rest.startswith(",") and len(rest) > 1, f"no comma: {line!r}"
        rest = rest[1:]
    assert len({key for key, _ in labels}) == len(labels), f"a label twice: {line!r}"
    return name, tuple(sorted(labels)), number(value)


def parse(text, openmetrics=False):
    assert text.endswith("\n"), "the last line has no end"
    lines = text.split("\n")[:-1]
    if openmetrics:
        assert lines.pop() == "# EOF", "no EOF"
    families, now, said = {}, None, set()
    for line in lines:
        assert line and line == line.strip(), f"not a line: {line!r}"
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            assert word in ({"HELP", "TYPE", "UNIT"} if openmetrics else {"HELP", "TYPE"}), line
            if name != now:
                assert name not in families, f"{name} comes twice"
                assert NAME.match(name), line
                now, said = name, set()
                families[name] = [None, {}]
            assert word not in said and not families[name][1], f"out of order: {line}"
            said.add(word)
            if word == "TYPE":
                assert rest in TYPES and rest != ("untyped" if openmetrics else "unknown"), line
                families[name][0] = rest
                if rest == "counter":
                    assert openmetrics != name.endswith("_total"), line
            elif word == "UNIT":
                assert name.endswith("_" + rest), line
            continue
        name, labels, value = sample(line)
        assert now is not None and families[now][0], f"no TYPE before {line}"
        kind = families[now][0]
        wanted = (now + ("_total" if openmetrics else ""),) if kind == "counter" else tuple(
            now + suffix for suffix in SUFFIXES.get(kind, ("",)))
        assert name in wanted, f"{name} in the family {now} of type {kind}"
        assert (name, labels) not in families[now][1], f"twice: {line}"
        families[now][1][name, labels] = value
    for name, (kind, samples) in families.items():
        assert samples, f"{name} has no sample"
        if kind == "counter":
            assert all(value >= 0 and math.isfinite(value) for value in samples.values()), name
        if kind == "histogram":
            check_histogram(name, samples)
    return {name: (kind, samples) for name, (kind, samples) in families.items()}


def check_histogram(name, samples):
    series = {}
    for (sample_name, labels), value in samples.items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        bound = dict(labels).get("le")
        assert (bound is not None) == (sample_name == name + "_bucket"), (sample_name, labels)
        entry = series.setdefault(rest, {"buckets": []})
        if bound is not None:
            entry["buckets"].append((number(bound), value))
        else:
            entry[sample_name] = value
    for labels, entry in series.items():
        bounds = [bound for bound, _ in entry["buckets"]]
        counts = [count for _, count in entry["buckets"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, (name, labels, bounds)
        assert counts == sorted(counts), (name, labels, counts)
        assert counts[-1] == entry[name + "_count"] and entry[name + "_sum"] >= 0, (name, labels)


def growing(families):
    """What may never fall: {(sample name, labels): value} of counters and histograms."""
    return {key: value for kind, samples in families.values() if kind in ("counter", "histogram")
            for key, value in samples.items()}
