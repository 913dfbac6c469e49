"""Which headers, registries and libraries belong together, here and in the distribution. The lists of
files come from the package manager and the source tree; only what ties them together is written
down."""

import os
import subprocess
from dataclasses import dataclass

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
INCLUDE = os.path.join(ROOT, "compat", "include")
REGISTRIES = os.path.join(ROOT, "compat", "abi")
DIFFERENCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "differences.tsv")


@dataclass
class Unit:
    """Headers that one program can include together, in this order."""

    headers: list
    original: bool  # whether the distribution has them too


@dataclass
class Symbol:
    name: str
    kind: str  # "function", or "object:SIZE"
    header: str  # "-": none
    faces: list
    status: str  # "present" or "pending"


@dataclass
class Family:
    name: str
    registry: str
    units: list
    libraries: dict  # file name of a library of ours -> the faces whose symbols it exports
    originals: dict  # face -> file name of the distribution's library
    empty_faces: tuple = ()  # files of ours that export nothing


def package_headers(package):
    listing = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    for line in listing.splitlines():
        if line.startswith("/usr/include/") and line.endswith(".h"):
            name = line[len("/usr/include/"):]
            yield name[len(multiarch) + 1:] if multiarch and name.startswith(multiarch + "/") else name


def libevent_headers():
    """1.x names first: they bring in the others the way old programs do."""
    return sorted(package_headers("libevent-dev"), key=lambda name: ("/" in name, name))


def read_registry(path):
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#"):
                continue
            cells = line.rstrip("\n").split("\t")
            if len(cells) != 5:
                raise ValueError("%s:%d: %d columns instead of 5" % (path, number, len(cells)))
            yield Symbol(cells[0], cells[1], cells[2], cells[3].split(","), cells[4])


def read_differences(path=DIFFERENCES):
    """(kind, name) -> the reason."""
    with open(path) as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {(kind, name): reason for kind, name, reason in rows}


def families(include=INCLUDE):
    def has(header):
        return os.path.exists(os.path.join(include, header))

    libevent = Family(
        "libevent", "libevent.tsv", [Unit(libevent_headers(), True)],
        {"libpollshim-event.so.1": {"event", "core", "extra", "pthreads", "engine"},
         "libevent_openssl-2.1.so.7": {"openssl"}},
        {"event": "libevent-2.1.so.7", "core": "libevent_core-2.1.so.7",
         "extra": "libevent_extra-2.1.so.7", "pthreads": "libevent_pthreads-2.1.so.7",
         "openssl": "libevent_openssl-2.1.so.7"},
        ("libevent-2.1.so.7", "libevent_core-2.1.so.7", "libevent_extra-2.1.so.7",
         "libevent_pthreads-2.1.so.7"))
    libev = Family(
        "libev", "libev.tsv",
        [Unit([name], original) for name, original in (("ev.h", True), ("libev/event.h", False))
         if has(name)],
        {"libev.so.4": {"ev"}}, {"ev": "libev.so.4"})
    netpoll = Family(
        "netpoll", "netpoll.tsv", [Unit(["netpoll.h"], False)] if has("netpoll.h") else [],
        {"libnetpoll.so.1": {"netpoll"}}, {})
    return [libevent, libev, netpoll]
