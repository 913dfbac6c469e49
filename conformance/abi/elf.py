"""What a shared library shows to a loader, as readelf tells it."""

import os
import re
import subprocess
from dataclasses import dataclass


@dataclass
class Library:
    exports: dict  # name -> "function" or "object:SIZE"
    hidden: set  # defined, but for the library alone
    versions: set  # of its exports, if it has any
    imports: set
    soname: str
    needed: list
    runpath: str
    filtered: str  # the library that is searched in its stead
    flags: str  # the program headers' flags of the stack, "RW" or "RWE"
    text_relocations: bool


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True,
                          check=True).stdout


def read(path):
    exports, versions, imports = {}, set(), set()
    symbols = (line.split() for line in readelf("--syms", path).splitlines())
    hidden = {cells[7] for cells in symbols if len(cells) == 8 and cells[6].isdigit()
              and cells[3] in ("FUNC", "OBJECT")}
    for line in readelf("--dyn-syms", path).splitlines():
        cells = line.split()
        if len(cells) < 8 or not cells[0].rstrip(":").isdigit():
            continue
        size, kind, binding, section = cells[2], cells[3], cells[4], cells[6]
        name, _, version = cells[7].partition("@")
        if section == "UND":
            imports.add(name)
        elif binding in ("GLOBAL", "WEAK", "UNIQUE"):
            exports[name] = "object:%d" % int(size, 0) if kind == "OBJECT" else "function"
            if version:
                versions.add(version.lstrip("@"))
    dynamic = readelf("-d", path)
    stack = re.search(r"GNU_STACK\s+\S+ \S+ \S+ \S+ \S+ (\w+)", readelf("-l", path))
    return Library(
        exports, hidden - set(exports), versions, imports,
        one(r"\(SONAME\).*\[(.*)\]", dynamic), re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic),
        one(r"\(RUNPATH\).*\[(.*)\]", dynamic), one(r"\(FILTER\).*\[(.*)\]", dynamic), stack.group(1) if stack else "",
        "TEXTREL" in dynamic)


def one(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def system_library(name):
    """Where the distribution keeps it, whatever LD_LIBRARY_PATH says."""
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if line.strip().startswith(name + " "):
            return os.path.realpath(line.split("=>")[1].strip())
    raise FileNotFoundError(name)
