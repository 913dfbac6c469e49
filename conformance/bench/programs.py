"""The row `programs`: unmodified Debian programs under their usual load tools.

Owns how memcached and nghttpx are started, loaded and ended, and what a request costs in time; the
server alone runs on the library that is measured, on a core of its own. Called by bench.py in the
place of measure.py, whose words it speaks, and by counted.py, which counts.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import measure
from measure import Failed, Unsupported

START_LIMIT, LOAD_LIMIT = 10, 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, server):
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Failed(f"{server.args[0]} ended with status {server.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Failed(f"nothing listens on port {port} after {START_LIMIT} s")


def cores():
    """The server's core and the load's, as the row programs choose them."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


@contextlib.contextmanager
def started(command, core, port, environment):
    """A server that is up; ended with everything it started, by its process group."""
    server = subprocess.Popen(pinned(core, command), env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)
    try:
        wait_for(port, server)
        yield server
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, end)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(5)
                break


def processor_time(pid):
    """Nanoseconds that all threads of a process have run."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir())


def run_load(command, environment=None):
    done = subprocess.run(pinned(cores()[1], command), capture_output=True, text=True,
                          timeout=LOAD_LIMIT, env=environment)
    if done.returncode != 0:
        raise Failed(f"{command[0]}: status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


class Memcached:
    needs = ("memcached", "memcaslap")
    environment = {}
    request = b"set key 0 0 64\r\n" + 64 * b"x" + b"\r\n"

    @staticmethod
    def is_whole(answer):
        return answer == b"STORED\r\n"

    def __init__(self):
        self.port = free_port()

    def command(self):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return ["memcached", *user, "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-t", "1"]

    def backend(self):
        return contextlib.nullcontext()

    def load(self, units):
        said = run_load(["memcaslap", "-s", f"127.0.0.1:{self.port}", "-c", "16", "-T", "1", "-x",
                         str(units)])
        if "Run time" not in said:
            raise Failed(f"memcaslap did not finish: {said[-200:]}")


class Nghttpx:
    needs = ("nghttpx", "nghttpd", "h2load")
    environment = {"SSL_CERT_FILE": "/dev/null"}  # or it reads all of the system's, for nothing
    request = b"GET /rows.py HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @staticmethod
    def is_whole(answer):
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)
        succeeded = head.startswith(b"HTTP/1.1 200 ")
        return succeeded and bool(length) and len(body) == int(length.group(1))

    def __init__(self):
        self.port, self.backend_port = free_port(), free_port()

    def command(self):
        return ["nghttpx", "--conf=/dev/null", f"-f127.0.0.1,{self.port};no-tls",
                f"-b127.0.0.1,{self.backend_port};;proto=h2", "--workers=1", "--single-process",
                "--no-ocsp", "-LFATAL"]

    def backend(self):
        root = Path(__file__).parent
        return started(["nghttpd", "-d", str(root), "--address=127.0.0.1", "--no-tls",
                        str(self.backend_port)], cores()[1], self.backend_port, None)

    def load(self, units):
        said = run_load(["h2load", "-n", str(units), "-c", "20", "-m", "10",
                         f"http://127.0.0.1:{self.port}/rows.py"])
        if f"{units} succeeded, 0 failed" not in said:
            raise Failed(f"h2load: {said[-300:]}")


PROGRAMS = {"memcached": Memcached, "nghttpx": Nghttpx}


def find(case):
    """The server's file, if it and the tools that load it are installed."""
    missing = [tool for tool in PROGRAMS[case.program].needs if not shutil.which(tool)]
    if missing:
        raise Unsupported(f"not installed: {' '.join(missing)}")
    return Path(shutil.which(case.program))


def cost(_, case, units, library):
    """One server, one load: what a request costs, in the words of measure.cost()."""
    program = PROGRAMS[case.program]()
    with program.backend(), started(program.command(), cores()[0], program.port,
                                    library.environment() | program.environment) as server:
        program.load(units // 10)
        libraries = measure.proven_in(server.pid, library, case.program)
        cpu, wall = processor_time(server.pid), time.monotonic_ns()
        program.load(units)
        cpu, wall = processor_time(server.pid) - cpu, time.monotonic_ns() - wall
        status = Path(f"/proc/{server.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    return {"cpu": cpu / units, "wall": wall / units, "bytes": 0, "peak": peak,
            "libraries": libraries}
