"""The table once more, as Markdown for the README: one for each peer.

Called by bench.py with its finished lines; knows nothing of measuring and judges nothing.
"""

from report import amount, ratio_text, side_by_side, total
from rows import PEERS

HEAD = "| row | case | ours | {} | floor | times cheaper (min–max) | calls | target | verdict |"
RULE = "|---|---|---:|---:|---:|---|---|---:|---|"


def cells(line):
    """Ours, the peer and the floor, the ratio and the target."""
    names = ("ours", PEERS[line["api"]], "floor")
    if line["metric"] == "growth":
        costs = [f"×{line['growth'][name]:.2f}" if name in line["growth"] else "–" for name in names]
        return [*costs, "–", "–", "flatter"]
    costs = [amount(line, name).replace("-", "–") for name in names]
    ratio = ratio_text(line)[0].replace("-", "–")
    calls = side_by_side(line["calls"], line["api"], lambda each: f"{total(each):.2f}")
    return [*costs, ratio, calls.replace("-", "–"), target(line)]


def target(line):
    if line["target"] is None:
        return "–"
    return "+0.2 ms" if line["row"] == "load" else f"{line['target']}"


def verdict(line):
    missed = [name for name, *_, met in line["bounds"] if not met]
    return line["verdict"] + (f" ({', '.join(missed)})" if missed else "")


def table(lines, api):
    peer = PEERS[api]
    rows = [[line["row"], line["case"], *cells(line), verdict(line)]
            for line in lines if line["api"] == api]
    return "\n".join([HEAD.format(peer), RULE, *("| " + " | ".join(row) + " |" for row in rows)])


def write(lines, path):
    """A table for each API that was measured; returns the file."""
    apis = [api for api in PEERS if any(line["api"] == api for line in lines)]
    path.write_text("\n\n".join(table(lines, api) for api in apis) + "\n")
    return path
