"""link_gate.py BUILD: programs link with the libraries by every name, and run.

A program compiled with either set of headers and linked with either library runs on both and prints
the same. What is linked here needs what the original's users need, by the original's SONAMEs. Several
faces in one process are one engine. And all of it again from an installed tree."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile

import elf
from declarations import run
from families import INCLUDE, ROOT
from gate import Gate, main

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = os.path.join(HERE, "programs", "old_and_new.c")
LOOP = os.path.join(HERE, "programs", "macros_and_loop.c")
ENGINE = "libpollshim-event.so.1"
EVENT = "libevent-2.1.so.7"


def build(work, name, arguments, source=PROGRAM, compiler="gcc"):
    binary = os.path.join(work, name)
    run([compiler, "-w", "-o", binary, source, *arguments])
    return binary


def outcome(binary, library_path="", arguments=()):
    environment = dict(os.environ, LD_LIBRARY_PATH=library_path)
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, env=environment,
                          timeout=60)
    if done.returncode != 0:
        return "failed with %d: %s%s" % (done.returncode, done.stdout, done.stderr)
    return done.stdout


def cross_over(gate, directory, work, source, library, soname, expected_text):
    """Headers, library to link with, library to run on: each ours or theirs."""
    expected = None
    count = 0
    for headers, link in itertools.product(("theirs", "ours"), repeat=2):
        arguments = (["-I" + INCLUDE] if headers == "ours" else []) + (
            ["-L" + directory] if link == "ours" else []) + ["-Wl,--no-undefined", library]
        binary = build(work, "cross", arguments, source)
        needed = elf.read(binary).needed
        if soname not in needed or ENGINE in needed:
            gate.fault("linked with %s library, a program needs %s" % (link, " ".join(needed)))
        for place in ("", directory):
            printed = outcome(binary, place)
            expected = expected or printed
            if printed != expected or expected_text not in printed:
                gate.fault("%s headers, %s library, run %s: %s" % (headers, link,
                           "on ours" if place else "on theirs", printed))
            count += 1
    gate.saw(count, "crossings of headers and libraries with %s" % library)


def cross_libevent(gate, directory, work):
    cross_over(gate, directory, work, PROGRAM, "-levent", EVENT, "fired 2")


def cross_libev(gate, directory, work):
    cross_over(gate, directory, work, LOOP, "-lev", "libev.so.4", "ticks 3")


def names(gate, directory, work):
    """What a program needs that was linked by each name, and by each linker."""
    count = 0
    wishes = (("-levent", EVENT), ("-levent_core", "libevent_core-2.1.so.7"),
              ("-levent_core -levent_extra", "libevent_core-2.1.so.7"),
              ("-levent_core -levent_pthreads -levent_extra", "libevent_core-2.1.so.7"))
    for linker, order, (libraries, wanted) in itertools.product(
            ("bfd", "gold"), ("--as-needed", "--no-as-needed"), wishes):
        binary = build(work, "named", ["-fuse-ld=" + linker, "-L" + directory, "-Wl,--no-undefined",
                                       "-Wl," + order, *libraries.split()])
        needed = elf.read(binary).needed
        if wanted not in needed or ENGINE in needed:
            gate.fault("%s %s %s: needs %s" % (linker, order, libraries, " ".join(needed)))
        if "fired 2" not in outcome(binary, directory):
            gate.fault("%s %s %s: %s" % (linker, order, libraries, outcome(binary, directory)))
        count += 1
    gate.saw(count, "ways to link by name")


def one_engine(gate, directory, work):
    """A program of the distribution's, as it were, that needs three of the originals."""
    binary = build(work, "three", ["-Wl,--no-as-needed", "-levent", "-levent_core", "-levent_extra",
                                   "-levent_pthreads"])
    environment = dict(os.environ, LD_LIBRARY_PATH=directory, LD_TRACE_LOADED_OBJECTS="1")
    listing = run([binary], env=environment)
    for line in listing.splitlines():
        if "libevent" in line and directory not in line:
            gate.fault("three faces: %s" % line.strip())
    engines = [line for line in listing.splitlines() if line.split()[0] == ENGINE]
    if len(engines) != 1:
        gate.fault("three faces load the engine %d times:\n%s" % (len(engines), listing))
    if "fired 2" not in outcome(binary, directory):
        gate.fault("three faces: %s" % outcome(binary, directory))


def order(gate, directory, work):
    """libevent and libev both have event_* functions, and whoever the program names first has the word.
    So it must be with ours, whatever is loaded beside them."""
    source = os.path.join(HERE, "both_families.c")
    count = 0
    for libraries in ("-levent -lev", "-lev -levent", "-levent_core -lev -levent_extra"):
        binary = build(work, "both", ["-Wl,--no-as-needed", *libraries.split()], source)
        theirs, ours = outcome(binary), outcome(binary, directory)
        if theirs != ours or "events of" not in theirs:
            gate.fault("%s: %swith the original, %swith ours" % (libraries, theirs, ours))
        count += 1
    gate.saw(count, "orders of libevent and libev")


def by_hand(gate, directory, work):
    """dlopen of each face, and of the stubs, which are for the linker only."""
    loader = build(work, "loader", [], os.path.join(HERE, "load_by_name.c"))
    files = [os.path.join(directory, name) for name in (
        EVENT, "libevent_core-2.1.so.7", "libevent_extra-2.1.so.7", "libevent_pthreads-2.1.so.7",
        "pollshim-link/libevent.so")]
    for file in files:
        printed = outcome(loader, "", [file])
        if printed.split() != [ENGINE, "2.1.12-stable"]:
            gate.fault("%s loaded by hand: %s" % (file, printed))
    gate.saw(len(files), "libraries loaded by hand")


def static(gate, directory, work):
    for source, archive, expected in ((PROGRAM, "-levent", "fired 2"), (PROGRAM, "-levent_core", "fired 2"),
                                      (LOOP, "-lev", "ticks 3")):
        binary = build(work, "static", ["-static", "-L" + directory, archive], source)
        if expected not in outcome(binary):
            gate.fault("linked statically with %s: %s" % (archive, outcome(binary)))


def linker_cache(gate, directory, work):
    """ldconfig, run over the libraries, changes nothing: it would link a SONAME to the file it likes
    best, and must not see the stubs."""
    copy = shutil.copytree(directory, os.path.join(work, "cached"), symlinks=True)
    before = contents(copy)
    run(["/sbin/ldconfig", "-n", copy])
    for name in sorted(set(before) | set(contents(copy))):
        if before.get(name) != contents(copy).get(name):
            gate.fault("ldconfig makes %s %s instead of %s" % (name, contents(copy).get(name), before.get(name)))


def contents(directory):
    """Of each file, where it leads, or that it is one."""
    return {entry.name: os.readlink(entry.path) if entry.is_symlink() else "a file"
            for entry in os.scandir(directory)}


def package_config(gate, place, work, sysroot=""):
    """pkg-config's flags are all that a program needs, to be run as well."""
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=place, PKG_CONFIG_SYSROOT_DIR=sysroot)
    files = [name[:-3] for name in sorted(os.listdir(place)) if name.startswith("lib")]
    for name in files:
        flags = run(["pkg-config", "--cflags", "--libs", name], env=environment).split()
        if name in ("libevent_openssl", "libnetpoll"):
            continue
        source, expected = (LOOP, "ticks 3") if name == "libev" else (PROGRAM, "fired 2")
        binary = build(work, "packaged", flags, source)
        library_path = next(flag[2:] for flag in flags if flag.startswith("-L")) if sysroot else ""
        if expected not in outcome(binary, library_path):
            gate.fault("%s of %s: %s" % (name, place, outcome(binary, library_path)))
    gate.saw(len(files), "pkg-config files in %s" % os.path.relpath(place, work if sysroot else ROOT))


def installed(gate, build_tree, work):
    """`make install`, into a directory of its own and as the system's own files."""
    # Of a make that we run under, the variables of its command line count, but not its options.
    variables = os.environ.get("MAKEFLAGS", "").partition("-- ")[2]
    environment = dict(os.environ, MAKEFLAGS="-- " + variables if variables else "")
    for system, own in (("no", "/pollshim"), ("yes", "")):
        stage = os.path.join(work, "stage-" + system)
        run(["make", "-s", "B=" + build_tree, "install", "DESTDIR=" + stage, "prefix=/opt/shim",
             "libdir=/opt/shim/lib", "includedir=/opt/shim/include", "system_names=" + system],
            cwd=ROOT, env=environment)
        libraries = stage + "/opt/shim/lib" + own
        for name in ("event2/event.h", "event.h"):
            if not os.path.exists("%s/opt/shim/include%s/%s" % (stage, own, name)):
                gate.fault("%s was not installed (system names: %s)" % (name, system))
        package_config(gate, libraries + "/pkgconfig", work, stage)
        names(gate, libraries, work)


def check(build_tree):
    gate = Gate("abi-link")
    directory = os.path.realpath(os.path.join(build_tree, "lib", "pollshim"))
    with tempfile.TemporaryDirectory() as work:
        cross_libevent(gate, directory, work)
        cross_libev(gate, directory, work)
        names(gate, directory, work)
        one_engine(gate, directory, work)
        order(gate, directory, work)
        by_hand(gate, directory, work)
        static(gate, directory, work)
        linker_cache(gate, directory, work)
        package_config(gate, os.path.join(directory, "pkgconfig"), work)
        installed(gate, build_tree, work)
    return gate


if __name__ == "__main__":
    main(check(sys.argv[1]))
