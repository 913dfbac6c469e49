"""A load that leaves nothing to chance: one connection, one request at a time, each of which meets
a server that sleeps.

What a server does for such a request depends on neither the scheduler nor the speed of the machine,
so it can be counted exactly. Called by counted.py; the program says what to ask for and how an
answer ends.
"""

import socket
import time
from pathlib import Path

from measure import Failed

REST_LIMIT = 60  # seconds; under valgrind everything takes its time


def server_under(pid, name):
    """The process of that name among a process and its descendants: what a wrapper has started."""
    if Path(f"/proc/{pid}/comm").read_text().strip() == name:
        return pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next((found for child in children if (found := server_under(int(child), name))), None)


def sleeps(pid):
    """Whether every thread sleeps in the kernel; one that a tracer holds does not."""
    states = [stat.read_text().rpartition(")")[2].split()[0]
              for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return bool(states) and set(states) == {"S"}


class Load:
    """One connection to a server."""

    def __init__(self, pid, program):
        self.pid = pid
        self.program = program
        self.await_rest()
        self.socket = socket.create_connection(("127.0.0.1", program.port), REST_LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def await_rest(self):
        deadline = time.monotonic() + REST_LIMIT
        while not sleeps(self.pid):
            if time.monotonic() > deadline:
                raise Failed(f"process {self.pid} does not come to rest")
            time.sleep(0.0001)

    def ask(self, units):
        """So many requests, from rest to rest."""
        for _ in range(units):
            self.await_rest()
            self.socket.sendall(self.program.request)
            self.await_answer()
        self.await_rest()

    def await_answer(self):
        answer = b""
        while not self.program.is_whole(answer):
            try:
                more = self.socket.recv(65536)
            except OSError as error:
                raise Failed(f"{error} after {answer[:80]!r}") from error
            if not more:
                raise Failed(f"the connection was closed after {answer[:80]!r}")
            answer += more

    def close(self):
        self.socket.close()
