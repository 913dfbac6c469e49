"""`make bench`: every row with ours, its peer and the floor, side by side in one run.

Pairs are interleaved (ours, peer, floor, ours, peer, floor ...) after a warm-up round, and the
result is the median of the pairwise ratios, so that what the machine does meanwhile strikes all
alike. Writes bench.json after every line, so that a run that is interrupted has not been for
nothing. Nothing here decides what is measured: that is rows.py.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import counted
import markdown
import measure
import plots
import programs
import report
from measure import Failed, Library, Unsupported
from rows import CASES, PEERS, ROWS

PAIRS, QUICK_PAIRS = 7, 3
SMOKE_SIZE = 200
SMOKE_UNITS = {"MiB": 1, "start": 2, "timer": 2000, "watch": 2000, "operation": 1024,
               "activation": 3200, "object": SMOKE_SIZE, "message": 200, "event": 500}


def smoke_cases():
    """Each program and case once, small; Debian's own programs have checks of their own."""
    small = {}
    for case in CASES:
        if not case.whole:
            size = min(case.size, SMOKE_SIZE)
            for name in filter(None, (case.name, case.calls_case)):
                small.setdefault((case.program, name), replace(
                    case, name=name, size=size, units=SMOKE_UNITS[case.unit]))
    return small.values()


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def compare(rounds, name, other, metric):
    """How many times cheaper `name` is than `other`, pair by pair."""
    return spread([each[other][metric] / max(each[name][metric], 1e-9) for each in rounds])


class Bench:
    def __init__(self, build, quick):
        self.build = build
        self.programs = build / "bin" / "bench"
        self.quick = quick
        self.ours = Library("ours", build / "lib" / "pollshim")
        self.real = {api: Library(peer) for api, peer in PEERS.items()}
        self.floor = Library("floor")
        self.measured = {}

    def program(self, case, kind):
        return programs.find(case) if case.whole else self.programs / f"{case.program}-{kind}"

    def columns(self, case, api):
        """What a line compares: {column: (program, library)}, and why ours is missing if it is."""
        program = self.program(case, api)
        columns = {PEERS[api]: (program, self.real[api])}
        if case.floor:
            columns["floor"] = (self.program(case, "floor"), self.floor)
        lacking = self.ours.lacks(program)
        if not lacking:
            columns = {"ours": (program, self.ours)} | columns
        return columns, lacking

    def line(self, case, api, scratch):
        """Measures one case through one API; the result is a plain dictionary."""
        line = {"row": case.row, "case": case.label, "size": case.size, "api": api,
                "unit": case.unit, "target": case.targets[api], "metric": case.metric,
                "curve": case.curve, "failures": {}, "cost": {}, "calls": {}, "instructions": {},
                "libraries": {}}
        try:
            columns, lacking = self.columns(case, api)
        except Unsupported as reason:
            columns, lacking = {}, []
            line["unsupported"] = True
            line["failures"][PEERS[api]] = str(reason)
        if lacking:
            line["absent"] = f"not built: {' '.join(lacking[:3])}"
        rounds = self.rounds(case, columns, line)
        for name in columns:
            self.count(case, name, columns[name], line, scratch)
        self.summarise(case, api, rounds, line)
        report.judge(case, line)
        return line

    def rounds(self, case, columns, line):
        """The interleaved runs; a scaling row shares those of the row that it continues."""
        units = case.quick if self.quick else case.units
        known = (case.program, case.name, case.size, units, tuple(columns))
        if known not in self.measured:
            self.measured[known] = self.run_rounds(case, units, columns, line)
        return self.measured[known]

    def pairs(self, case):
        return QUICK_PAIRS if self.quick else case.pairs or PAIRS

    def run_rounds(self, case, units, columns, line):
        """A column that cannot be run is taken out, with its reason."""
        way = programs if case.whole else measure
        rounds = []
        for turn in range(1 + self.pairs(case)):
            costs = {}
            for name, (program, library) in list(columns.items()):
                try:
                    costs[name] = way.cost(program, case, units, library)
                except (Failed, Unsupported) as reason:
                    line["failures"][name] = str(reason)
                    line["unsupported"] = isinstance(reason, Unsupported)
                    del columns[name]
            if turn > 0:
                rounds.append(costs)
        return [{name: each[name] for name in columns} for each in rounds]

    def count(self, case, name, column, line, scratch):
        way = counted if case.whole else measure
        try:
            if case.calls_units:
                line["calls"][name] = way.system_calls(column[0], case, column[1], scratch)
            if case.threads:
                line.setdefault("lock_calls", {})[name] = line["calls"][name].pop("futex", 0)
            if case.wakes:
                line.setdefault("calls_by_chance", {})[name] = measure.calls_by_chance(
                    column[0], case, column[1], scratch)
            if case.instructions and not self.quick:
                counts = way.instructions(column[0], case, column[1], scratch)
                line["instructions"][name] = counts["all"]
                if "library" in counts:
                    line.setdefault("library_instructions", {})[name] = counts["library"]
        except (Failed, Unsupported) as reason:
            line["failures"][name] = str(reason)

    def summarise(self, case, api, rounds, line):
        for name in rounds[0]:
            costs = {key: spread([each[name][key] for each in rounds])
                     for key in ("cpu", "wall", "bytes", "peak")}
            line["cost"][name] = costs
            line["libraries"][name] = rounds[0][name]["libraries"]
            if case.bytes_of_library:
                line.setdefault("loaded", {})[name] = measure.loaded_size(
                    rounds[0][name]["libraries"])
        if "ours" not in rounds[0]:
            return
        others = [name for name in (PEERS[api], "floor") if name in rounds[0]]
        metrics = ("cpu", "wall", "peak") + (("bytes",) if case.metric == "bytes" else ())
        line["ratio"] = {other: {metric: compare(rounds, "ours", other, metric)
                                 for metric in metrics} for other in others}

    def smoke(self):
        """Every program once, with little work: right or wrong, and no time looked at."""
        wrong = ran = absent = 0
        for case in smoke_cases():
            for api in case.targets:
                columns, lacking = self.columns(case, api)
                if lacking:
                    absent += 1
                    print(f"absent: {case.row} {case.name} on ours: {lacking[0]}")
                for name, (program, library) in columns.items():
                    try:
                        measure.run(program, case, case.units, library)
                        ran += 1
                    except (Failed, Unsupported) as reason:
                        wrong += 1
                        print(f"FAIL {case.row} {case.name} on {name}: {reason}")
        if absent:
            print(f"not built yet, so not run: {absent}")
        print(f"bench: {ran} passed, {wrong} failed")
        return wrong == 0 and ran > 0


def machine():
    return {"kernel": platform.release(), "cores": os.cpu_count(), "load": os.getloadavg(),
            "processor": next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                               if line.startswith("model name")), platform.machine())}


def run_rows(bench, wanted, output, scratch):
    lines = []

    def add(line):
        lines.append(line)
        report.print_line(line)
        output.write_text(json.dumps({"machine": machine(), "quick": bench.quick,
                                      "lines": lines}, indent=1) + "\n")

    report.print_head()
    for case in CASES:
        if case.row in wanted and not (bench.quick and case.quick == 0):
            for api in case.targets:
                add(bench.line(case, api, scratch))
    for row in ("scale-io", "scale-timers"):
        for api in PEERS:
            curve = [line for line in lines if line["row"] == row and line["api"] == api]
            if curve:
                add(report.flatness(row, api, curve))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--row", nargs="*", choices=ROWS, help="only these rows")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--smoke", action="store_true", help="only see that every program works")
    arguments = parser.parse_args()
    bench = Bench(arguments.build.resolve(), arguments.quick)
    if arguments.smoke:
        return 0 if bench.smoke() else 1
    output = bench.build / "bench"
    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        lines = run_rows(bench, arguments.row or ROWS, output / "bench.json", Path(scratch))
    report.print_tail(lines, time.monotonic() - started)
    for written in (markdown.write(lines, output / "bench.md"), *plots.draw(lines, output)):
        print(f"written: {os.path.relpath(written)}")
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
