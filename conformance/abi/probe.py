"""probe.py BUILD: a C program, generated from the original's headers, that prints the size and place of
every field, the value of every enumerator and macro, and whether every function has the original's
type. Compiled once with the original's headers and once with ours, it must print the same.

Macros that are no values are compared by what they expand to. One that takes parameters and expands
differently must appear in FAMILY_macros.c, which uses such macros and prints what comes of it; that
too must be the same."""

import os
import re
import subprocess
import sys
import tempfile

import declarations
from declarations import includes, run
from families import INCLUDE, families, read_differences
from gate import Gate, main

HERE = os.path.dirname(os.path.realpath(__file__))
COMPILERS = ("gcc", "clang")
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\w+|##|->|\+\+|--|[<>=!&|+*/-]=?|\S')


def expansions(macros, headers, flags):
    """What each macro becomes, as a list of tokens. Parameters stand for themselves."""
    source = includes(headers)
    for name, macro in macros.items():
        call = name
        if macro.parameters is not None:
            arguments = list(macro.parameters) + (["more"] if macro.variadic else [])
            call += "(%s)" % ", ".join("argument_%d" % i for i in range(len(arguments)))
        source += '\n"@%s" %s\n"@"\n' % (name, call)
    text = subprocess.run(["gcc", "-E", "-P", "-w", *flags, "-"], input=source, capture_output=True,
                          text=True, check=True).stdout
    found = {}
    for name, body in re.findall(r'"@(\w+)"(.*?)"@"', text, re.S):
        found[name] = TOKEN.findall(body)
    return found


def constants(names, headers):
    """Those of the macros that are integer constant expressions by the original's headers."""
    source = includes(headers) + "#line 1\n"
    source += "".join("enum { constant_%d = (%s) == 0 };\n" % (i, name) for i, name in enumerate(names))
    errors = subprocess.run(["gcc", "-x", "c", "-w", "-fsyntax-only", "-fmax-errors=0", "-"],
                            input=source, capture_output=True, text=True).stderr
    bad = {int(line) for line in re.findall(r"^<stdin>:(\d+):\d+: error", errors, re.M)}
    return [name for i, name in enumerate(names) if i + 1 not in bad]


class Program:
    """The probe's source."""

    def __init__(self, headers):
        self.lines = [includes(headers), "#include <stdio.h>", "#include <stddef.h>",
                      "#include <string.h>", "int main(void) {"]
        self.items = 0

    def show(self, text, form, *values):
        self.items += 1
        self.lines.append('  printf("%s %s\\n", %s);' % (text, form, ", ".join(values)))

    def text(self):
        return "\n".join(self.lines + ["  return 0;", "}", ""])


def write_probe(found, headers, values, strings):
    program = Program(headers)
    for tag, fields in sorted(found.records.items()):
        program.show(tag, "size %zu align %zu", "sizeof(%s)" % tag, "_Alignof(%s)" % tag)
        for field in fields:
            if field.bits:
                program.items += 1
                program.lines.append(
                    '  { %s it; memset(&it, 0, sizeof it); it.%s = ~0u; printf("%s.%s bits");'
                    ' for (size_t i = 0; i < sizeof it; ++i) if (((unsigned char*)&it)[i])'
                    ' printf(" %%zu:%%02x", i, ((unsigned char*)&it)[i]); printf("\\n"); }'
                    % (tag, field.path, tag, field.path))
            else:
                place = "((%s*)0)->%s" % (tag, field.path)
                program.show("%s.%s" % (tag, field.path), "at %zu size %zu",
                             "offsetof(%s, %s)" % (tag, field.path), "sizeof(%s)" % place)
    for name in sorted(found.enumerators):
        program.show(name, "= %lld", "(long long)%s" % name)
    for name, kind in sorted(found.typedefs.items()):
        if "(*)" in kind or "(" not in kind:
            program.show("typedef %s" % name, "size %zu same %d", "sizeof(%s)" % name,
                         "__builtin_types_compatible_p(%s, %s)" % (name, kind.split(" [")[0]))
    for name, kind in sorted({**found.functions, **found.inlines}.items()):
        program.show("function %s" % name, "same %d", "__builtin_types_compatible_p(__typeof__(%s), %s)"
                     % (name, kind.split(" [")[0]))
    for name, kind in sorted(found.variables.items()):
        program.show("object %s" % name, "size %zu same %d", "sizeof %s" % name,
                     "__builtin_types_compatible_p(__typeof__(%s), %s)" % (name, kind.split(" [")[0]))
    for name in values:
        program.show("macro %s" % name, "= %lld size %zu signed %d", "(long long)(%s)" % name,
                     "sizeof(%s)" % name, "(__typeof__(%s))-1 < 0" % name)
    for name in strings:
        program.show("macro %s" % name, "= %s", name)
    return program


def outcome(compiler, source, flags, work, libraries=()):
    """What the program prints. `source` is a path."""
    binary = os.path.join(work, "probe")
    run([compiler, "-std=gnu11", "-w", *flags, "-o", binary, source, *libraries])
    return run([binary]).splitlines()


def compare_outcomes(gate, what, theirs, ours, items):
    if len(theirs) < items:
        gate.fault("%s printed %d lines for %d items" % (what, len(theirs), items))
    for one, other in zip(theirs, ours):
        if one != other:
            gate.fault("%s: original: %s; ours: %s" % (what, one, other))
    if len(theirs) != len(ours):
        gate.fault("%s: %d lines with the original, %d with ours" % (what, len(theirs), len(ours)))


def check_unit(gate, family, unit, include, work, keep):
    found = declarations.read(declarations.ORIGINAL, tuple(unit.headers))
    differing = {name for kind, name in read_differences() if kind == "macro"}
    macros = {name: macro for name, macro in found.macros.items() if name not in differing}
    ours_flags = ["-I" + include]
    theirs = expansions(macros, unit.headers, [])
    objects = [name for name, macro in sorted(macros.items()) if macro.parameters is None]
    strings = [name for name in objects if theirs[name] and theirs[name][0].startswith('"')
               and len(theirs[name]) == 1]
    values = constants([name for name in objects if theirs[name] and name not in strings], unit.headers)

    program = write_probe(found, unit.headers, values, strings)
    source = os.path.join(keep or work, "probe-%s-%s.c" % (family.name, unit.headers[0].replace("/", "-")))
    with open(source, "w") as file:
        file.write(program.text())
    for compiler in COMPILERS:
        try:
            compare_outcomes(gate, "%s with %s" % (os.path.basename(source), compiler),
                             outcome(compiler, source, [], work),
                             outcome(compiler, source, ours_flags, work), program.items)
        except RuntimeError as error:
            gate.fault("the probe does not compile with our headers: %s" % error)
    gate.saw(program.items, "items of %s printed" % family.name)

    used = os.path.join(HERE, family.name + "_macros.c")
    exercised = set()
    if os.path.exists(used):
        with open(used) as file:
            exercised = set(re.findall(r"\w+", file.read()))
        for compiler in COMPILERS:
            lines = [outcome(compiler, used, flags, work) for flags in ([], ours_flags)]
            compare_outcomes(gate, "%s with %s" % (os.path.basename(used), compiler), *lines, 1)
    same = 0
    for headers, options in ways_to_include(unit):
        same += check_expansions(gate, headers, options, include, differing, exercised,
                                 set(values) | set(strings))
    gate.saw(same, "macros of %s with equal expansions, in %d ways to include them"
             % (family.name, len(list(ways_to_include(unit)))))


def ways_to_include(unit):
    """Some headers define a macro only if another one has not, or not in strict C."""
    for options in ([], ["-std=c99"]):
        yield unit.headers, options
        for header in unit.headers:
            yield [header], options


def check_expansions(gate, headers, options, include, differing, exercised, printed):
    sets = []
    for flags in (options, options + ["-I" + include]):
        directory = include if flags != options else declarations.ORIGINAL
        found = declarations.Declarations()
        declarations.read_macros(found, directory, headers, flags)
        sets.append({name: macro for name, macro in found.macros.items() if name not in differing})
    theirs, ours = (expansions(macros, headers, flags) for macros, flags in
                    zip(sets, (options, options + ["-I" + include])))
    same = 0
    for name in sorted(set(theirs) & set(ours)):
        if theirs[name] == ours[name]:
            same += 1
        elif name not in exercised | printed:
            gate.fault("%s expands to '%s', the original to '%s', and no program shows that this is the same"
                       % (name, " ".join(ours[name]), " ".join(theirs[name])))
    return same


def check(build=None, include=INCLUDE, chosen=None):
    gate = Gate("abi-probe")
    keep = os.path.join(build, "gen", "abi") if build else None
    if keep:
        os.makedirs(keep, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for family in families(include):
            for unit in family.units:
                if unit.original and (not chosen or family.name in chosen):
                    check_unit(gate, family, unit, include, work, keep)
    return gate


if __name__ == "__main__":
    main(check(sys.argv[1]))
