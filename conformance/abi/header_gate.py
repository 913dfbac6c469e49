"""header_gate.py: our headers declare what the original's do, each header by itself and all together.

Functions, structures, fields, enumerators, typedefs and macros must have the same names and types and
live in the same header, and a program that includes any one header must see the same names, those of
system headers among them. What differs on purpose stands in differences.tsv with its reason."""

import functools
import os
import tempfile

import declarations
from declarations import includes, run
from families import INCLUDE, families, read_differences
from gate import Gate, main

KINDS = ("functions", "inlines", "records", "enumerators", "typedefs", "variables", "externs")


class Comparison:
    def __init__(self, gate, differences):
        self.gate = gate
        self.differences = differences
        self.used = set()

    def differ(self, kind, name, text):
        if (kind, name) in self.differences:
            self.used.add((kind, name))
        else:
            self.gate.fault("%s %s" % (name, text))

    def declarations(self, theirs, ours):
        for kind in KINDS:
            one, other = getattr(theirs, kind), getattr(ours, kind)
            self.gate.saw(len(one), kind) if one else None
            for name in sorted(set(one) | set(other)):
                if name not in other:
                    self.differ(kind[:-1], name, "is missing from our headers")
                elif name not in one:
                    self.differ(kind[:-1], name, "is in our headers only")
                elif one[name] != other[name]:
                    self.differ(kind[:-1], name, "is '%s', the original is '%s'" % (other[name], one[name]))
                elif theirs.header_of.get(name) != ours.header_of.get(name):
                    self.differ(kind[:-1], name, "is declared in %s, by the original in %s"
                                % (ours.header_of.get(name), theirs.header_of.get(name)))
        self.macros(theirs, ours)

    def macros(self, theirs, ours):
        self.gate.saw(len(theirs.macros), "macros")
        for name in sorted(set(theirs.macros) | set(ours.macros)):
            if name not in ours.macros:
                self.differ("macro", name, "is not defined by our headers")
            elif name not in theirs.macros:
                self.differ("macro", name, "is defined by our headers only")
            else:
                one, other = theirs.macros[name], ours.macros[name]
                shape = [(macro.parameters is None, len(macro.parameters or ()), macro.variadic)
                         for macro in (one, other)]
                if shape[0] != shape[1]:
                    self.differ("macro", name, "takes other parameters than the original")
                if theirs.header_of[name] != ours.header_of[name]:
                    self.differ("macro", name, "is defined in %s, by the original in %s"
                                % (ours.header_of[name], theirs.header_of[name]))

    def alone(self, header, include):
        """What a program sees that includes this header and nothing else. Returns False if the
        original cannot be used that way."""
        theirs, ours = original_visible(header), visible(header, ["-I" + include])
        if ours is None:
            self.gate.fault("%s cannot be included alone" % header)
        if theirs is None or ours is None:
            return False
        for kind in theirs:
            for name in sorted(theirs[kind] - ours[kind]):
                self.differ(kind, name, "is seen after including %s of the original alone" % header)
            for name in sorted(ours[kind] - theirs[kind]):
                self.differ(kind, name, "is seen after including our %s alone" % header)
        return True

    def finish(self, scope):
        for kind, name in sorted(scope - self.used):
            self.gate.fault("differences.tsv lists %s %s, but it does not differ" % (kind, name))


@functools.lru_cache(maxsize=None)
def original_visible(header):
    return visible(header, [])


def visible(header, flags):
    """Names of all macros and functions, the system's included; None if it does not compile."""
    with tempfile.TemporaryDirectory() as work:
        source, prototypes = os.path.join(work, "one.c"), os.path.join(work, "prototypes")
        with open(source, "w") as file:
            file.write(includes([header]))
        try:
            run(["gcc", "-w", "-fsyntax-only", "-aux-info", prototypes, *flags, source])
        except RuntimeError:
            return None
        macros = run(["gcc", "-E", "-dM", *flags, source])
        with open(prototypes) as file:
            functions = {line.split("*/", 1)[1].split("(")[0].split()[-1].lstrip("*")
                         for line in file if "(" in line}
    return {"macro": {line.split()[1].split("(")[0] for line in macros.splitlines()},
            "function": functions}


def check(include=INCLUDE, differences=None, chosen=None):
    gate = Gate("abi-headers")
    differences = read_differences() if differences is None else differences
    comparison = Comparison(gate, differences)
    owned = set()
    for family in families(include):
        for unit in family.units:
            owned.update(unit.headers)
            if not unit.original or chosen and family.name not in chosen:
                continue
            comparison.declarations(declarations.read(declarations.ORIGINAL, tuple(unit.headers)),
                                    declarations.read(include, tuple(unit.headers)))
            alone = [header for header in unit.headers if comparison.alone(header, include)]
            gate.saw(len(alone), "headers of %s alone" % family.name)
    comparison.finish({key for key in differences if key[0] != "undefined"})
    for header in every_header(include):
        if header not in owned | {"ev++.h"}:
            gate.fault("%s belongs to no family" % header)
    return gate


def every_header(directory):
    for top, _, names in os.walk(directory):
        for name in names:
            if name.endswith(".h"):
                yield os.path.relpath(os.path.join(top, name), directory)


if __name__ == "__main__":
    main(check())
