"""compare_gate.py BUILD: abidiff finds nothing removed or changed against the distribution's libraries.

Twice. Binary against binary: every face's symbols; the distribution's libraries carry no debugging
information, so this says that a symbol is there, and of its kind. And header against header: an
object with a variable of every public type, compiled with either set of headers, with debugging
information, says that the types are the same down to the last field."""

import os
import re
import subprocess
import sys
import tempfile

import declarations
import elf
from declarations import includes, run
from families import INCLUDE, REGISTRIES, families, read_registry
from gate import Gate, main


def abidiff(*arguments):
    """Its report, and whether it found the second incompatible with the first."""
    done = subprocess.run(["abidiff", "--no-added-syms", "--no-default-suppression", *arguments],
                          capture_output=True, text=True)
    if done.returncode & 3:
        raise RuntimeError("abidiff %s: %s%s" % (" ".join(arguments), done.stdout, done.stderr))
    return done.stdout, bool(done.returncode & 8)


def removed_or_changed(report):
    """Counts in the summary, after suppression. Another SONAME is what the engine is meant to have."""
    counts = re.findall(r"(\d+) (?:Removed|Changed)", report)
    return any(int(count) for count in counts)


def suppressions(path, private, pending):
    """What abidiff need not see in the original: its accidental exports, and what is still to come."""
    with open(path, "w") as file:
        for title, names in (("private", private), ("pending", pending)):
            file.write("# %d %s symbols\n" % (len(names), title))
            for name in sorted(names):
                for kind in ("function", "variable"):
                    file.write("[suppress_%s]\n  symbol_name = %s\n" % (kind, name))


def compare_binaries(gate, family, build, registries, work):
    rows = list(read_registry(os.path.join(registries, family.registry)))
    compared = 0
    for face, original in family.originals.items():
        mine = [row for row in rows if face in row.faces]
        present = [row.name for row in mine if row.status == "present"]
        library = next(name for name, faces in family.libraries.items() if face in faces)
        path = os.path.join(build, "lib", "pollshim", library)
        if not present:
            continue
        theirs = elf.system_library(original)
        rules = os.path.join(work, face + ".suppr")
        suppressions(rules, set(elf.read(theirs).exports) - {row.name for row in mine},
                     {row.name for row in mine} - set(present))
        report, incompatible = abidiff("--suppressions", rules, theirs, path)
        if removed_or_changed(report) or incompatible and "SONAME changed" not in report:
            gate.fault("%s against %s:\n%s" % (original, library, report))
        gate.note("%s: %d symbols" % (original, len(present)))
        compared += 1
    return compared


def type_library(name, found, headers, flags, work):
    """A library with one variable of each public type."""
    source = os.path.join(work, name + ".c")
    with open(source, "w") as file:
        file.write(includes(headers))
        for function in sorted(list(found.functions) + list(found.inlines)):
            file.write("__typeof__(&%s) type_of_%s;\n" % (function, function))
        for tag in sorted(found.records):
            file.write("%s object_of_%s;\n" % (tag, tag.replace(" ", "_")))
        for kind in sorted(found.typedefs):
            file.write("%s* pointer_to_%s;\n" % (kind, kind))
        for tag in sorted(set(found.enumerators.values())):
            if not tag.endswith(" "):
                file.write("%s value_of_%s;\n" % (tag, tag.replace(" ", "_")))
    library = os.path.join(work, name + ".so")
    run(["gcc", "-std=gnu11", "-w", "-g", "-shared", "-fPIC", "-Wl,-soname,types", *flags, "-o", library,
         source])
    return library


def compare_types(gate, family, unit, include, work):
    found = declarations.read(declarations.ORIGINAL, tuple(unit.headers))
    theirs = type_library("theirs", found, unit.headers, [], work)
    try:
        ours = type_library("ours", found, unit.headers, ["-I" + include], work)
    except RuntimeError as error:
        gate.fault("our headers lack a type: %s" % error)
        return
    report, incompatible = abidiff(theirs, ours)
    if incompatible or report.strip():
        gate.fault("types of %s:\n%s" % (family.name, report))
    gate.saw(len(elf.read(theirs).exports), "types of %s" % family.name)


def check(build, include=INCLUDE, registries=REGISTRIES, chosen=None):
    gate = Gate("abi-compare")
    with tempfile.TemporaryDirectory() as work:
        compared = 0
        for family in families(include):
            if chosen and family.name not in chosen:
                continue
            compared += compare_binaries(gate, family, build, registries, work)
            for unit in family.units:
                if unit.original:
                    compare_types(gate, family, unit, include, work)
        gate.note("%d libraries of the distribution" % compared)
    return gate


if __name__ == "__main__":
    main(check(sys.argv[1]))
