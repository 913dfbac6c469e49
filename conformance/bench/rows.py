"""The rows of the benchmark: what is measured, how much of it, and the target.

A table and nothing else. Called by bench.py; knows no way of measuring. A row whose libraries are
not all built is reported as absent, so a row may stand here before what it measures exists.
Rows to come, in their places below: http, http-close, dns, and io_uring as one more library.
"""

from dataclasses import dataclass, field

# The API a line measures: its peer, in the words of the table.
PEERS = {"event": "libevent", "ev": "libev"}


@dataclass(frozen=True)
class Case:
    """One program run again and again; a line of the table for each API it is compiled against."""

    row: str
    program: str  # $(B)/bin/bench/PROGRAM-event, -ev, -floor; or a whole program's name
    name: str  # the program's case
    size: int
    units: int
    quick: int  # units of a quick run; 0 leaves the case out of it
    unit: str
    # API -> how many times cheaper than the peer ours has to be; None: measured without a target.
    targets: dict = field(default_factory=dict)
    floor: bool = False
    metric: str = "cpu"  # what the ratio is of: cpu, or bytes
    floor_target: float = None  # no more than this many times the floor
    calls_target: float = None  # no more system calls per unit than this
    peak_target: float = None  # no more than this many times the peer's peak memory
    slack: float = 0.0  # nanoseconds by which ours may exceed the peer and still pass
    calls_units: int = 0  # units of a traced run; 0: system calls are not counted
    calls_case: str = ""  # the program's case for that, where the own one leaves it to chance
    wakes: bool = False  # at most one write for every sleep, in the own case
    threads: bool = False  # strace follows them, and what locks cost is counted apart
    instructions: int = 0  # units of a run under valgrind; 0: none
    pairs: int = 0  # of runs, where the usual number says nothing
    curve: bool = False  # a point of a scaling row
    whole: bool = False  # a Debian program, driven by programs.py
    bytes_of_library: bool = False  # the loaded size of the library is compared as well

    @property
    def label(self):
        return f"{self.name} {self.size:,}" if self.size > 1 else self.name


def _echo(size, units, quick, name="echo"):
    return Case("echo", "plain", name, size, units, quick, "message", {"event": 1.8}, True,
                calls_target=2.1, calls_units=3000)


def _bulk(name):
    return Case("bulk", "plain", name, 20, 500, 150, "MiB", {"event": 2.0}, True,
                peak_target=1.1, calls_units=20)


def _tls(name, size, units, quick, unit, calls_units):
    return Case("tls", "tls", name, size, units, quick, unit, {"event": 1.3}, True,
                calls_units=calls_units)


def _chain(size, quick):
    return Case("chain", "chain", "dispatch", size, 150000, quick, "event",
                {"event": 1.1, "ev": 1.0}, True, calls_units=2000,
                instructions=20000 if size == 1000 else 0)


def _churn(size, units, quick):
    return Case("churn", "churn", "renew", size, units, quick, "watch", {"event": 1.6, "ev": 1.0},
                calls_units=2 * size, instructions=10 * size if size == 1000 else 0)


def _timers(name, size, quick=True):
    units = max(size, 100000) if name == "expire" else max(size, 300000)
    return Case("timers", "timers", name, size, units, units if quick else 0, "timer",
                {"event": 8.0 if name == "rearm" else 2.0, "ev": 2.5 if name == "rearm" else 1.2},
                name == "rearm",
                calls_units=10000 if size == 1000 else 0,
                instructions=size * (10 if size == 1000 else 1) if size < 1000000 else 0)


def _active(name, targets):
    return Case("active", "active", name, 1000, 1000000, 500000, "activation", targets,
                calls_units=10000, instructions=100000)


def _wake(name, calls_case):
    return Case("wake", "wake", name, 16, 128000, 32000, "activation", {"event": 2.0, "ev": 1.0},
                True, calls_case=calls_case, calls_units=3200, wakes=True, threads=True)


def _buffer(name, size, units, quick):
    return Case("buffer", "buffer", name, size, units, quick, "operation", {"event": 1.2},
                instructions=20 * 1024)


def _idle(program, name, targets):
    return Case("idle", program, name, 10000, 10000, 10000, "object", targets, metric="bytes")


def _scale(row, program, name, size, units, quick, unit):
    return Case(row, program, name, size, units, quick, unit, {"event": None, "ev": None},
                True, curve=True)


def _program(name, units, targets):
    return Case("programs", name, name, 1, units, units // 2, "request", targets, pairs=21,
                calls_units=100, instructions=100, whole=True)


CASES = (
    # http and http-close go here.
    _echo(1, 10000, 3000), _echo(50, 40000, 10000), _echo(1000, 40000, 10000),
    _echo(50, 60000, 0, "echo-local"),
    _bulk("receive"), _bulk("send"),
    _tls("echo", 50, 15000, 4000, "message", 2000),
    _tls("receive", 20, 150, 30, "MiB", 20), _tls("send", 20, 150, 0, "MiB", 20),
    _chain(1000, 50000), _chain(10000, 0), _chain(100000, 0),
    _churn(1000, 300000, 50000), _churn(10000, 300000, 0),
    Case("oneshot", "oneshot", "restart", 100, 150000, 40000, "event", {"event": 1.7, "ev": None},
         True, calls_units=2000, instructions=20000),
    *(_timers(name, size, quick=size == 1000 or (size == 100000 and name == "rearm"))
      for size in (1000, 100000, 1000000) for name in ("add", "rearm", "rearm-varied", "cancel", "expire")),
    _active("batch", {"event": 4.0, "ev": 1.0}), _active("chain", {"event": 4.0, "ev": 1.0}),
    _active("batch-shared", {"event": 4.0}),
    _wake("sleeping", "asleep"), _wake("busy", "held"),
    _buffer("append", 64, 2048000, 1024000), _buffer("drain", 64, 2048000, 1024000),
    _buffer("search", 16384, 200000, 100000), _buffer("move", 16384, 1000000, 500000),
    _buffer("readln", 40, 512000, 256000),
    # dns goes here.
    _idle("connections", "fresh", {"event": 1.0}), _idle("connections", "used", {"event": 1.0}),
    _idle("idle", "event", {"event": 1.0, "ev": 1.0}),
    Case("load", "startup", "start", 1, 200, 60, "start", {"event": 1.0, "ev": 1.0}, True,
         slack=200e3, bytes_of_library=True),
    *(_scale("scale-io", "chain", "dispatch", size, 100000, 50000 if size in (200, 10100) else 0,
             "event") for size in (200, 400, 1100, 3100, 10100)),
    *(_scale("scale-timers", "timers", "rearm", size, max(size, 300000),
             max(size, 300000) if size in (1000, 100000) else 0, "timer")
      for size in (1000, 10000, 100000, 1000000)),
    _program("memcached", 20000, {"event": 1.0}),
    _program("nghttpx", 4000, {"ev": 1.0}),
)

ROWS = tuple(dict.fromkeys(case.row for case in CASES))
