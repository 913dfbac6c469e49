"""registry_gate.py BUILD: registry, headers, linker maps and libraries say the same.

Every public function is declared in a header, has a row in the registry, a line in the linker map
and, unless its row says pending, a definition in the library; and nothing else is exported. A
pending symbol that has come must be marked present. The registry's idea of the original's libraries
is held against those libraries."""

import collections
import os
import sys

import declarations
import elf
from families import INCLUDE, REGISTRIES, families, read_differences, read_registry
from gate import Gate, main


def check_registry(gate, family, rows):
    by_name = {}
    for row in rows:
        if row.name in by_name:
            gate.fault("%s has two rows in %s" % (row.name, family.registry))
        by_name[row.name] = row
        if row.status not in ("present", "pending"):
            gate.fault("%s: status '%s' is neither present nor pending" % (row.name, row.status))
    return by_name


def check_headers(gate, family, by_name, include):
    declared = {}
    for unit in family.units:
        found = declarations.read(include, tuple(unit.headers))
        for name in {**found.functions, **found.variables, **found.externs}:
            declared[name] = found.header_of[name]
    for kind, name in read_differences():
        if kind == "undefined" and name not in by_name:
            declared.pop(name, None)
    for name, header in sorted(declared.items()):
        row = by_name.get(name)
        if row is None:
            gate.fault("%s is declared in %s but has no row in %s" % (name, header, family.registry))
        elif row.header != header:
            gate.fault("%s is declared in %s, not in %s" % (name, header, row.header))
    headers = {header for unit in family.units for header in unit.headers}
    for row in by_name.values():
        if row.header in headers and row.name not in declared:
            gate.fault("%s has a row but %s does not declare it" % (row.name, row.header))
        elif row.header not in headers | {"-"} and row.status == "present":
            gate.fault("%s is present, but its header %s does not exist" % (row.name, row.header))
    return declared


def check_map(gate, family, rows, path, faces):
    with open(path) as file:
        text = file.read()
    listed = {word.rstrip(";") for word in text.split() if word.endswith(";")} - {"*", "}"}
    wanted = {row.name for row in rows if set(row.faces) & faces}
    for name in sorted(wanted - listed):
        gate.fault("%s is not in %s" % (name, os.path.basename(path)))
    for name in sorted(listed - wanted):
        gate.fault("%s is in %s, not in the registry" % (name, os.path.basename(path)))
    if "local: *;" not in text or not text.lstrip().startswith("{"):
        gate.fault("%s does not hide the rest in an anonymous node" % os.path.basename(path))


def check_library(gate, family, rows, path, faces):
    there = os.path.exists(path)
    exports, hidden = (elf.read(path).exports, elf.read(path).hidden) if there else ({}, set())
    name = os.path.basename(path)
    mine = {row.name: row for row in rows if set(row.faces) & faces}
    for symbol in sorted(set(exports) - set(mine)):
        gate.fault("%s exports %s, which is not in %s" % (name, symbol, family.registry))
    pending = collections.Counter()
    for symbol, row in sorted(mine.items()):
        if row.status == "pending":
            if symbol in exports:
                gate.fault("%s has come: mark it present in %s (make abi-update)"
                           % (symbol, family.registry))
            if symbol in hidden:
                gate.fault("%s is in %s, but hidden: its declaration lacks the mark of visibility.h"
                           % (symbol, name))
            pending[row.header] += 1
        elif symbol not in exports:
            gate.fault("%s is present by the registry, but %s does not export it" % (symbol, name))
        elif exports[symbol] != row.kind:
            gate.fault("%s is a %s in %s, a %s in the registry"
                       % (symbol, exports[symbol], name, row.kind))
    if mine:
        waiting = " ".join("%s:%d" % item for item in sorted(pending.items()))
        gate.note("%s: %d of %d%s" % (name, len(mine) - sum(pending.values()), len(mine),
                                       " (pending %s)" % waiting if waiting else ""))


def check_original(gate, family, rows, declared):
    """A face of ours must have what programs linked with the original may ask of it."""
    for face, file in family.originals.items():
        exports = elf.read(elf.system_library(file)).exports
        mine = {row.name for row in rows if face in row.faces}
        for name in sorted(mine - set(exports)):
            gate.fault("the registry has %s in face %s, the original %s has not" % (name, face, file))
        for name in sorted(set(exports) & set(declared) - mine):
            gate.fault("the original %s has %s, our face %s has not" % (file, name, face))


def check(build, include=INCLUDE, registries=REGISTRIES, only=None):
    gate = Gate("abi-registry")
    for family in families(include):
        if only and family.name != only:
            continue
        rows = list(read_registry(os.path.join(registries, family.registry)))
        by_name = check_registry(gate, family, rows)
        declared = check_headers(gate, family, by_name, include)
        for library, faces in family.libraries.items():
            check_map(gate, family, rows, os.path.join(build, "gen", "abi", library + ".map"), faces)
            check_library(gate, family, rows, os.path.join(build, "lib", "pollshim", library), faces)
        check_original(gate, family, rows, declared)
        for file in family.empty_faces:
            exports = elf.read(os.path.join(build, "lib", "pollshim", file)).exports
            for name in sorted(exports):
                gate.fault("%s is a face, but exports %s" % (file, name))
        if family.units:
            gate.saw(len(declared), "functions and objects in the headers of %s" % family.name)
    return gate


if __name__ == "__main__":
    main(check(sys.argv[1]))
