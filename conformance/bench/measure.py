"""Runs one program once, with one library, and says what it cost.

Owns the three ways of looking at a run: its own report, strace's exact counts, and the instructions
that valgrind counts. Called by bench.py; knows no rows. Every run proves by its memory map which
library it used, and a run that used another is an error.
"""

import functools
import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

UNSUPPORTED = 77
TIME_LIMIT = 170


class Unsupported(Exception):
    """This machine cannot run it; the text says why."""


class Failed(Exception):
    """The run went wrong; the text says how."""


class Library:
    """One way of running a program: with ours found first, or as the system has it."""

    def __init__(self, name, directory=None):
        self.name = name
        self.directory = directory

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        if self.directory:
            environment["LD_LIBRARY_PATH"] = str(self.directory)
        return environment

    def lacks(self, program):
        """What the program needs and this library does not have yet: names of files, or symbols."""
        if not self.directory:
            return []
        files = [name for name in needed(program) if not (self.directory / name).exists()]
        return files or unresolved(program, self.directory)

    def prove(self, mapped):
        """Raises unless every event library in a memory map is this one's."""
        for path in mapped:
            if bool(self.directory) != bool(self.directory and inside(path, self.directory)) or (
                    not self.directory and "pollshim" in path):
                raise Failed(f"{self.name} was to be measured, but {path} was loaded")


def inside(path, directory):
    return Path(path).resolve().is_relative_to(Path(directory).resolve())


@functools.cache
def needed(program):
    """The event libraries that a program is linked with, by SONAME."""
    dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    return re.findall(r"NEEDED.*\[(libev[^\]]*)\]", dynamic.stdout)


@functools.cache
def unresolved(program, directory):
    """The symbols of a program that nothing defines when a directory is searched first."""
    library = Library("", directory)
    said = subprocess.run(["ldd", "-r", program], capture_output=True, text=True,
                          env=library.environment())
    return sorted(set(re.findall(r"undefined symbol: (\w+)", said.stdout + said.stderr)))


def proven_in(pid, library, name):
    """The event libraries that a running program has mapped, all of them this one's."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    mapped = sorted(set(re.findall(r"\S*/lib(?:ev|pollshim)[^/\s]*$", maps, re.MULTILINE)))
    if not mapped:
        raise Failed(f"{name} mapped no event library")
    library.prove(mapped)
    return mapped


def run(program, case, units, library, wrapper=()):
    """Runs a benchmark program and returns its report, and what it or the wrapper said beside."""
    command = [*wrapper, str(program), case.name, str(case.size), str(units)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT,
                              env=library.environment())
    except subprocess.TimeoutExpired as late:
        raise Failed(f"no end after {TIME_LIMIT} s: {' '.join(command)}") from late
    if done.returncode == UNSUPPORTED:
        raise Unsupported(done.stderr.strip())
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise Failed(f"status {done.returncode}: {' '.join(command)}: {said}")
    report = json.loads(done.stdout)
    if not report["libraries"] and needed(program):
        raise Failed(f"{program.name} mapped no event library")
    library.prove(report["libraries"])
    return report, done.stderr


def cost(program, case, units, library):
    """What one unit costs: {cpu, wall, bytes} and the peak memory and libraries of the run."""
    report, _ = run(program, case, units, library)
    per_unit = {key: report[key] / units for key in ("cpu", "wall", "bytes")}
    return per_unit | {"peak": report["peak"], "libraries": report["libraries"]}


def difference(count, units):
    """Applies a count to so many units and to twice as many: what start-up costs cancels out."""
    less, more = count(units), count(2 * units)
    return {key: (more[key] - less.get(key, 0)) / units for key in more}


def parse_strace(text):
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[0].isdigit() and fields[1] != "total":
            calls[fields[1]] = int(fields[0])
    return calls


STRACE = ("strace", "-c", "-U", "calls,name")
# What the wake row's callers make up their minds by; no library here makes any of these.
CALLERS_OWN = {"pread64", "sched_yield"}


def traced(program, case, units, library, scratch):
    """The system calls of one run, start-up included. Threads are followed; the load is not."""
    counts = scratch / "strace"
    # A load is a fork, and forks would be followed as well.
    follow = ("-f",) if case.threads else ()
    run(program, case, units, library, (*STRACE, *follow, "-o", str(counts)))
    calls = parse_strace(counts.read_text())
    return {name: calls[name] for name in calls if not (case.threads and name in CALLERS_OWN)}


def system_calls(program, case, library, scratch):
    """Exact system calls per unit, by name."""
    if case.calls_case:
        case = replace(case, name=case.calls_case)
    return without_noise(difference(
        lambda units: traced(program, case, units, library, scratch), case.calls_units))


def calls_by_chance(program, case, library, scratch):
    """System calls per unit of one run, of a case in which they depend on who comes first."""
    calls = traced(program, case, case.calls_units, library, scratch)
    return without_noise({name: times / case.calls_units for name, times in calls.items()})


def without_noise(calls):
    """The calls that a unit makes, without those that only start-up made a few more of."""
    return {name: value for name, value in calls.items() if abs(value) >= 0.0005}


def instructions(program, case, library, _):
    """Instructions per unit in user space, start-up excluded: {"all": ...}."""

    def count(units):
        _, said = run(program, case, units, library,
                      ("valgrind", "--tool=cachegrind", "--cache-sim=no",
                       "--cachegrind-out-file=/dev/null"))
        return {"all": int(re.search(r"I\s+refs:\s+([\d,]+)", said).group(1).replace(",", ""))}

    return difference(count, case.instructions)


def loaded_size(libraries):
    """Bytes that the loader sets up for these libraries: the sum of their loadable segments."""
    total = 0
    for path in libraries:
        headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True,
                                 check=True).stdout
        total += sum(int(size, 16) for size in
                     re.findall(r"^\s+LOAD\s+\S+\s+\S+\s+\S+\s+\S+\s+(0x\w+)", headers, re.MULTILINE))
    return total
