"""What a request costs a whole program in system calls and in instructions: exact counts.

Both are of the threads that serve, not of those that keep house by the clock. Called by bench.py
for Debian's programs in the place of measure.py, whose words it speaks; the load is paced.py's.
"""

import contextlib
import re
from collections import Counter

import measure
import paced
from measure import Failed
from programs import PROGRAMS, cores, started

WARM_UP = 20  # requests; connections to a backend are made meanwhile
READS = {"read", "readv", "recvfrom", "recvmsg"}
# memcached sets both limits of its descriptors, which valgrind allows where they are equal.
VALGRIND = ("prlimit", "--nofile=1024:", "valgrind", "-q", "--tool=callgrind",
            "--separate-threads=yes")


@contextlib.contextmanager
def served(case, library, wrapper):
    """A server under a wrapper, at rest, with a load that has been answered before."""
    program = PROGRAMS[case.program]()
    environment = library.environment() | program.environment
    with program.backend(), started([*wrapper, *program.command()], cores()[0], program.port,
                                    environment) as wrapped:
        # strace starts the server; valgrind becomes it.
        server = wrapped.pid if "valgrind" in wrapper else paced.server_under(
            wrapped.pid, case.program)
        if not server:
            raise Failed(f"{case.program} was not started")
        measure.proven_in(server, library, case.program)
        load = paced.Load(server, program)
        with contextlib.closing(load):
            load.ask(WARM_UP)
            yield load


def completed(log):
    """{thread: {call: times}} of the calls that have returned."""
    calls = {}
    for thread, name in re.findall(r"^(\d+) +(?:<\.\.\. )?(\w+)[( ].*\) += \S", log, re.MULTILINE):
        calls.setdefault(thread, Counter())[name] += 1
    return calls


def system_calls(_, case, library, scratch):
    """System calls per request, by name."""
    log = scratch / "strace-program"
    wrapper = ("strace", "-f", "-qq", "-e", "signal=none", "-s", "0", "-o", str(log))
    with served(case, library, wrapper) as load:
        before = completed(log.read_text())
        load.ask(case.calls_units)
        after = completed(log.read_text())
    sum_of_all = Counter()
    for thread, calls in after.items():
        made = calls - before.get(thread, Counter())
        if sum(made[name] for name in READS) >= case.calls_units:
            sum_of_all += made
    if not sum_of_all:
        raise Failed(f"no thread of {case.program} has read so many requests")
    return {name: times / case.calls_units for name, times in sum_of_all.items()}


def instructions_by_object(lines):
    """{file: instructions of its own} of one thread's profile, as callgrind writes it."""
    names, own = {}, Counter()
    here, is_call = "", False
    for line in lines:
        if match := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
            called, number, name = match.groups()
            names[number] = name or names[number]
            here = here if called else names[number]
        elif line.startswith("calls="):
            is_call = True
        elif re.match(r"[-+*\d]", line):
            if not is_call:  # the line behind calls= is what the callee took
                own[here] += int(line.split()[1])
            is_call = False
    return own


def of_library(own):
    return sum(count for path, count in own.items()
               if re.search(r"/lib(ev|pollshim)[^/]*$", path))


def instructions(_, case, library, scratch):
    """Instructions per request of the thread that uses the library most, and the library's own."""

    def count(units):
        for profile in scratch.glob("callgrind*"):
            profile.unlink()
        wrapper = (*VALGRIND, f"--callgrind-out-file={scratch}/callgrind")
        with served(case, library, wrapper) as load:
            load.ask(units)
        profiles = list(scratch.glob("callgrind-*"))
        if not profiles:
            raise Failed(f"{case.program} has left no profile")
        return {profile.name: instructions_by_object(profile.read_text().splitlines())
                for profile in profiles}

    less, more = count(case.instructions), count(2 * case.instructions)
    per_thread = [more[thread] - less.get(thread, Counter()) for thread in more]
    serving = max(per_thread, key=of_library)
    if not of_library(serving):
        raise Failed(f"{case.program} used no event library")
    return {"all": serving.total() / case.instructions,
            "library": of_library(serving) / case.instructions}
