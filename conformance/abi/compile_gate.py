"""compile_gate.py: every header compiles alone, without a warning, in C and C++, with gcc and clang.

So do the programs in programs/, which use old and new names side by side, with our headers and with
the original's; and those in programs/refused/ must draw the warning that their first line names."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from families import INCLUDE, families
from gate import Gate, main

HERE = os.path.dirname(os.path.realpath(__file__))
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror"]
C = [(compiler, ["-x", "c", "-std=" + standard]) for compiler in ("gcc", "clang")
     for standard in ("c99", "c11", "gnu11")]
CXX = [(compiler, ["-x", "c++", "-std=" + standard]) for compiler in ("g++", "clang++")
       for standard in ("c++11", "c++20")]
# For headers alone: programs of that age are not among ours.
OLD = [("gcc", ["-x", "c", "-std=c89"]), ("gcc", ["-x", "c", "-std=gnu89"]),
       ("clang", ["-x", "c", "-std=c89"]), ("clang", ["-x", "c", "-std=gnu89"])]
OLD_CXX = [("g++", ["-x", "c++", "-std=c++98"]), ("clang++", ["-x", "c++", "-std=c++98"])]


def compile_text(compiler, flags, text):
    """The compiler's complaints, or nothing."""
    done = subprocess.run([compiler, *flags, "-fsyntax-only", "-"], input=text, capture_output=True,
                          text=True)
    return done.stderr if done.returncode else ""


def blamed(complaint):
    """The headers that it finds fault with."""
    return {os.path.basename(path) for path in re.findall(r"^(\S+):\d+:\d+: error", complaint, re.M)}


# Headers that C cannot read, and other gates therefore do not.
CXX_ONLY = ["ev++.h"]


def copy_of_originals(work):
    """Compilers are silent about what lies in the system's directories."""
    for family in families():
        units = [name for unit in family.units if unit.original for name in unit.headers]
        for header in units + CXX_ONLY:
            target = os.path.join(work, header)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(next(iter(glob.glob("/usr/include/" + header)
                                  or glob.glob("/usr/include/*/" + header))), target)
    return work


def every_header(include):
    """(header, whether there is an original, languages), in an order that puts originals first."""
    for family in families(include):
        for unit in family.units:
            for header in unit.headers:
                yield header, unit.original, OLD + C + OLD_CXX + CXX
    for header in CXX_ONLY:
        if os.path.exists(os.path.join(include, header)):
            yield header, True, OLD_CXX + CXX


def headers_alone(gate, include, originals, chosen=None):
    """Ours must draw no warning, unless the original draws one with the same compiler and flags."""
    count = 0
    lenient = set()
    for header, original, languages in every_header(include):
        if chosen and header not in chosen:
            continue
        # A header of macros alone would leave the translation unit empty, which C forbids.
        text = "#include <%s>\nextern int not_empty;\n" % header
        for compiler, flags in languages:
            count += 1
            complaint = compile_text(compiler, [*flags, *WARNINGS, "-I" + include], text)
            if not complaint:
                continue
            theirs = compile_text(compiler, [*flags, *WARNINGS, "-I" + originals], text) if original else ""
            if theirs:
                lenient.update((compiler, flags[-1], name)
                               for name in blamed(theirs) | {os.path.basename(header)})
            excused = all((compiler, flags[-1], name) in lenient for name in blamed(complaint))
            if not excused or compile_text(compiler, [*flags, "-I" + include], text):
                gate.fault("%s, %s %s:\n%s" % (header, compiler, flags[-1], complaint))
    gate.saw(count, "compilations of a header alone")
    for compiler, standard, header in sorted(lenient):
        gate.note("%s draws warnings from %s %s, as the original does" % (header, compiler, standard))


def programs(gate, include, directory):
    """What the headers themselves draw is said above: here they are the system's, all of them."""
    count = 0
    for path in sorted(glob.glob(os.path.join(directory, "*.c"))):
        with open(path) as file:
            text = file.read()
        for compiler, flags in C + CXX:
            for place in ([], ["-isystem", include]):
                complaint = compile_text(compiler, [*flags, *WARNINGS, *place], text)
                if complaint:
                    gate.fault("%s, %s %s, %s headers:\n%s" % (
                        os.path.basename(path), compiler, flags[-1], "our" if place else "original",
                        complaint))
                count += 1
    gate.saw(count, "compilations of a program")


def refused(gate, include, directory):
    count = 0
    for path in sorted(glob.glob(os.path.join(directory, "*.c"))):
        with open(path) as file:
            text = file.read()
        warning = re.search(r"-W([\w-]+)", text).group(1)
        for compiler, flags in C[1:2] + C[4:5]:
            for place in ([], ["-I" + include]):
                complaint = compile_text(compiler, [*flags, "-Wall", "-Werror=" + warning, *place], text)
                if "-Werror,-W" + warning not in complaint and "-Werror=" + warning not in complaint:
                    gate.fault("%s draws no -W%s from %s with %s headers" % (
                        os.path.basename(path), warning, compiler, "our" if place else "original"))
                count += 1
    gate.saw(count, "programs refused")


def check(include=INCLUDE, directory=os.path.join(HERE, "programs")):
    gate = Gate("abi-compile")
    with tempfile.TemporaryDirectory() as work:
        headers_alone(gate, include, copy_of_originals(work))
    programs(gate, include, directory)
    refused(gate, include, os.path.join(directory, "refused"))
    return gate


if __name__ == "__main__":
    main(check())
